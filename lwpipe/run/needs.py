"""What a job needs of a machine: memory, time and GPUs, computed from the size of its data.

The formulas hold a term for the program, one for the data set (N faces of V vertices) and one for
what a stage computes. `benchmarks/resources.py` prints them beside the peaks of a finished run.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lwpipe.data.sources.ict.files import REGION_VERTICES
from lwpipe.run import Settings

# A job asks for so much more than the formula says: allocators keep memory, machines differ.
_MARGIN = 1.25
# On a cluster two processes of Snakemake run inside each job.
_SNAKEMAKE_MB = 300
# The Basel Face Model as AFLW2000-3D crops it.
_BASEL_VERTICES = 53215
_AFLW_FACES = 2000
# A binary PLY file holds 12 bytes a vertex and, with about two triangles a vertex, 26 for these;
# other formats take more, so that this is a bound from above.
_MESH_BYTES = 38


@dataclass(frozen=True)
class Size:
    """The size of a data set.

    Attributes
    ----------
    faces : number of faces N
    vertices : number of vertices V
    """

    faces: int
    vertices: int

    @property
    def megabytes(self) -> float:
        """All coordinates in single precision, 12 N V bytes."""
        return 12e-6 * self.faces * self.vertices


def size_of(settings: Settings, store: str | Path) -> Size:
    """Return the size of a data set: of the store if it is there, else as the settings tell it.

    Parameters
    ----------
    settings : of the run or variant
    store : folder of the data set

    Notes
    -----
    Of meshes yet to be read it is a bound from the number and size of the files. What cannot be
    read counts as the default: it is the conversion that says what is wrong.
    """
    try:
        info = json.loads((Path(store) / "dataset.json").read_text(encoding="utf-8"))
        return Size(int(info["faces"]), int(info["vertices"]))
    except (OSError, ValueError, KeyError, TypeError):
        pass
    data = settings.data
    if data.source == "synthetic":
        return Size(data.faces or 0, data.synthetic.vertices)
    if data.source == "ict":
        return Size(data.faces or 0, REGION_VERTICES[data.ict.region])
    if data.source == "aflw2000-3d":
        return Size(data.faces or _AFLW_FACES, _BASEL_VERTICES)
    return _size_of_meshes(Path(data.meshes.path or ""), data.faces)


def _size_of_meshes(path: Path, faces: int | None) -> Size:
    default = Size(faces or 1000, 20_000)
    try:
        if path.is_dir():
            sizes = [file.stat().st_size for file in path.iterdir() if file.is_file()]
            count = min(faces or len(sizes), len(sizes))
            return Size(count, max(sizes) // _MESH_BYTES) if sizes else default
        if path.suffix == ".npy":
            shape = np.load(path, mmap_mode="r", allow_pickle=False).shape
            return Size(min(faces or shape[0], shape[0]), shape[1])
        # Of an archive only the product of both numbers is known.
        count = faces or default.faces
        return Size(count, path.stat().st_size // (12 * count))
    except (OSError, EOFError, ValueError, IndexError):
        return default


def memory_mb(stage: str, settings: Settings, size: Size) -> int:
    """Return the memory that a job of `stage` should ask for, in MB.

    Parameters
    ----------
    stage : name in `lwpipe.run.stages.STAGES`
    settings : what the job is told
    size : of its data set
    """
    program, copies, of_vertex = _MEMORY[stage]
    needed = program + copies * size.megabytes + 1e-3 * of_vertex * size.vertices
    if stage == "make_local_weights":
        needed += _factorisation_mb(settings, size)
    if stage == "train_model":
        needed *= settings.training.processes
        needed += _training_mb(settings, size)
    return round(_SNAKEMAKE_MB + _MARGIN * needed)


# Of each stage: MB of the program with its libraries, how many copies of the data set it holds, and
# kB a vertex for the mesh, the model and the pictures.
_MEMORY: dict[str, tuple[float, float, float]] = {
    "make_dataset": (300, 2, 0),
    "check_dataset": (200, 1, 0),
    "draw_contact_sheet": (420, 1, 0),
    "make_pyramid": (160, 0, 6),
    "make_local_weights": (560, 1, 0),
    "draw_local_weights": (420, 0, 7),
    "train_model": (700, 1, 5),
    "draw_learning_curve": (150, 0, 0),
    "evaluate_model": (560, 3, 5),
    "evaluate_baselines": (300, 3, 0),
    "draw_interpolation": (780, 0, 12),
    "measure_diversity": (560, 1, 5),
    "draw_diversity": (250, 0, 0),
    "summarise": (220, 0, 0),
    "draw_summary": (200, 0, 0),
    "draw_tradeoff": (200, 0, 0),
    "write_report": (150, 0, 0),
}


def _factorisation_mb(settings: Settings, size: Size) -> float:
    """Return the features in double precision, and nimfa's copies of them."""
    local = settings.local_weights
    columns = min(size.faces, local.max_faces or size.faces)
    columns *= 6 if local.features == "signed" else 1
    copies = 2 if local.solver == "fast" else 8
    return copies * 8e-6 * size.vertices * columns


def _training_mb(settings: Settings, size: Size) -> float:
    """Return the activations of all the faces of a step that are held at once.

    At full resolution each of the two sides holds some 50 bytes a vertex, face and channel.
    """
    model, training = settings.model, settings.training
    faces = training.batch_size / training.accumulate
    return 50e-6 * max(model.channels[:2]) * size.vertices * faces * _passes(settings)


def _passes(settings: Settings) -> int:
    """Return how often a step runs the network: three times with the cycle loss."""
    return 3 if settings.training.cycle_weight > 0 else 1


def runtime_minutes(stage: str, settings: Settings, size: Size) -> int:
    """Return the time that a job of `stage` should ask for, in minutes, on two slow CPU cores.

    Parameters
    ----------
    stage, settings, size : as for `memory_mb`
    """
    needed = 10 + _MINUTES_A_GIGABYTE[stage] * size.megabytes / 1000
    if stage == "make_local_weights":
        # A thousandth of a second an iteration for a MB of features; nimfa takes ten times as long.
        local = settings.local_weights
        slower = 1 if local.solver == "fast" else 10
        needed += slower * _factorisation_mb(settings, size) * local.iterations / 60_000
    if stage == "train_model":
        # 15 million vertices a minute in each pass: half of what is measured on two cores.
        work = _passes(settings) * settings.training.epochs * size.faces * size.vertices
        needed += work / 1.5e7
    return round(needed)


# Of each stage: minutes for a GB of faces, with a wide margin.
_MINUTES_A_GIGABYTE: dict[str, float] = {
    **dict.fromkeys(_MEMORY, 0.0),
    "make_dataset": 30,
    "check_dataset": 30,
    "draw_contact_sheet": 10,
    "make_pyramid": 10,
    "draw_local_weights": 5,
    "evaluate_model": 60,
    "evaluate_baselines": 60,
    "draw_interpolation": 60,
    "measure_diversity": 20,
}


def gpus(stage: str, settings: Settings) -> int:
    """Return how many GPUs a job should ask for: only training, only where 'cuda' is asked for.

    With 'auto' training takes a GPU where it finds one, but does not wait in a queue for it.

    Parameters
    ----------
    stage, settings : as for `memory_mb`
    """
    asked = stage == "train_model" and settings.training.device == "cuda"
    return settings.training.processes if asked else 0
