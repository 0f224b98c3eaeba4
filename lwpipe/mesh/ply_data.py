"""The data of a PLY file behind its header: binary or text."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from itertools import chain, groupby
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.ply_header import Element, Values
from lwpipe.mesh.polygons import FEW_CORNERS
from lwpipe.mesh.text import lines_of, numbers, wholes

_NONE = np.empty(0, dtype=np.int64)
_LETTERS = dict(zip(("i1", "u1", "i2", "u2", "i4", "u4", "f4", "f8"), "bBhHiIfd", strict=True))


def read_binary(content: bytes, start: int, order: str, elements: list[Element]) -> list[Values]:
    """Read the elements of a binary PLY, one after another."""
    reader = _BinaryReader(content, start, order)
    return [reader.element(element) for element in elements]


class _BinaryReader:
    def __init__(self, content: bytes, start: int, order: str) -> None:
        self.content, self.place, self.order = content, start, order

    def element(self, element: Element) -> Values:
        if element.count == 0:
            return Values({}, _NONE, _NONE)
        # Mostly every list is as long as the first: then one record type reads all.
        try:
            lengths = self._first_lengths(element)
            records = self._records(element, lengths)
            if records is None:
                return self._uneven(element)
        except (ValueError, struct.error) as error:
            raise element.cut_off() from error
        self.place += records.nbytes
        scalars = {name: records[name] for name in element.scalars}
        if element.index_list is None:
            return Values(scalars, _NONE, _NONE)
        corners = records[element.index_list]
        return Values(scalars, np.full(element.count, corners.shape[1]), corners.reshape(-1))

    def _first_lengths(self, element: Element) -> dict[str, int]:
        place, lengths = self.place, {}
        for entry in element.properties:
            if len(entry) == 2:
                place += np.dtype(entry[1]).itemsize
            else:
                kind = np.dtype(self.order + entry[1])
                lengths[entry[0]] = _length(np.frombuffer(self.content, kind, 1, place)[0])
                place += kind.itemsize + lengths[entry[0]] * np.dtype(entry[2]).itemsize
        return lengths

    def _records(self, element: Element, lengths: dict[str, int]) -> npt.NDArray[np.void] | None:
        """Read all records with lists of the given lengths; None where the lengths differ."""
        fields: list[tuple[str, str] | tuple[str, str, tuple[int]]] = []
        for entry in element.properties:
            if len(entry) == 2:
                fields.append((entry[0], self.order + entry[1]))
            else:
                fields.append((f"{entry[0]} count", self.order + entry[1]))
                fields.append((entry[0], self.order + entry[2], (lengths[entry[0]],)))
        kind = np.dtype(fields)
        room = (len(self.content) - self.place) // kind.itemsize
        records = np.frombuffer(self.content, kind, min(room, element.count), self.place)
        same = all((records[f"{name} count"] == n).all() for name, n in lengths.items())
        if not same:
            return None
        if room < element.count:
            raise element.cut_off()
        return records

    def _uneven(self, element: Element) -> Values:
        """Read lists of different lengths, one by one."""
        rows: list[list[Any]] = []
        counts: list[int] = []
        corners: list[tuple[Any, ...]] = []
        steps, index_list = self._steps(element), element.index_list
        place = self.place
        for _ in range(element.count):
            row: list[Any] = []
            for name, layout, letter in steps:
                values = layout.unpack_from(self.content, place)
                place += layout.size
                if not letter:
                    row.extend(values)
                    continue
                length = _length(values[0])
                size = length * struct.calcsize(letter)
                if place + size > len(self.content):
                    raise element.cut_off()
                if name == index_list:
                    counts.append(length)
                    layout = struct.Struct(f"{self.order}{length}{letter}")
                    corners.append(layout.unpack_from(self.content, place))
                place += size
            rows.append(row)
        self.place = place
        table = np.array(rows, dtype=np.float64).reshape(len(rows), len(element.scalars))
        scalars = {name: table[:, i] for i, name in enumerate(element.scalars)}
        kinds = {entry[0]: entry[-1] for entry in element.properties}
        kind = kinds.get(index_list or "", "i8")
        flat = np.array(list(chain.from_iterable(corners)), dtype=kind)
        return Values(scalars, np.array(counts, np.int64), flat)

    def _steps(self, element: Element) -> list[tuple[str, struct.Struct, str]]:
        """Return what to read of a record in turn: runs of scalars, and lengths of lists.

        Each step is the name of a list, the layout, and the letter of the list's type; of scalars
        name and letter are empty.
        """
        steps = []
        for scalar, run in groupby(element.properties, key=lambda entry: len(entry) == 2):
            entries = list(run)
            if scalar:
                letters = "".join(_LETTERS[entry[1]] for entry in entries)
                steps.append(("", struct.Struct(self.order + letters), ""))
                continue
            for name, count_type, kind in entries:
                layout = struct.Struct(self.order + _LETTERS[count_type])
                steps.append((name, layout, _LETTERS[kind]))
        return steps


def _length(value: Any) -> int:
    """Return the length of a list; of a negative one, `frombuffer` would take all there is."""
    if value < 0:
        raise MeshError(FEW_CORNERS)
    return int(value)


def read_text(content: bytes, elements: list[Element]) -> list[Values]:
    """Read the elements of a text PLY.

    Each record has a line, behind whose values others may follow that the header does not tell of;
    where lines are broken otherwise, the words are read one after another, to the last.
    """
    lines = [words for line in lines_of(content) if (words := line.split())]
    try:
        return list(_by_line(lines, elements))
    except _MisfitError as misfit:
        fault = misfit
    words = list(chain.from_iterable(lines))
    try:
        return list(_by_word(words, elements))
    except (_MisfitError, MeshError):
        raise MeshError(str(fault)) from fault


class _MisfitError(Exception):
    """The lines, or the words, are not those that the header tells of."""


def _by_line(lines: Sequence[list[bytes]], elements: list[Element]) -> Iterator[Values]:
    place = 0
    for element in elements:
        rows = lines[place : place + element.count]
        if len(rows) < element.count:
            raise _MisfitError(str(element.cut_off()))
        place += element.count
        reader = _TextReader(element)
        for row in rows:
            reader.record(row, 0)
        yield reader.values()


def _by_word(words: list[bytes], elements: list[Element]) -> Iterator[Values]:
    place = 0
    for element in elements:
        reader = _TextReader(element)
        for _ in range(element.count):
            place = reader.record(words, place)
        yield reader.values()
    if place < len(words):
        raise _MisfitError


class _TextReader:
    """Collect the records of an element."""

    def __init__(self, element: Element) -> None:
        self.element = element
        self.rows: list[list[bytes]] = []
        self.counts: list[int] = []
        self.corners: list[bytes] = []
        self.index_list = element.index_list
        self.misfit = f"has a line of {element.label} that does not fit its header"
        # Where the scalars follow each other, a record is cut out at once.
        self.width = 0 if len(element.scalars) < len(element.properties) else len(element.scalars)

    def record(self, words: list[bytes], place: int) -> int:
        """Take the record that begins at a place; return the place after it."""
        if self.width:
            row = words[place : place + self.width]
            if len(row) < self.width:
                raise _MisfitError(self.misfit)
            self.rows.append(row)
            return place + self.width
        row = []
        for entry in self.element.properties:
            if place >= len(words):
                raise _MisfitError(self.misfit)
            if len(entry) == 2:
                row.append(words[place])
                place += 1
                continue
            length = self._length(words[place])
            if length < 0:
                raise MeshError(FEW_CORNERS)
            values = words[place + 1 : place + 1 + length]
            if len(values) < length:
                raise _MisfitError(self.misfit)
            if entry[0] == self.index_list:
                self.counts.append(length)
                self.corners.extend(values)
            place += 1 + length
        self.rows.append(row)
        return place

    def _length(self, word: bytes) -> int:
        try:
            return int(word)
        except ValueError:
            return self._wholes([word])[0]

    def _wholes(self, words: list[bytes]) -> list[int]:
        try:
            return wholes(words)
        except ValueError as error:
            raise _MisfitError(self.misfit) from error

    def values(self) -> Values:
        """Return the values of all records."""
        names = self.element.scalars
        table = numbers(self.rows, len(names), self.misfit) if names else np.empty((0, 0))
        try:
            corners = np.array(self._wholes(self.corners), dtype=np.int64)
        except OverflowError as error:
            raise MeshError("has a polygon with a vertex number of over 18 digits") from error
        scalars = {name: table[:, i] for i, name in enumerate(names)}
        return Values(scalars, np.array(self.counts, np.int64), corners)
