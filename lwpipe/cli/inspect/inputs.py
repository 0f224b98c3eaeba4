"""What files that users bring are: meshes, arrays, MATLAB files, configurations, tables."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from lwpipe.cli.inspect.declared import made_by
from lwpipe.cli.inspect.finding import Finding, changed, extent
from lwpipe.core.arrays import array_shapes
from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import read_json
from lwpipe.run.load import merge, read_yaml, validate_run
from lwpipe.run.schema import Settings
from lwpipe.run.variants import shipped_overrides

_MAT_KINDS = {
    "mu_shape": "Basel shape model (Model_Shape.mat)",
    "mu_exp": "expression model (Model_Exp.mat)",
    "Shape_Para": "parameters of a face of AFLW2000-3D",
}
# So many faults of a folder are shown.
_PAGE = 40
# Tables of lwpipe, known by columns that no other one has.
_TABLES = {
    "test_mm": "learning curve of a training",
    "split": "faces of a data set",
    "boundary_vertices": "levels of a mesh pyramid",
    "weights_column": "measures part by part",
    "tsne_x": "encodings in the plane",
    "ellipse_area": "spread of encodings",
    "hausdorff_max_mm": "distances of an interpolation",
    "point": "points of a sweep",
    "reconstruction_mean_mm": "comparison of variants and baselines",
    "remark": "checks of a data set",
}


def mesh(path: str, file: Path) -> Finding:
    """Describe a mesh file."""
    from lwpipe.mesh.faults import MeshError
    from lwpipe.mesh.read import read_mesh
    from lwpipe.mesh.topology import edges_with_count
    from lwpipe.mesh.units import guess_unit
    from lwpipe.template.decimate import components

    try:
        vertices, triangles = read_mesh(file)
    except MeshError as error:
        raise LwpipeError(f"{path}: {error}.") from error
    edges, count = edges_with_count(triangles)
    return Finding(
        path,
        f"mesh ({file.suffix[1:].upper()})",
        {
            "vertices": len(vertices),
            "triangles": len(triangles),
            "edges": len(edges),
            "boundary edges": int((count == 1).sum()),
            "components": int(components(triangles, len(vertices)).max(initial=-1)) + 1,
            "size": extent(vertices),
            "unit, if it is a face": guess_unit(float(np.linalg.norm(np.ptp(vertices, axis=0)))),
        },
    )


def meshes(path: str, folder: Path) -> Finding:
    """Describe a folder of meshes or arrays: what the source `meshes` would read, or say of it."""
    from lwpipe.data.sources.meshes import MeshesSettings
    from lwpipe.data.sources.meshes.convert import open_meshes
    from lwpipe.mesh.units import guess_unit

    kinds = Counter(file.suffix.lower() for file in mesh_files(folder))
    facts: dict[str, Any] = {"files": ", ".join(f"{n} {kind}" for kind, n in kinds.items())}
    refused: tuple[str, ...] = ()
    try:
        opened = open_meshes(MeshesSettings(path=str(folder)), None)
        facts["read as"] = [f"{len(opened.items)} faces", *opened.notes]
        facts["subjects"] = len(set(opened.subjects))
        try:
            for _ in opened.chunks(centred=False):
                pass
        except LwpipeError as error:
            refused = error.sentences
        meshes = Counter(
            f"{shape.vertex_count:,} vertices, {shape.triangle_count:,} triangles, connectivity "
            f"{shape.connectivity[:8]}"
            for shape in opened.shapes.values()
        )
        facts["topology"] = [f"{words}: {count} meshes" for words, count in meshes.most_common()]
        sizes = sorted(opened.diagonals)
        facts["corner to corner"] = f"{sizes[0]:.4g} to {sizes[-1]:.4g}"
        facts["unit, if it is a face"] = guess_unit(sizes[len(sizes) // 2])
    except LwpipeError as error:
        refused = error.sentences
    facts["source 'meshes'"] = _verdict(refused)
    return Finding(path, "folder of meshes", facts)


def _verdict(refused: Sequence[str]) -> list[str]:
    """Return what the source says, at most a page of it."""
    if not refused:
        return ["reads all of them"]
    more = len(refused) - _PAGE
    return [
        f"refuses {len(refused)}:" if len(refused) > 1 else "refuses this:",
        *refused[:_PAGE],
        *([f"and {more} more"] if more > 0 else []),
    ]


def holds_meshes(folder: Path) -> bool:
    """Say whether a folder, or one below it, holds meshes or an array of faces with triangles."""
    from lwpipe.mesh.read import READERS

    for file in mesh_files(folder):
        if file.suffix.lower() in READERS:
            return True
        with suppress(LwpipeError):
            if {"vertices", "triangles"} <= set(array_shapes(file)):
                return True
    return False


def mesh_files(folder: Path) -> list[Path]:
    """Return the meshes and arrays of a folder and of the folders below it, two deep."""
    from lwpipe.data.sources.meshes.places import ARRAYS
    from lwpipe.mesh.read import READERS

    found = []
    for pattern in ("*", "*/*", "*/*/*"):
        for file in sorted(folder.glob(pattern)):
            hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
            if file.suffix.lower() in (*READERS, *ARRAYS) and not hidden:
                found.append(file)
    return found


def array(path: str, file: Path) -> Finding:
    """Describe an NPY file."""
    try:
        content = np.lib.format.open_memmap(file, mode="r")
    except Exception as error:  # a damaged header raises nearly anything
        raise LwpipeError(f"{path}: is no array of numbers, or is cut off ({error}).") from error
    faces = content.ndim == 3 and content.shape[2] == 3 and content.dtype.kind == "f"
    facts: dict[str, Any] = {"type": str(content.dtype), "shape": str(content.shape)}
    if faces and content.size:
        facts |= {"faces": content.shape[0], "vertices": content.shape[1]}
        facts["size"] = f"{extent(content[0])} (first face)"
    return Finding(path, "faces (NPY)" if faces else "array (NPY)", facts)


def archive(path: str, file: Path) -> Finding:
    """Describe an NPZ file by its arrays."""
    shapes = array_shapes(file)
    facts: dict[str, Any] = {
        "arrays": [f"{name}: {dtype} {shape}" for name, (shape, dtype) in shapes.items()],
        **made_by(file),
    }
    faces = {"vertices", "triangles"} <= set(shapes)
    return Finding(path, "faces (NPZ)" if faces else "arrays (NPZ)", facts)


def matlab(path: str, file: Path) -> Finding:
    """Describe a MATLAB file by the names and sizes of its variables; their values stay unread."""
    import scipy.io

    try:
        variables = scipy.io.whosmat(str(file), appendmat=False)
    except NotImplementedError as error:
        raise LwpipeError(
            f"{path}: is a MATLAB file of version 7.3 (HDF5); save it in MATLAB with '-v7'."
        ) from error
    except Exception as error:  # the reader reports damaged files by many types of exception
        reason = " ".join(str(error).split()) or type(error).__name__
        raise LwpipeError(f"{path}: cannot be read as a MATLAB file ({reason}).") from error
    if not variables:
        raise LwpipeError(f"{path}: is a MATLAB file without variables.")
    kinds = [words for name, words in _MAT_KINDS.items() if name in {v[0] for v in variables}]
    facts: dict[str, Any] = {
        "variables": [f"{name}: {dtype} {shape}" for name, shape, dtype in variables]
    }
    for name, shape, _ in variables:
        if name == "mu_shape":
            facts["vertices"] = max(shape) // 3
    return Finding(path, kinds[0] if kinds else "MATLAB file", facts)


def configuration(path: str, file: Path) -> Finding:
    """Describe a configuration, laid over the defaults."""
    layers = [("defaults", {"variants": shipped_overrides()}), (str(file), read_yaml(file))]
    run = validate_run(merge(*(layer for _, layer in layers)), layers)
    base = run.base
    return Finding(
        path,
        "configuration (valid)",
        {
            "run": run.name,
            "source": base.data.source,
            "faces": base.data.faces,
            "parts (K)": base.local_weights.parts,
            "latent size (Z)": base.model.latent_size,
            "factors": ", ".join(map(str, base.template.factors)),
            "epochs": base.training.epochs,
            "variants": ", ".join(run.variants),
            "where not default": changed(Settings(), base.model_dump()),
        },
    )


def table(path: str, file: Path) -> Finding:
    """Describe a CSV file."""
    try:
        with file.open(encoding="utf-8", newline="") as opened:
            rows = csv.DictReader(opened, strict=True)
            content = list(rows)
            columns = list(rows.fieldnames or [])
    except (OSError, ValueError, csv.Error) as error:
        raise LwpipeError(f"{path}: cannot be read as CSV ({error}).") from error
    made = made_by(file)
    kind = next((words for name, words in _TABLES.items() if name in columns), None)
    if kind is None and not made:
        raise LwpipeError(f"{path}: is a CSV file, but no table of lwpipe.")
    facts: dict[str, Any] = {"rows": len(content), "columns": ", ".join(columns), **made}
    if "test_mm" in columns and content:
        facts |= _learning_curve(path, content)
    return Finding(path, kind or "table of a stage", facts)


def _learning_curve(path: str, rows: list[dict[str, str]]) -> dict[str, Any]:
    try:
        best = min(rows, key=lambda row: float(row["test_mm"]))
        return {
            "epochs": len(rows),
            "last test error": f"{float(rows[-1]['test_mm']):.3f} mm",
            "best test error": f"{float(best['test_mm']):.3f} mm in epoch {best['epoch']}",
            "seconds": sum(float(row["seconds"]) for row in rows),
        }
    except (KeyError, TypeError, ValueError) as error:
        raise LwpipeError(f"{path}: is not a learning curve ({error!r}).") from error


def document(path: str, file: Path) -> Finding:
    """Describe a JSON file of measures, or of where local weights come from."""
    content = read_json(file)
    if isinstance(content, dict) and {"parts", "part"} <= content.keys():
        facts = {key: value for key, value in content.items() if key != "part"}
        return Finding(path, "origin of local weights", facts)
    if isinstance(content, dict) and "reconstruction" in content:
        names = {"reconstruction": "test error", "data_sha256": "data sha256"}
        facts = {names.get(key, key): _numbers(value) for key, value in content.items()}
        return Finding(path, "measures of a model", facts)
    if isinstance(content, dict) and "mask_blend" in content:
        facts = {"pca, test error": (content.get("pca") or {}).get("reconstruction")}
        return Finding(path, "measures of the baselines", facts)
    raise LwpipeError(f"{path}: is a JSON file, but none of lwpipe.")


def _numbers(section: Any) -> Any:
    """Return a section of measures without what is told part by part or in words."""
    if not isinstance(section, dict):
        return section
    return {
        key: value
        for key, value in section.items()
        if not isinstance(value, dict | list) and key != "remark"
    }
