"""What a stage of the workflow is: the declaration that rules, commands and reports are made of.

A stage is a function of the library that makes files from files and settings. Its arguments have
the names of the declaration: each input, each section of the settings, and each output, or `output`
for the folder of all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from lwpipe.core.settings import Section

Scope = Literal["shared", "run", "variant", "point", "sweep"]
Show = Literal["", "figure", "table", "facts", "viewer"]


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

    @classmethod
    def of_store(cls, folder: str | Path) -> Size | None:
        """Return the size that `dataset.json` of a store tells; None where there is none."""
        try:
            info = json.loads((Path(folder) / "dataset.json").read_text(encoding="utf-8"))
            return cls(int(info["faces"]), int(info["vertices"]))
        except (OSError, ValueError, KeyError, TypeError):
            return None


@dataclass(frozen=True)
class Target:
    """What stages belong to: one word for the target, the command, the folder and the report.

    Attributes
    ----------
    name : the word
    place : orders targets, in reports and in help; one may be between two
    title, text : of its section in reports
    """

    name: str
    place: float
    title: str
    text: str


@dataclass(frozen=True)
class Input:
    """Files that a stage reads.

    Attributes
    ----------
    stage : the stage that makes them
    files : names of its outputs
    take : what the function gets: the path of the one 'file', that of the 'folder' of all of them,
        or, of a stage that exists once a variant, a point or a root, a dict of the paths of 'each'
    partly : of 'each', those that are not there yet may be missing from a command
    """

    stage: str
    files: tuple[str, ...]
    take: Literal["file", "folder", "each"] = "file"
    partly: bool = False


@dataclass(frozen=True)
class Output:
    """A file that a stage makes.

    Attributes
    ----------
    file : name in the folder of the stage; with a '/' at its end it is a folder
    caption : what it shows, in reports; `{variant}` stands for the variant. Empty: not in reports
    show : how the report of lwpipe shows it
    label : a word or two that tell it from the other files of the stage
    patterns : which files of a folder are shown, as 'pair_{figure}.png'
    """

    file: str
    caption: str = ""
    show: Show = ""
    label: str = ""
    patterns: tuple[str, ...] = ()


def as_it_is(needed: float, size: Size, **sections: Any) -> float:
    """Return what the general formula gives."""
    return needed


def no_gpus(**sections: Any) -> int:
    """Return 0."""
    return 0


@dataclass(frozen=True)
class Needs:
    """What a job of a stage needs, as formulas over the size of the data and its settings.

    Attributes
    ----------
    program : MB of the program with its libraries
    copies : how many copies of the data set it holds
    of_vertex : kB a vertex, for the mesh, the model and the pictures
    minutes_of_gigabyte : minutes for a GB of faces, with a wide margin
    memory, minutes : called with (MB or minutes by the above, size, **sections); return what is
        needed. Sections are those that the stage reads.
    sections : names of other sections that these need to be told
    gpus : called with **sections; returns how many GPUs are asked for
    threads : of a job
    one_thread_below : with fewer vertices than that a job gets one thread
    """

    program: float
    copies: float = 0
    of_vertex: float = 0
    minutes_of_gigabyte: float = 0
    memory: Callable[..., float] = as_it_is
    minutes: Callable[..., float] = as_it_is
    sections: tuple[str, ...] = ()
    gpus: Callable[..., int] = no_gpus
    threads: int = 1
    one_thread_below: int = 0


@dataclass(frozen=True)
class Switch:
    """A flag of a command, as '--fresh', the value that it gives, and what it does."""

    flag: str
    value: Any
    does: str


@dataclass(frozen=True)
class Stage:
    """One stage.

    Attributes
    ----------
    name : of the rule, as 'make_template'
    target : the concept it belongs to: named target of the workflow, command, section of the report
    does : what it does, as 'make the mesh pyramid'
    function : 'module:function'
    inputs, outputs : by argument of the function
    reads : type of each section of settings that it reads: its fields are what the stage depends on
    needs : memory, time, GPUs, threads
    scope : 'shared' by all variants and points of a sweep that agree on its settings, once a
        'run', once a 'variant', once a 'point' of a sweep, or once a 'sweep'
    folder : of its files inside the root; by default the target
    gives : 'files': the function is called with the path of each output; 'folder': with that of
        their folder, as `output`
    about : facts of the run that it is called with: 'name', 'points'
    members : key of the configuration that lists the variants it is made for; empty, or a key
        whose value is null: all
    switches : flags of the command by argument
    places : other folders that the function may be told, by argument, and what lies in them
    shows : its inputs are all that the other stages show
    """

    name: str
    target: str
    does: str
    function: str
    outputs: Mapping[str, Output]
    needs: Needs
    inputs: Mapping[str, Input] = field(default_factory=dict)
    reads: Mapping[str, type[Section]] = field(default_factory=dict)
    scope: Scope = "variant"
    folder: str = ""
    gives: Literal["files", "folder"] = "files"
    about: tuple[str, ...] = ()
    members: str = ""
    switches: Mapping[str, Switch] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)
    shows: bool = False

    @property
    def place(self) -> str:
        """Folder of its files inside the root."""
        return self.folder or self.target

    @property
    def after(self) -> tuple[str, ...]:
        """The stages whose files it reads, each once."""
        return tuple(dict.fromkeys(item.stage for item in self.inputs.values()))

    def load(self) -> Callable[..., Any]:
        """Import the function."""
        module, _, name = self.function.partition(":")
        found: Callable[..., Any] = getattr(import_module(module), name)
        return found
