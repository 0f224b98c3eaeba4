"""Which settings each stage reads, which stages it follows, and where its files lie.

The workflow hands each job the keys named here and nothing else, so this table is what decides
which jobs a changed key reruns.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

from lwpipe.config.load import Run
from lwpipe.config.schema import Settings

Scope = Literal["shared", "run", "variant"]


@dataclass(frozen=True)
class Stage:
    """One stage function.

    Attributes
    ----------
    folder : folder of its files inside the root, as 'data'
    keys : settings it reads: dotted keys, a section standing for all keys in it
    after : stages whose files it reads
    scope : 'shared' by all variants that agree on its settings, once a 'run', or once a 'variant'
    """

    folder: str
    keys: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    scope: Scope = "variant"


_CAMERA = ("figures.tile", "figures.azimuth", "figures.elevation")

STAGES: dict[str, Stage] = {
    "make_dataset": Stage(
        "data",
        (
            "data.source",
            "data.faces",
            "data.test_fraction",
            "data.seed",
            "data.align",
            "data.scale",
            "data.synthetic",
            "data.ict",
            "data.aflw2000_3d",
            "data.meshes",
        ),
        scope="shared",
    ),
    "check_dataset": Stage("data", (), ("make_dataset",), "shared"),
    "draw_contact_sheet": Stage("data", _CAMERA, ("make_dataset",), "shared"),
    "make_pyramid": Stage("template", ("template",), ("make_dataset",), "shared"),
    "make_local_weights": Stage("weights", ("local_weights",), ("make_dataset",), "shared"),
    "draw_local_weights": Stage(
        "weights",
        ("figures",),
        ("make_dataset", "make_local_weights"),
        "shared",
    ),
    "train_model": Stage(
        "train",
        ("model", "training"),
        ("make_dataset", "make_pyramid", "make_local_weights"),
    ),
    "draw_learning_curve": Stage("train", ("figures.dpi",), ("train_model",)),
    "evaluate_model": Stage(
        "evaluation", ("evaluation",), ("make_dataset", "make_local_weights", "train_model")
    ),
    "evaluate_baselines": Stage(
        "baselines",
        ("evaluation", "model.latent_size"),
        ("make_dataset", "make_local_weights"),
        "run",
    ),
    "draw_interpolation": Stage(
        "interpolation",
        (
            "interpolation.pairs",
            "interpolation.random_pairs",
            "interpolation.steps",
            "interpolation.meshes",
            "interpolation.animation",
            "interpolation.seed",
            "figures",
        ),
        ("make_dataset", "make_local_weights", "train_model"),
    ),
    "measure_diversity": Stage("diversity", ("diversity",), ("make_dataset", "train_model")),
    "draw_diversity": Stage("diversity", ("figures.dpi",), ("measure_diversity",)),
    "summarise": Stage(
        "ablation", (), ("evaluate_model", "measure_diversity", "evaluate_baselines"), "run"
    ),
    "draw_summary": Stage("ablation", ("figures.dpi",), ("summarise",), "run"),
    "draw_tradeoff": Stage("ablation", ("figures.dpi",), ("summarise",), "run"),
    "write_report": Stage(
        "report",
        (),
        (
            "make_dataset",
            "check_dataset",
            "draw_contact_sheet",
            "make_pyramid",
            "draw_local_weights",
            "train_model",
            "draw_learning_curve",
            "draw_interpolation",
            "measure_diversity",
            "draw_diversity",
            "summarise",
            "draw_summary",
            "draw_tradeoff",
        ),
        "run",
    ),
}

# Which of the data settings a source reads beside `data.source`.
_DATA_KEYS: dict[str, tuple[str, ...]] = {
    "synthetic": ("faces", "test_fraction", "seed", "synthetic"),
    "ict": ("faces", "test_fraction", "seed", "align", "scale", "ict"),
    "aflw2000-3d": ("faces", "test_fraction", "seed", "align", "scale", "aflw2000_3d"),
    "meshes": ("faces", "test_fraction", "seed", "align", "scale", "meshes"),
}


def read_keys(stage: str, settings: Settings) -> tuple[str, ...]:
    """Return the dotted keys that `stage` reads under `settings`.

    Only the data stage depends on the settings: a source reads its own section and not those of
    the other sources.
    """
    keys = STAGES[stage].keys
    if stage == "make_dataset":
        read = {"data.source", *(f"data.{key}" for key in _DATA_KEYS[settings.data.source])}
        keys = tuple(key for key in keys if key in read)
    return keys


def read_settings(stage: str, settings: Settings) -> dict[str, Any]:
    """Return what `stage` reads of `settings`, as nested plain values.

    Each section of the result can be validated by its settings class again: keys that the stage
    does not read then have their defaults.
    """
    values = settings.model_dump()
    read: dict[str, Any] = {}
    for key in read_keys(stage, settings):
        source, target = values, read
        *sections, last = key.split(".")
        for section in sections:
            source, target = source[section], target.setdefault(section, {})
        target[last] = source[last]
    return read


def upstream(stage: str) -> Iterator[str]:
    """Yield the stages that `stage` depends on, directly or not, each once."""
    seen: set[str] = set()
    queue = list(STAGES[stage].after)
    while queue:
        name = queue.pop(0)
        if name not in seen:
            seen.add(name)
            yield name
            queue.extend(STAGES[name].after)


@dataclass(frozen=True)
class Layout:
    """Where the files of a run lie.

    A stage that variants may share (data, template, weights) lies in `results/<run>/<folder>`; a
    variant whose settings for it, or for a stage before it, differ from the base's has its own in
    `results/<run>/variants/<variant>/<folder>`. Training and all after it are always a variant's.

    Attributes
    ----------
    run : Run
    results : folder of all runs
    """

    run: Run
    results: str = "results"

    @property
    def base(self) -> str:
        """Root of the run: `results/<run>`."""
        return str(PurePosixPath(self.results) / self.run.name)

    def variant_root(self, variant: str) -> str:
        """Root of a variant: `results/<run>/variants/<variant>`."""
        return f"{self.base}/variants/{variant}"

    def differs(self, variant: str, stage: str) -> bool:
        """Say whether `variant` needs files of its own for the shared `stage`."""
        settings = self.run.variants[variant]
        return any(
            read_settings(name, settings) != read_settings(name, self.run.base)
            for name in (stage, *upstream(stage))
        )

    def root(self, stage: str, variant: str | None = None) -> str:
        """Return the root folder of the files that `variant` uses of `stage`.

        Parameters
        ----------
        stage : name in STAGES
        variant : name in the run, or None for the base settings (stages of scope 'variant' have
            no such files)
        """
        scope = STAGES[stage].scope
        if scope == "run" or (scope == "shared" and variant is None):
            return self.base
        if variant is None:
            raise ValueError(f"{stage} exists once a variant: name one")
        if scope == "variant" or self.differs(variant, stage):
            return self.variant_root(variant)
        return self.base

    def folder(self, stage: str, variant: str | None = None) -> str:
        """Return the folder of the files that `variant` uses of `stage`."""
        return f"{self.root(stage, variant)}/{self.stage_folder(stage)}"

    @staticmethod
    def stage_folder(stage: str) -> str:
        """Return the folder of `stage` inside its root."""
        return STAGES[stage].folder

    def variant_at(self, root: str) -> str | None:
        """Return the variant whose root folder is `root`, or None for the root of the run."""
        for variant in self.run.variants:
            if root == self.variant_root(variant):
                return variant
        return None

    def settings(self, variant: str | None) -> Settings:
        """Return the settings of a variant, or of the base."""
        return self.run.base if variant is None else self.run.variants[variant]

    def roots(self, stage: str) -> list[str]:
        """Return every root folder with files of `stage`, that of the base first."""
        found: list[str] = [] if STAGES[stage].scope == "variant" else [self.base]
        for variant in self.run.variants:
            root = self.root(stage, variant)
            if root not in found:
                found.append(root)
        return found


def jobs(layout: Layout) -> dict[tuple[str, str], Mapping[str, Any]]:
    """Return the settings each job of a run reads: (stage, root folder) -> nested values."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for stage in STAGES:
        for root in layout.roots(stage):
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
    variants = list(after.run.variants)
    running: set[tuple[str, str]] = set()
    for (stage, root), values in new.items():  # STAGES is in topological order
        variant = after.variant_at(root)
        used: set[tuple[str, str]] = set()
        for name in STAGES[stage].after:
            if STAGES[stage].scope == "run" and STAGES[name].scope == "variant":
                used |= {(name, after.root(name, each)) for each in variants}
            elif stage == "write_report":
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
    """Return the jobs that gather all variants and had one that is gone."""
    gone = {stage for stage, _ in set(old) - set(new)}
    gathering = {"write_report"} if gone else set()
    if "evaluate_model" in gone:
        gathering |= {"summarise", "draw_summary", "draw_tradeoff"}
    return {(stage, layout.base) for stage in gathering}
