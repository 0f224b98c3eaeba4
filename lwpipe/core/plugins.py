"""Declarations that are found and not listed: those of a package's modules, and those of plugins.

A plugin is a folder laid out as `lwpipe` is, named by the environment variable LWPIPE_PLUGINS
(several as in PATH): `data/sources/NAME.py` in it is one more source, `evaluation/measures/NAME.py`
a measure, `model/weightings/NAME.py` a weighting, `run/stages/NAME.py` a stage, whose rule is
`workflow/rules/NAME.smk`.
"""

from __future__ import annotations

import os
import pkgutil
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from lwpipe.core.errors import LwpipeError, short_reason

VARIABLE = "LWPIPE_PLUGINS"

Declared = TypeVar("Declared")


def folders(inside: str) -> list[str]:
    """Return the folder `inside` of every plugin that has it.

    Parameters
    ----------
    inside : as 'data/sources'

    Raises
    ------
    LwpipeError
        If LWPIPE_PLUGINS names a folder that is not there.
    """
    found = []
    for word in os.environ.get(VARIABLE, "").split(os.pathsep):
        if not word:
            continue
        if not Path(word).is_dir():
            raise LwpipeError(f"{VARIABLE}: {word} is not a folder.")
        folder = Path(word).resolve() / inside
        if folder.is_dir():
            found.append(str(folder))
    return found


def modules(package: str) -> Iterator[ModuleType]:
    """Import every module of a package and of the folders of plugins for it, sorted by name.

    Raises
    ------
    LwpipeError
        If a module of a plugin cannot be imported, or has the name of one of the package.
    """
    found = import_module(package)
    own = list(found.__path__)
    added = folders(package.partition(".")[2].replace(".", "/"))
    shipped = {info.name for info in pkgutil.iter_modules(p for p in own if p not in added)}
    for info in pkgutil.iter_modules(added):
        if info.name in shipped:
            folder = getattr(info.module_finder, "path", "")
            raise LwpipeError(f"{folder}/{info.name}.py: {package} has a module of that name.")
    found.__path__ = [*own, *(folder for folder in added if folder not in own)]
    for info in sorted(pkgutil.iter_modules(found.__path__), key=lambda info: info.name):
        name = f"{package}.{info.name}"
        try:
            yield import_module(name)
        except Exception as error:
            folder = getattr(info.module_finder, "path", "")
            if folder not in added:
                raise
            raise LwpipeError(
                f"{folder}/{info.name}.py: cannot be used as a plugin ({short_reason(error)})."
            ) from error


def objects(package: str, kind: type[Declared]) -> list[Declared]:
    """Return the objects of a type that the modules of a package hold, in their order."""
    return [
        value for module in modules(package) for value in _values(module) if isinstance(value, kind)
    ]


def classes(package: str, base: type[Declared]) -> list[type[Declared]]:
    """Return the subclasses of a class that the modules of a package define."""
    return [
        value
        for module in modules(package)
        for value in _values(module)
        if isinstance(value, type)
        and issubclass(value, base)
        and value.__module__ == module.__name__
    ]


def _values(module: ModuleType) -> Iterable[object]:
    return list(vars(module).values())
