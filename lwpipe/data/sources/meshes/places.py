"""Where the meshes lie: in a folder, in folders of folders, or in arrays. Nothing is read here."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lwpipe.core.errors import LwpipeError
from lwpipe.core.paths import check_names, searched, user_path
from lwpipe.mesh.read import READERS

ARRAYS = (".npy", ".npz")
KEY = "data.meshes.path"
# What the folders between `path` and the meshes are taken for, by how many there are.
_GUESSED = {1: "subject", 2: "subject/expression"}


@dataclass(frozen=True)
class Place:
    """What is read of `data.meshes.path`.

    Attributes
    ----------
    path : the folder or the array
    meshes : files, sorted by their path below the folder
    arrays : NPY or NPZ files, read instead of meshes
    levels : what each folder between `path` and the meshes is: 'subject', 'expression' or '-'
    notes : what a user should know of how it was taken, in sentences without a full stop
    """

    path: Path
    meshes: Sequence[Path] = ()
    arrays: Sequence[Path] = ()
    levels: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def name(self, file: Path) -> str:
        """Return the path of a mesh below the folder, with slashes."""
        return file.relative_to(self.path).as_posix()

    def rows(self, count: int, faces: int | None) -> Sequence[int]:
        """Return which of `count` meshes are read: the first so many, or evenly many of them all.

        Of several folders or arrays the first ones would be those of one person or one split.
        """
        if faces is None or faces >= count:
            return range(count)
        if self.levels or len(self.arrays) > 1:
            return [row * count // faces for row in range(faces)]
        return range(faces)


def find(path: str | Path, folders: str | None = None) -> Place:
    """Find the meshes of a folder or of the folders below it, or the arrays.

    Hidden files and files of other types are passed over. Meshes in the folder itself are read
    rather than those below, and a folder with no mesh but an NPY or NPZ (and the template of an
    NPY), or with train.npy and test.npy, stands for these arrays.

    Parameters
    ----------
    path : str or path
    folders : what the folders above the meshes are, such as 'subject/expression'; None: guessed

    Raises
    ------
    LwpipeError
        If there is nothing to read, or more than one way to read it.
    """
    path = user_path(KEY, path)
    if not path.exists():
        raise LwpipeError(f"{KEY}: {searched(path)} does not exist.")
    if path.is_file() and path.suffix.lower() in ARRAYS:
        return Place(path, arrays=[path])
    if not path.is_dir():
        raise LwpipeError(f"{KEY}: {path} is neither a folder of meshes nor an .npy or .npz file.")
    try:
        return _in_folder(path, folders)
    except OSError as error:
        shown = error.filename or path
        raise LwpipeError(f"{KEY}: {shown} cannot be read: {error.strerror}.") from error


def _in_folder(path: Path, folders: str | None) -> Place:
    if folders is not None:
        levels = tuple(folders.split("/"))
        meshes = _meshes(path, len(levels))
        if not meshes:
            raise LwpipeError(
                f"{KEY}: {searched(path)} holds no mesh {len(levels)} folders below, as "
                f"data.meshes.folders ({folders}) tells."
            )
        return Place(path, _checked(path, meshes), levels=levels)
    files = [file for file in _visible(path) if not file.is_dir() or file.suffix.lower() in READERS]
    meshes = [file for file in files if file.suffix.lower() in READERS]
    arrays = [file for file in files if file.suffix.lower() in ARRAYS]
    check_names([*meshes, *arrays])
    if stands_for_arrays(meshes, arrays):
        if len(arrays) > 1 and {file.name.lower() for file in arrays} != {"train.npy", "test.npy"}:
            raise LwpipeError(
                f"{KEY}: {path} holds several arrays; name one, such as {arrays[0]}, or call them "
                "train.npy and test.npy."
            )
        return Place(path, arrays=sorted(arrays, reverse=len(arrays) > 1))
    if arrays:
        raise LwpipeError(
            f"{KEY}: {path} holds both mesh files and {arrays[0].name}; name the array "
            "itself or move it elsewhere."
        )
    if meshes:
        return Place(path, _checked(path, meshes))
    return _below(path)


def _below(path: Path) -> Place:
    """Find the meshes of the folders below one that holds none itself."""
    found = {depth: meshes for depth in _GUESSED if (meshes := _meshes(path, depth))}
    if not found:
        raise LwpipeError(
            f"{KEY}: {searched(path)} holds no mesh ({', '.join(sorted((*READERS, *ARRAYS)))}), "
            "nor do the folders below it."
        )
    if len(found) > 1:
        raise LwpipeError(
            f"{KEY}: {path} has {len(found[1])} meshes in its folders and {len(found[2])} one "
            "folder below; set data.meshes.folders to 'subject' or 'subject/expression', whichever "
            "are meant."
        )
    ((depth, meshes),) = found.items()
    folders = len({file.parent for file in meshes})
    first = meshes[0].relative_to(path)
    taken = " and ".join(
        f"'{part}' for the {level}"
        for part, level in zip(first.parts, _GUESSED[depth].split("/"), strict=False)
    )
    note = (
        f"{len(meshes)} meshes in {folders} folders of {path}: of {first.as_posix()}, {taken} "
        "(data.meshes.folders tells otherwise)"
    )
    return Place(
        path, _checked(path, meshes), levels=tuple(_GUESSED[depth].split("/")), notes=(note,)
    )


def _visible(folder: Path) -> list[Path]:
    return sorted(
        (file for file in folder.iterdir() if not file.name.startswith(".")),
        key=lambda file: file.name,
    )


def _meshes(path: Path, depth: int) -> list[Path]:
    """Return the meshes so many folders below, sorted by their path."""
    level = [path]
    for _ in range(depth):
        level = [inner for folder in level for inner in _visible(folder) if inner.is_dir()]
    # Links that lead nowhere are told of where they have the name of a mesh.
    return [
        file
        for folder in level
        for file in _visible(folder)
        if file.suffix.lower() in READERS and not (depth and file.is_dir())
    ]


def _checked(path: Path, meshes: list[Path]) -> list[Path]:
    """Return meshes whose names can be told, each there in one format."""
    check_names([*{parent for file in meshes for parent in _between(path, file)}, *meshes])
    alike = Counter(_stem(file) for file in meshes)
    twins: dict[str, Path] = {}
    for file in meshes:
        stem = _stem(file)
        other = twins.setdefault(stem, file)
        if other.suffix != file.suffix:
            double = sum(count > 1 for count in alike.values())
            more = f" ({double} such names)" if double > 1 else ""
            raise LwpipeError(
                f"{KEY}: {path} holds both {other.name} and {file.name}{more}: one face in two "
                "formats would be read twice, for training and for testing; keep one of them."
            )
    return meshes


def _between(path: Path, file: Path) -> Iterator[Path]:
    """Return the folders between one and a file in it or below."""
    return (parent for parent in file.parents if parent != path and path in parent.parents)


def _stem(file: Path) -> str:
    """Return the path without its suffix, the same however systems spell it."""
    return unicodedata.normalize("NFC", str(file.with_suffix(""))).casefold()


def stands_for_arrays(meshes: Sequence[Path], arrays: Sequence[Path]) -> bool:
    """Say whether the meshes of a folder are but templates of the arrays in it."""
    templates = {"template", *(array.stem for array in arrays)}
    return bool(arrays) and all(file.stem in templates for file in meshes)


def template_of(path: Path) -> Path | None:
    """Return the mesh with the triangles of an NPY: of its own name, or else `template`."""
    if path.suffix.lower() != ".npy":
        return None
    beside = (
        path.with_name(f"{stem}{suffix}") for stem in (path.stem, "template") for suffix in READERS
    )
    return next((file for file in beside if file.is_file()), None)


def files_of(place: Place, faces: int | None) -> list[Path]:
    """Return the files that are read, sorted; what is no file is left to the reader to tell.

    Parameters
    ----------
    place : Place
    faces : so many meshes are read; None: all
    """
    templates = [template for array in place.arrays if (template := template_of(array))]
    meshes = [place.meshes[row] for row in place.rows(len(place.meshes), faces)]
    files = {*meshes, *place.arrays, *templates}
    return sorted(file for file in files if file.is_file())
