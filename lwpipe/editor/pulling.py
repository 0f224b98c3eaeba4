"""Handles that are pulled and measurements that are set: the part follows as parts of faces do."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.data.signals import COLOR, POSITION, positions
from lwpipe.editor.faces import Faces
from lwpipe.editor.measures import Measure
from lwpipe.editor.opened import Opened
from lwpipe.editor.session import MAX_MM
from lwpipe.editor.solver import Floats, Reach

# How near a handle must come, mm: it outweighs the prior unless the vertex hardly moves in faces.
TOLERANCE_MM = 0.1
# How near a measurement must come, mm.
MEASURE_MM = 0.01
# From this share on, a part answers for the end of a measurement.
_SHARE = 0.25


class Pulling(Opened):
    """What handles and measurements do, with the base of the model: `lwpipe.editor.solver`."""

    def drag(
        self,
        face: npt.ArrayLike,
        handles: Mapping[int, npt.ArrayLike],
        part: int | Sequence[int],
        pins: Sequence[int] = (),
        tolerance_mm: float = TOLERANCE_MM,
    ) -> Faces:
        """Pull vertices to places, and let the part follow as parts of faces do.

        The change of the part's encoding that costs least under the base's Gaussian prior and
        brings the handles to their places, pins staying at theirs: `lwpipe.editor.solver`.

        Parameters
        ----------
        face : float (V, 3), mm
        handles : of each vertex that is pulled, where it goes, (3,), mm
        part : the part that follows, or several that move together
        pins : vertices that stay
        tolerance_mm : how far a handle may stay away where the prior speaks against it; a handle
            comes to its place but for the share t^2 / (t^2 + v), v being the variance of the vertex
            in faces, in mm^2

        Returns
        -------
        float32 (V, 3), mm; the face bit for bit where the parts have no weight

        Raises
        ------
        LwpipeError
            If the model has no base, there is no such part or vertex, or a place is none.
        """
        start = self.book.checked(face, "the face")
        reach = self._reach([part] if isinstance(part, int | np.integer) else part)
        if not (math.isfinite(tolerance_mm) and tolerance_mm > 0):
            raise LwpipeError(f"tolerance_mm {tolerance_mm}: must be greater than 0.")
        places: dict[int, Floats] = {}
        for pin in pins:
            held = self._vertex(pin)
            places[held] = start[held, POSITION].astype(np.float64)
        for vertex, place in handles.items():
            if reach.share[self._vertex(vertex)] == 0:
                raise LwpipeError(f"vertex {vertex}: does not belong to part {part}.")
            goal = np.asarray(place, np.float64)
            if goal.shape != (3,) or not (np.abs(goal) < MAX_MM).all():
                raise LwpipeError(f"vertex {vertex}: cannot be pulled to {goal.tolist()}.")
            places[int(vertex)] = goal
        return _moved(start, reach.pulled(positions(start), places, tolerance_mm))

    def measure(self, face: npt.ArrayLike) -> dict[str, float]:
        """Return all measurements of a face (V, C), by name, in mm; colours may be left out."""
        vertices = self.book.places(face, "the face")
        return {name: measure.of(vertices) for name, measure in self.measures.items()}

    def set_measure(
        self,
        face: npt.ArrayLike,
        name: str,
        mm: float,
        parts: Sequence[int] | None = None,
    ) -> Faces:
        """Change a face until a measurement is what is asked for: `set_measures` of one."""
        return self.set_measures(face, {name: mm}, parts)

    def set_measures(
        self,
        face: npt.ArrayLike,
        measures: Mapping[str, float],
        parts: Sequence[int] | None = None,
    ) -> Faces:
        """Change a face until measurements are what is asked for, to 0.01 mm.

        The change of the encoding that costs least, by Newton steps on the lengths.

        Parameters
        ----------
        face : float (V, 3), mm
        measures : of each measurement by name, what it shall be, mm
        parts : those that may move, together; None: those that the ends belong to

        Returns
        -------
        float32 (V, 3), mm; the face bit for bit where the parts have no weight

        Raises
        ------
        LwpipeError
            If there is no such measurement, or the parts cannot bring it there.
        """
        start = self.book.checked(face, "the face")
        if not measures:
            return start.copy()
        for name, mm in measures.items():
            self._measure(name)
            if not (math.isfinite(mm) and 0 < mm < MAX_MM):
                raise LwpipeError(f"{name} {mm}: is no length in mm.")
        if parts is None:
            parts = self.measured_parts(list(measures))
        ends = np.array([self.measures[name].ends for name in measures])
        goal = np.array(list(measures.values()), np.float64)
        made = self._reach(parts).stretched(positions(start), ends, goal, 0.1 * MEASURE_MM)
        for name, mm in measures.items():
            reached = self.measures[name].of(made)
            if not abs(reached - mm) <= MEASURE_MM:
                raise LwpipeError(f"{name} {mm:g} mm: cannot be reached, but {reached:.2f} mm can.")
        return _moved(start, made)

    def _measure(self, name: str) -> Measure:
        if name not in self.measures:
            known = ", ".join(self.measures) or "none"
            raise LwpipeError(f"{name}: is no measurement: there are {known}.")
        return self.measures[name]

    def measured_parts(self, names: Sequence[str]) -> list[int]:
        """Return the parts that the ends of measurements belong to."""
        ends = [end for name in names for end in self._measure(name).ends]
        shares = self._shares()[ends]
        # A vertex belongs to one part at least, however many share it.
        owned = (shares >= _SHARE) | (shares == shares.max(axis=1, keepdims=True))
        return [int(part) for part in np.flatnonzero(owned.any(axis=0))]

    def _reach(self, parts: Sequence[int]) -> Reach:
        """Return what a group of parts can move."""
        for part in parts:
            self.check_part(part)
        path = self.model.linear_path
        if path is None:
            raise LwpipeError(
                "the model has no base: handles and measurements need one that was trained with "
                "`model.base: pca`, as the variant on_pca."
            )
        return Reach(path.of_positions, parts)

    def _shares(self) -> Faces:
        """Return how much of each part each vertex has, float32 (V, K)."""
        path = self.model.linear_path
        return self.weights if path is None else path.weights


def _moved(face: Faces, places: Faces) -> Faces:
    """Return a face (V, C) with other positions (V, 3), and its own colours."""
    return places if face.shape[1] == 3 else np.concatenate([places, face[:, COLOR]], axis=1)
