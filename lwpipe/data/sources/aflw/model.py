"""Source 'aflw2000-3d': the faces of AFLW2000-3D on the Basel Face Model.

A face is `mu_shape + mu_exp + w Shape_Para + w_exp Exp_Para`, the coordinates of a vertex one after
another (Zhu et al., "Face alignment across large poses: a 3D solution", CVPR 2016). Pose is not
applied: all faces look the same way. The Basel model is licensed to each user and is not part of
lwpipe.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.core.paths import check_names, searched, user_path
from lwpipe.data.sources.aflw import EXPRESSION_FILES, SHAPE_FILE, TEXTURE_FILE, model_files
from lwpipe.data.sources.aflw.mat import read_mat, variables
from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.read import check_coordinates

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

MM_PER_MICROMETRE = 1e-3
# Coordinates in micrometres and parameters are of the order of 1e5 to 1e7.
MAX_VALUE = 1e15


@dataclass(frozen=True)
class BaselModel:
    """The linear face model, in millimetres.

    Attributes
    ----------
    mean : float64 (3V,), mm
        mu_shape + mu_exp: x, y, z of vertex 0, of vertex 1, ...
    basis : float32 or float64 (3V, S + E), mm
        w beside w_exp.
    shape_count, expression_count : int
        S and E: 199 and 29 in the published model.
    triangles : int64 (F, 3)
        From 0.
    """

    mean: Floats
    basis: npt.NDArray[np.floating]
    shape_count: int
    expression_count: int
    triangles: Ints


def read_model(folder: str | Path) -> BaselModel:
    """Read the files of the shapes and of the expressions and check that they fit each other.

    Raises
    ------
    LwpipeError
        If a file is missing or unreadable, if an array has another shape than the layout says
        (mu_shape 3V x 1, w 3V x S, tri 3 x F from 1, mu_exp 3V x 1, w_exp 3V x E), or holds NaN.
    """
    folder = user_path("data.aflw2000_3d.model_dir", folder)
    shape_file, expression_file = model_files(folder)
    shape = read_mat(shape_file, ("mu_shape", "w", "tri"))
    expression = read_mat(expression_file, ("mu_exp", "w_exp"))

    mu_shape = shape["mu_shape"]
    if mu_shape.ndim != 2 or mu_shape.shape[1] != 1 or len(mu_shape) % 3 or len(mu_shape) == 0:
        raise LwpipeError(
            f"{shape_file}: mu_shape is {_size(mu_shape)}; it must be 3V x 1, a multiple of three."
        )
    rows = len(mu_shape)
    for file, name, array in (
        (shape_file, "w", shape["w"]),
        (expression_file, "w_exp", expression["w_exp"]),
        (expression_file, "mu_exp", expression["mu_exp"]),
    ):
        columns = 1 if name == "mu_exp" else None
        wrong_columns = columns is not None and array.shape[1:] != (columns,)
        if array.ndim != 2 or len(array) != rows or wrong_columns or array.shape[1] == 0:
            raise LwpipeError(
                f"{file}: {name} is {_size(array)}; mu_shape of {SHAPE_FILE} has {rows} rows "
                f"(V = {rows // 3}), so it must be {rows} x {columns or 'the components'}."
            )
    for file, name, array in (
        (shape_file, "mu_shape", mu_shape),
        (shape_file, "w", shape["w"]),
        (expression_file, "mu_exp", expression["mu_exp"]),
        (expression_file, "w_exp", expression["w_exp"]),
    ):
        _check_values(file, name, array)
    triangles = _read_triangles(shape_file, shape["tri"], rows // 3)
    mean = (mu_shape.astype(np.float64) + expression["mu_exp"]).reshape(-1) * MM_PER_MICROMETRE
    basis = np.concatenate([shape["w"], expression["w_exp"]], axis=1)
    if basis.dtype.kind != "f":
        basis = basis.astype(np.float64)
    basis *= basis.dtype.type(MM_PER_MICROMETRE)
    return BaselModel(mean, basis, shape["w"].shape[1], expression["w_exp"].shape[1], triangles)


def _read_triangles(file: Path, tri: npt.NDArray[Any], vertex_count: int) -> Ints:
    """Return tri, 3 x F and counted from 1, as int64 (F, 3) counted from 0."""
    if tri.ndim != 2 or tri.shape[0] != 3 or tri.shape[1] == 0:
        raise LwpipeError(f"{file}: tri is {_size(tri)}; it must be 3 x F.")
    _check_values(file, "tri", tri)
    triangles = tri.T.astype(np.int64)
    if not np.array_equal(triangles, tri.T):
        raise LwpipeError(f"{file}: tri holds numbers that are not whole.")
    if triangles.min() < 1:
        raise LwpipeError(
            f"{file}: tri counts vertices from {triangles.min()}; the layout counts from 1."
        )
    if triangles.max() > vertex_count:
        raise LwpipeError(
            f"{file}: tri names vertex {triangles.max()}, but mu_shape has V = {vertex_count}."
        )
    return np.ascontiguousarray(triangles - 1)


def face_files(folder: Path) -> list[Path]:
    """Return what may be the faces in a folder, sorted by name; none where it cannot be read."""
    return sorted(
        file
        for file in folder.glob("*.mat")
        # Both parts may lie in one folder; files that start with a dot are not the user's.
        if file.name not in (SHAPE_FILE, TEXTURE_FILE, *EXPRESSION_FILES)
        and not file.name.startswith(".")
    )


def list_faces(folder: str | Path) -> list[Path]:
    """Return the .mat files of a folder, sorted by name.

    Raises
    ------
    LwpipeError
        If the folder is missing or has none.
    """
    folder = user_path("data.aflw2000_3d.faces_dir", folder)
    if not folder.is_dir():
        raise LwpipeError(f"data.aflw2000_3d.faces_dir: {searched(folder)} is not a folder.")
    files = face_files(folder)
    check_names(files)
    if len(files) == 1:
        raise LwpipeError(
            f"data.aflw2000_3d.faces_dir: {folder} holds one face; at least two are needed, to "
            "train on and to test on."
        )
    if not files:
        inner = next((each for each in sorted(folder.iterdir()) if _holds_faces(each)), None)
        if inner is not None:
            raise LwpipeError(
                f"data.aflw2000_3d.faces_dir: {folder} has no .mat file itself, but "
                f"{inner.name} in it has {len(face_files(inner))}: name {inner}."
            )
        raise LwpipeError(f"data.aflw2000_3d.faces_dir: {folder} has no .mat file of a face.")
    return files


def _holds_faces(folder: Path) -> bool:
    return folder.is_dir() and not folder.name.startswith(".") and bool(face_files(folder))


def read_face(file: str | Path, model: BaselModel) -> Floats:
    """Return Shape_Para and Exp_Para of one face one after another, float64 (S + E,).

    Raises
    ------
    LwpipeError
        If they are missing, of another length than the model's components, or not finite.
    """
    face = read_mat(file, ("Shape_Para", "Exp_Para"))
    parts = []
    for name, length in (
        ("Shape_Para", model.shape_count),
        ("Exp_Para", model.expression_count),
    ):
        if face[name].size != length or max(face[name].shape) != length:
            raise LwpipeError(
                f"{file}: {name} is {_size(face[name])}; the model has {length} components, so it "
                f"must be {length} x 1."
            )
        _check_values(Path(file), name, face[name])
        parts.append(face[name].reshape(-1).astype(np.float64))
    return np.concatenate(parts)


@dataclass(frozen=True)
class BaselTexture:
    """The linear model of the colours.

    Attributes
    ----------
    mean : float64 (3V,), sRGB from 0 to 255: red, green, blue of vertex 0, of vertex 1, ...
    basis : float32 or float64 (3V, T), of unit length in the published model
    """

    mean: Floats
    basis: npt.NDArray[np.floating]


def read_texture(folder: str | Path, rows: int) -> BaselTexture:
    """Read texMU (3V x 1) and texPC (3V x T), of Model_Tex.mat or else of Model_Shape.mat.

    Tex_Para counts along the columns of texPC as they are, as Shape_Para does along those of w. A
    texEV beside them, the standard deviations of the components, is not read: coefficients of the
    Basel Face Model itself count in these (its coef2object.m), those of AFLW2000-3D do not.

    Parameters
    ----------
    folder : of the model
    rows : 3V of its shapes

    Raises
    ------
    LwpipeError
        If they are missing or do not fit.
    """
    folder = user_path("data.aflw2000_3d.model_dir", folder)
    file = folder / TEXTURE_FILE
    if not file.exists():
        file = folder / SHAPE_FILE
    if not {"texMU", "texPC"} <= set(variables(file)):
        raise LwpipeError(
            f"{folder}: has no colours: neither {TEXTURE_FILE} nor {SHAPE_FILE} holds texMU and "
            "texPC."
        )
    read = read_mat(file, ("texMU", "texPC"))
    mean, basis = read["texMU"], read["texPC"]
    for name, array, columns in (("texMU", mean, 1), ("texPC", basis, None)):
        if array.ndim != 2 or len(array) != rows or array.shape[1] != (columns or array.shape[1]):
            raise LwpipeError(
                f"{file}: {name} is {_size(array)}; mu_shape has {rows} rows, so it must be "
                f"{rows} x {columns or 'the components'}."
            )
    for name, array in read.items():
        _check_values(file, name, array)
    if basis.dtype.kind != "f":
        basis = basis.astype(np.float64)
    return BaselTexture(mean.reshape(-1).astype(np.float64), basis)


def read_tone(file: str | Path, texture: BaselTexture) -> Floats:
    """Return Tex_Para of one face, float64 (T,).

    Raises
    ------
    LwpipeError
        If it is missing, of another length than the components, or not finite.
    """
    tone = read_mat(file, ("Tex_Para",))["Tex_Para"]
    length = texture.basis.shape[1]
    if tone.size != length or max(tone.shape) != length:
        raise LwpipeError(
            f"{file}: Tex_Para is {_size(tone)}; the model has {length} components of colours, so "
            f"it must be {length} x 1."
        )
    _check_values(Path(file), "Tex_Para", tone)
    return np.asarray(tone.reshape(-1), np.float64)


def paint_faces(texture: BaselTexture, tones: npt.ArrayLike) -> npt.NDArray[np.uint8]:
    """Return the colours texMU + texPC Tex_Para, uint8 (n, V, 3), sRGB; what is beyond is clipped.

    Parameters
    ----------
    tones : float (n, T)
    """
    amounts = np.asarray(tones, np.float64).astype(texture.basis.dtype)
    with np.errstate(over="ignore", invalid="ignore"):
        colors = np.nan_to_num(texture.mean + amounts @ texture.basis.T, nan=0.0)
    whole = np.rint(np.clip(colors, 0, 255)).astype(np.uint8)
    return np.asarray(whole.reshape(len(amounts), -1, 3))


def make_faces(model: BaselModel, parameters: npt.ArrayLike) -> Floats:
    """Return the faces of the given parameters, float64 (n, V, 3), mm.

    Parameters
    ----------
    parameters : float (n, S + E)
    """
    parameters = np.asarray(parameters, dtype=np.float64)
    basis = model.basis
    # What overflows here is infinite, and found where the files are known.
    with np.errstate(over="ignore", invalid="ignore"):
        offsets = parameters.astype(basis.dtype) @ basis.T
    faces: Floats = (model.mean + offsets).reshape(len(parameters), -1, 3)
    return faces


def check_faces(faces: Floats, files: Sequence[Path]) -> None:
    """Raise LwpipeError where a face, (n, V, 3), is no mesh, such as one in a single point."""
    for face, file in zip(faces, files, strict=True):
        try:
            check_coordinates(face)
        except MeshError as error:
            raise LwpipeError(f"{file}: makes a face that {error}.") from error


def _check_values(file: Path, name: str, array: npt.NDArray[Any]) -> None:
    """Raise LwpipeError unless the values are finite, and small enough to be multiplied."""
    if not np.isfinite(array).all():
        raise LwpipeError(f"{file}: {name} has values that are NaN or infinite.")
    if np.abs(array).max(initial=0) > MAX_VALUE:
        raise LwpipeError(f"{file}: {name} has values larger than {MAX_VALUE:g}.")


def _size(array: npt.NDArray[Any]) -> str:
    return " x ".join(map(str, array.shape))
