"""The data stage: from any source to the one store."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from lwpipe.data.settings import DataSettings
from lwpipe.data.store import Dataset


def make_dataset(settings: DataSettings, output: str | Path) -> Dataset:
    """Convert the source that the settings name, and write the store in folder `output`.

    A conversion that fails writes nothing.

    Parameters
    ----------
    settings : the section `data`
    output : folder of the store

    Raises
    ------
    LwpipeError
        If the source is missing or cannot be used.
    """
    output = Path(output)
    made = [folder for folder in (output, *output.parents) if not folder.exists()]
    try:
        return _convert(settings, output)
    except BaseException:
        for folder in made:
            with suppress(OSError):  # it was not made, or another process writes there
                folder.rmdir()
        raise


def _convert(settings: DataSettings, output: Path) -> Dataset:
    # Each source brings its own readers: only the one in use is imported.
    match settings.source:
        case "synthetic":
            from lwpipe.data.sources.synthetic.faces import convert_synthetic

            return convert_synthetic(settings, output)
        case "ict":
            from lwpipe.data.sources.ict.kit import convert_ict

            return convert_ict(settings, output)
        case "aflw2000-3d":
            from lwpipe.data.sources.aflw.model import convert_aflw

            return convert_aflw(settings, output)
        case "meshes":
            from lwpipe.data.sources.meshes.convert import convert_meshes

            return convert_meshes(settings, output)
