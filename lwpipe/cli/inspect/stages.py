"""What the files of the stages are: data set, pyramid, local weights, model, checkpoint, run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from lwpipe.cli.inspect.finding import Finding, changed, extent
from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import read_json
from lwpipe.data.store import Dataset
from lwpipe.data.store_files import read_info
from lwpipe.run.stages import STAGES, TARGETS
from lwpipe.training.settings import TrainingSettings

PYRAMID = STAGES["make_template"].outputs["pyramid"].file
LOCAL_WEIGHTS = STAGES["make_local_weights"].outputs["weights"].file
CHECKPOINTS = ("last.pt", "previous.pt", "best.pt")


def data_set(path: str, given: Path) -> Finding:
    """Describe a data set store; its hash is checked."""
    folder = given if given.is_dir() else given.parent
    dataset = Dataset.open(folder)
    info, faces = dataset.info, dataset.faces
    regions = dataset.regions()
    return Finding(
        path,
        "data set",
        {
            "faces": len(faces),
            "split": {name: len(dataset.indices(name)) for name in ("train", "test")},
            "vertices": len(dataset.template),
            "triangles": len(dataset.triangles),
            "size": f"{extent(dataset.template)} mm (mean face)",
            "ids": f"{faces['id'].iloc[0]} ... {faces['id'].iloc[-1]}",
            "subjects": int(faces["subject"].nunique()),
            "regions": sorted(regions) if regions else None,
            **{key: info.get(key) for key in ("source", "licence", "seed", "alignment")},
            "content sha256": f"{info['content_sha256']} (checked)",
            "used by": used_by(folder, str(info["content_sha256"])),
        },
    )


def pyramid(path: str, given: Path) -> Finding:
    """Describe a mesh pyramid."""
    from lwpipe.template import Pyramid

    file = given / PYRAMID if given.is_dir() else given
    found = Pyramid.load(file)
    counts = [len(vertices) for vertices in found.vertices]
    return Finding(
        path,
        "mesh pyramid",
        {
            "levels": found.levels,
            "meshes": [
                f"level {i}: {count:,} vertices, {len(triangles):,} triangles"
                for i, (count, triangles) in enumerate(zip(counts, found.triangles, strict=True))
            ],
            "size": f"{extent(found.vertices[0])} mm",
            "fits": fits(file, counts[0]),
        },
    )


def local_weights(path: str, given: Path) -> Finding:
    """Describe local weights, and where they come from if that lies beside them."""
    from lwpipe.local_weights import load_local_weights
    from lwpipe.local_weights.archive import load_names

    file = given / LOCAL_WEIGHTS if given.is_dir() else given
    weights, _ = load_local_weights(file)
    owner = np.bincount(weights.argmax(axis=1), minlength=weights.shape[1])
    facts: dict[str, Any] = {
        "vertices": len(weights),
        "parts (K)": weights.shape[1],
        "names": ", ".join(load_names(file, weights.shape[1]) or ()) or None,
        "vertices of each part": ", ".join(f"{count:,}" for count in owner.tolist()),
        "fits": fits(file, len(weights)),
    }
    beside = file.with_suffix(".json")
    if beside.is_file():
        about = read_json(beside)
        known = ("source", "file", "blur_mm", "solver", "features", "faces", "sparsity", "eta")
        more = ("seed", "iterations", "converged", "objective")
        facts |= {key: about.get(key) for key in (*known, *more)}
        facts["regions"] = [
            f"part {k}: {part['region']} (r {part['region_correlation']:.2f})"
            for k, part in enumerate(about.get("part", []))
            if "region" in part
        ] or None
    return Finding(path, "local weights", facts)


def model(path: str, given: Path) -> Finding:
    """Describe a trained model; it is loaded, so that everything about it is checked."""
    from lwpipe.model import load
    from lwpipe.model.archive import read_description

    file = given.with_suffix(".safetensors") if given.suffix == ".json" else given
    folder = file if file.is_dir() else file.parent
    settings = folder / "model.json" if file.is_dir() else file.with_suffix(".json")
    # PyTorch's own operations need not be compiled.
    loaded, about = load(file, backend="torch"), read_description(settings)
    info = about["info"]
    facts: dict[str, Any] = {
        "vertices": loaded.vertex_count,
        "triangles": len(loaded.triangles),
        "parts (K)": loaded.part_count,
        "latent size (Z)": loaded.latent_size,
        "levels": [
            f"level {i}: {len(vertices):,} vertices"
            for i, vertices in enumerate(loaded.pyramid.vertices)
        ],
        "parameters": loaded.parameter_count,
        **loaded.settings.model_dump(exclude={"latent_size"}),
        "units": about.get("units"),
        "epochs": info.get("epochs"),
        "test error": _mm(info.get("test_mm")),
        "training error": _mm(info.get("train_mm")),
        "seconds": loaded.info.get("seconds"),
        "training, where not default": changed(TrainingSettings(), info.get("training") or {}),
        "weights sha256": f"{about['weights_sha256']} (checked)",
        "data sha256": info.get("data_sha256"),
        "data set": trained_on(folder, info.get("data_sha256")),
    }
    facts["channels"] = ", ".join(map(str, facts["channels"]))
    return Finding(path, "trained model", facts)


def checkpoints(path: str, folder: Path) -> Finding:
    """Describe the checkpoints in a folder."""
    facts: dict[str, Any] = {}
    for name in CHECKPOINTS:
        if (folder / name).is_file():
            facts[name] = _checkpoint_words(folder / name)
    return Finding(path, "checkpoints of a training", facts)


def checkpoint(path: str, file: Path) -> Finding:
    """Describe one checkpoint."""
    from lwpipe.training.checkpoint import read_checkpoint

    state = read_checkpoint(file)
    try:
        history = state["position"]["history"]
        best = min(history, key=lambda row: row["test_mm"], default=None)
        network = state["network"]
        facts: dict[str, Any] = {
            "epochs": len(history),
            "steps into the next": state["position"]["step"],
            "last test error": _mm(history[-1]["test_mm"] if history else None),
            "best test error": _mm(best["test_mm"] if best else None),
            "device": state["device"],
            "latent size (Z)": len(network["to_latent.bias"]),
            "parts (K)": len(network["projections"]) if "projections" in network else 1,
            "parameters": sum(tensor.numel() for tensor in network.values()),
            "fingerprint": state["fingerprint"],
        }
    except (KeyError, TypeError, AttributeError, IndexError) as error:
        raise LwpipeError(f"{path}: is no checkpoint of lwpipe ({error!r}).") from error
    return Finding(path, "checkpoint of a training", facts)


def run_folder(path: str, folder: Path) -> Finding:
    """Describe the folder of a run: which stages are there, and what fits what."""
    facts: dict[str, Any] = {
        "stages": ", ".join(name for name in TARGETS if (folder / name).is_dir()) or None
    }
    if (folder / "data" / "dataset.json").is_file():
        info = read_info(folder / "data" / "dataset.json")
        facts["data set"] = f"{info.get('faces')} faces of {info.get('vertices')} vertices"
        facts["content sha256"] = info["content_sha256"]
    facts["models"] = [
        _model_words(file) for file in sorted(folder.glob("variants/*/training/model.json"))
    ] or None
    return Finding(path, "results of a run", facts)


def used_by(folder: Path, content_sha256: str) -> list[str] | None:
    """Return the models of the run of a data set that were trained on it."""
    models = sorted(folder.parent.glob("variants/*/training/model.json"))
    return [
        str(file.parent)
        for file in models
        if read_json(file).get("info", {}).get("data_sha256") == content_sha256
    ] or None


def trained_on(folder: Path, content_sha256: str | None) -> str | None:
    """Say whether the data set of the run that a file lies in is the one it was made from."""
    info = _nearest_data(folder)
    if info is None or content_sha256 is None:
        return None
    path, found = info
    same = found["content_sha256"] == content_sha256
    return f"{path} ({'the same' if same else 'ANOTHER one: the hashes differ'})"


def fits(file: Path, vertex_count: int) -> str | None:
    """Say whether a file has the vertices of the data set of the run that it lies in."""
    info = _nearest_data(file.parent)
    if info is None:
        return None
    path, found = info
    if found.get("vertices") == vertex_count:
        return str(path)
    return f"not {path}, which has {found.get('vertices')} vertices"


def _nearest_data(folder: Path) -> tuple[Path, dict[str, Any]] | None:
    """Return the data set of the run that a folder belongs to, nearest first."""
    for parent in list(folder.resolve().parents)[:4]:
        if (parent / "data" / "dataset.json").is_file():
            try:
                return parent / "data", read_info(parent / "data" / "dataset.json")
            except LwpipeError:
                return None
    return None


def _model_words(file: Path) -> str:
    about = read_json(file)
    info, settings = about.get("info", {}), about.get("model", {})
    data = trained_on(file.parent, info.get("data_sha256")) or "data set unknown"
    return (
        f"{file.parent.parent.name}: K {about.get('parts')}, Z {settings.get('latent_size')}, "
        f"{info.get('epochs')} epochs, test error {_mm(info.get('test_mm'))}; {data}"
    )


def _checkpoint_words(file: Path) -> str:
    try:
        facts = checkpoint(str(file), file).facts
    except LwpipeError as error:
        return str(error)
    return f"{facts['epochs']} epochs, last test error {facts['last test error']}"


def _mm(value: float | None) -> str | None:
    return None if value is None else f"{value:.3f} mm"
