"""Where the files of a run lie, and which jobs it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from lwpipe.core.errors import LwpipeError
from lwpipe.run.points import LAST_STAGE, point_name, value_at
from lwpipe.run.run import Point, Run
from lwpipe.run.schema import Settings
from lwpipe.run.stages import STAGES, chain, chain_keys, choices, holds, read_settings


@dataclass(frozen=True)
class Layout:
    """Where the files of a run lie.

    A stage that variants may share (data, template, local weights) lies in
    `results/<run>/<folder>`; a variant whose settings for it, or for a stage before it, differ from
    the base's has its own in `results/<run>/variants/<variant>/<folder>`. Training and all after it
    are always a variant's.

    A point of the sweep is like a variant, in `results/<run>/sweep/<point>`, but points that
    differ from the base share what they agree on among themselves: such a stage lies in
    `results/<run>/sweep/shared/<values>/<folder>`, where <values> is the point's name without the
    keys that neither the stage nor one before it reads.

    Wherever a method takes a variant, the name of a point will do.

    Attributes
    ----------
    run : Run
    results : folder of all runs
    """

    run: Run
    results: str = "results"

    @cached_property
    def base(self) -> str:
        """Root of the run: `results/<run>`."""
        return str(PurePosixPath(self.results) / self.run.name)

    def variant_root(self, variant: str) -> str:
        """Root of a variant, `results/<run>/variants/<variant>`, or of a point."""
        folder = "sweep" if variant in self.run.points else "variants"
        return f"{self.base}/{folder}/{variant}"

    def differs(self, variant: str, stage: str) -> bool:
        """Say whether `variant` needs files of its own for the shared `stage`."""
        settings = self.settings(variant)
        return any(
            read_settings(name, settings) != read_settings(name, self.run.base)
            for name in chain(stage)
        )

    def root(self, stage: str, variant: str | None = None) -> str:
        """Return the root folder of the files that `variant` uses of `stage`.

        Parameters
        ----------
        stage : name in STAGES
        variant : name in the run, or None for the base settings (stages of scope 'variant' and
            'point' have no such files)
        """
        scope = STAGES[stage].scope
        if scope in ("run", "sweep") or (scope == "shared" and variant is None):
            return self.base
        if variant is None:
            raise ValueError(f"{stage} exists once a {scope}: name one")
        if scope != "shared":
            return self.variant_root(variant)
        if variant in self.run.points:
            return self._root_of_point(stage, self.run.points[variant])
        return self.variant_root(variant) if self.differs(variant, stage) else self.base

    def _root_of_point(self, stage: str, point: Point) -> str:
        """Return the root of a shared stage: of the base or of all points that agree on it."""
        read = chain_keys(stage, choices(point.settings))
        values = {
            key: value
            for key, value in point.values.items()
            if any(holds(section, key) for section in read)
        }
        if all(value == value_at(self.run.base, key) for key, value in values.items()):
            return self.base
        return f"{self.base}/sweep/shared/{point_name(values)}"

    def folder(self, stage: str, variant: str | None = None) -> str:
        """Return the folder of the files that `variant` uses of `stage`."""
        return f"{self.root(stage, variant)}/{STAGES[stage].place}"

    def file(self, stage: str, output: str, variant: str | None = None) -> str:
        """Return the path of one output of `stage`; of a folder, without a '/' at its end."""
        file = STAGES[stage].outputs[output].file.rstrip("/")
        return f"{self.folder(stage, variant)}/{file}"

    def inputs(self, stage: str, variant: str | None = None) -> dict[str, dict[str, list[str]]]:
        """Return the files that `stage` reads: of each input, for each member, those that it names.

        The members are the variants, points or roots that the input's stage exists for where it
        takes each of them ('' stands for the root of the run), and else only ''.
        """
        found = {}
        for name, wanted in STAGES[stage].inputs.items():
            members: dict[str, str | None] = {"": variant}
            if wanted.take == "each":
                members = {member or "": member for member in self.members(wanted.stage)}
            found[name] = {
                label: [self.file(wanted.stage, file, member) for file in wanted.files]
                for label, member in members.items()
            }
        return found

    @cached_property
    def _members(self) -> dict[str, str | None]:
        """The variant or point of each root; of several points that share it, the first."""
        members: dict[str, str | None] = {self.base: None}
        members |= {self.variant_root(variant): variant for variant in self.run.variants}
        for point in self.run.points:
            for stage in chain(LAST_STAGE):
                members.setdefault(self.root(stage, point), point)
        return members

    def variant_at(self, root: str) -> str | None:
        """Return the variant or point whose files lie in `root`, None for the root of the run.

        Raises
        ------
        LwpipeError
            If the configuration has no such variant or point.
        """
        try:
            return self._members[root]
        except KeyError:
            raise LwpipeError(
                f"{root}: belongs to no variant and no point of the sweep in this configuration."
            ) from None

    def settings(self, variant: str | None) -> Settings:
        """Return the settings of a variant or point, or of the base.

        Raises
        ------
        LwpipeError
            If the configuration has no such variant or point.
        """
        if variant is None:
            return self.run.base
        if variant in self.run.points:
            return self.run.points[variant].settings
        if variant in self.run.variants:
            return self.run.variants[variant]
        raise LwpipeError(f"{variant}: the configuration has no such variant or point of a sweep.")

    def members(self, stage: str) -> list[str | None]:
        """Return the variants or points that have files of `stage`; None stands for the run.

        Shared stages of points are not among them: see `point_roots`.
        """
        scope = STAGES[stage].scope
        if scope == "point":
            return list(self.run.points)
        if scope == "sweep":
            return [None] if self.run.points else []
        if scope == "run":
            return [None]
        if scope == "variant":
            key = STAGES[stage].members
            chosen = value_at(self.run.base, key) if key else None
            return list(dict.fromkeys(self.run.variants if chosen is None else chosen))
        own = [v for v in self.run.variants if self.differs(v, stage)]
        return [None, *own]

    def roots(self, stage: str) -> list[str]:
        """Return the root folder of each of the `members`."""
        return [self.root(stage, member) for member in self.members(stage)]

    def point_roots(self, stage: str) -> list[str]:
        """Return the root folders of a shared stage that only points of the sweep use."""
        if STAGES[stage].scope != "shared" or stage not in chain(LAST_STAGE):
            return []
        found = dict.fromkeys(self.root(stage, point) for point in self.run.points)
        return [root for root in found if root != self.base]


def jobs(layout: Layout) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return the settings each job of a run reads: (stage, root folder) -> nested values."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for stage in STAGES:
        for root in (*layout.roots(stage), *layout.point_roots(stage)):
            settings = layout.settings(layout.variant_at(root))
            found[stage, root] = read_settings(stage, settings)
    return found
