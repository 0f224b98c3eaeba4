"""Which settings each stage reads, and which stages it follows.

The workflow hands each job the keys named here and nothing else, so this table is what decides
which jobs a changed key reruns.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal

from lwpipe.run.schema import Settings

Scope = Literal["shared", "run", "variant", "point", "sweep"]


@dataclass(frozen=True)
class Stage:
    """One stage function.

    Attributes
    ----------
    folder : folder of its files inside the root, as 'data'
    keys : settings it reads: dotted keys, a section standing for all keys in it
    after : stages whose files it reads
    scope : 'shared' by all variants and points of a sweep that agree on its settings, once a
        'run', once a 'variant', once a 'point' of a sweep, or once a 'sweep'
    """

    folder: str
    keys: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    scope: Scope = "variant"


_CAMERA = ("figures.tile", "figures.azimuth", "figures.elevation")

_TRAIN = Stage(
    "train",
    ("model", "training"),
    ("make_dataset", "make_pyramid", "make_local_weights"),
)
_EVALUATE = Stage(
    "evaluation", ("evaluation",), ("make_dataset", "make_local_weights", "train_model")
)

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
    "train_model": _TRAIN,
    "draw_learning_curve": Stage("train", ("figures.dpi",), ("train_model",)),
    "evaluate_model": _EVALUATE,
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
    "train_point": replace(_TRAIN, scope="point"),
    "evaluate_point": replace(
        _EVALUATE, after=("make_dataset", "make_local_weights", "train_point"), scope="point"
    ),
    "collect_sweep": Stage("sweep", (), ("evaluate_point",), "sweep"),
    "draw_sweep": Stage("sweep", ("figures.dpi",), ("collect_sweep",), "sweep"),
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
            "collect_sweep",
            "draw_sweep",
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


def read_keys(stage: str, source: str) -> tuple[str, ...]:
    """Return the dotted keys that `stage` reads where `data.source` is `source`.

    Only the data stage depends on that: a source reads its own section and not those of the other
    sources.
    """
    keys = STAGES[stage].keys
    if stage == "make_dataset":
        read = {"data.source", *(f"data.{key}" for key in _DATA_KEYS[source])}
        keys = tuple(key for key in keys if key in read)
    return keys


def read_settings(stage: str, settings: Settings) -> dict[str, Any]:
    """Return what `stage` reads of `settings`, as nested plain values.

    Each section of the result can be validated by its settings class again: keys that the stage
    does not read then have their defaults.
    """
    keys = read_keys(stage, settings.data.source)
    values = settings.model_dump(include={key.split(".")[0] for key in keys})
    read: dict[str, Any] = {}
    for key in keys:
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


@cache
def chain(stage: str) -> tuple[str, ...]:
    """Return `stage` and the stages that it depends on."""
    return (stage, *upstream(stage))


@cache
def chain_keys(stage: str, source: str | None = None) -> frozenset[str]:
    """Return the keys that `stage` and the stages before it read, with any source if None."""
    sources = _DATA_KEYS if source is None else (source,)
    return frozenset(
        key for name in chain(stage) for each in sources for key in read_keys(name, each)
    )


def holds(read: str, key: str) -> bool:
    """Say whether `read`, a key or a section, is or contains `key`."""
    return key == read or key.startswith(f"{read}.")
