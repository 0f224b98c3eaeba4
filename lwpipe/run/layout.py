"""Where the files of a run lie, which jobs it has, and which of them a changed key reruns."""

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
from lwpipe.run.stages import STAGES, chain, chain_keys, holds, read_settings


@dataclass(frozen=True)
class Layout:
    """Where the files of a run lie.

    A stage that variants may share (data, template, weights) lies in `results/<run>/<folder>`; a
    variant whose settings for it, or for a stage before it, differ from the base's has its own in
    `results/<run>/variants/<variant>/<folder>`. Training and all after it are always a variant's.

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
        read = chain_keys(stage, point.settings.data.source)
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
        return f"{self.root(stage, variant)}/{self.stage_folder(stage)}"

    @staticmethod
    def stage_folder(stage: str) -> str:
        """Return the folder of `stage` inside its root."""
        return STAGES[stage].folder

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

    def roots(self, stage: str) -> list[str]:
        """Return every root folder with files of `stage`, that of the base first.

        Shared stages of points are not among them: see `point_roots`.
        """
        scope = STAGES[stage].scope
        if scope == "point":
            return [self.variant_root(point) for point in self.run.points]
        if scope == "sweep":
            return [self.base] if self.run.points else []
        found = [] if scope == "variant" else [self.base]
        found += [self.root(stage, variant) for variant in self.run.variants]
        return list(dict.fromkeys(found))

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
            variant = layout.variant_at(root)
            if stage == "draw_interpolation" and variant not in (
                layout.run.base.interpolation.variants
            ):
                continue
            found[stage, root] = read_settings(stage, layout.settings(variant))
    return found


def reruns(before: Layout, after: Layout) -> set[tuple[str, str]]:
    """Return the jobs that run when the configuration of a finished run changes.

    A job runs if it is new, reads a setting that changed, or follows a job that runs.

    Parameters
    ----------
    before, after : layouts of the finished run and of the changed configuration
    """
    old, new = jobs(before), jobs(after)
    running: set[tuple[str, str]] = set()
    for (stage, root), values in new.items():  # STAGES is in topological order
        variant = after.variant_at(root)
        used: set[tuple[str, str]] = set()
        for name in STAGES[stage].after:
            gathers = STAGES[stage].scope in ("run", "sweep")
            if gathers and (stage == "write_report" or STAGES[name].scope in ("variant", "point")):
                used |= {(name, each) for each in after.roots(name)}
            else:
                used.add((name, after.root(name, variant)))
        if values != old.get((stage, root)) or used & running:
            running.add((stage, root))
    if set(old) - set(new):
        running |= _losing_an_input(old, new, after)
    return running


def _losing_an_input(
    old: Mapping[tuple[str, str], Any],
    new: Mapping[tuple[str, str], Any],
    layout: Layout,
) -> set[tuple[str, str]]:
    """Return the jobs that gather all variants or points and had one that is gone."""
    gone = {stage for stage, _ in set(old) - set(new)}
    gathering = {"write_report"} if gone else set()
    if "evaluate_model" in gone:
        gathering |= {"summarise", "draw_summary", "draw_tradeoff"}
    if "evaluate_point" in gone:
        gathering |= {"collect_sweep", "draw_sweep"}
    return {(stage, layout.base) for stage in gathering} & set(new)
