"""Everything that can be done to a face, as functions of arrays; the rest is thin over it."""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import read_json
from lwpipe.data.signals import COLOR, POSITION, positions
from lwpipe.data.store import Dataset
from lwpipe.editing.editors import Codes, KeepingEditor, ModelEditor, make_editor
from lwpipe.editing.settings import KEEPING, EditingSettings, Texture
from lwpipe.editor.faces import FaceBook
from lwpipe.editor.measures import Measure, read_measures, shipped
from lwpipe.editor.session import MAX_MM, Session
from lwpipe.editor.solver import Floats, Reach
from lwpipe.model import load
from lwpipe.model.part_model import PartModel
from lwpipe.run.trained import find_trained

Faces = npt.NDArray[np.float32]

# How near a handle must come, mm: it outweighs the prior unless the vertex hardly moves in faces.
TOLERANCE_MM = 0.1
# How near a measurement must come, mm.
MEASURE_MM = 0.01
# From this share on, a part answers for the end of a measurement.
_SHARE = 0.25
# Encoded faces that are remembered: a dial moves while the faces stay.
_REMEMBERED = 16


class Editor:
    """Edit faces by parts.

    All faces are float32 (V, C), in mm, with the vertices of the template and in its pose; of a
    model with colours these follow the coordinates (C = 6; `lwpipe.data.signals.joined`). No
    method changes a face that it is given, and equal arguments give equal bytes.

    Parameters
    ----------
    model : a trained model
    data : the data set that names faces, and whose source has measurements; None: there is none
    measures : file of measurements; None: those that lwpipe ships for the source of the data

    Attributes
    ----------
    measures : the measurements by their names

    Raises
    ------
    LwpipeError
        If model and data set have other vertices, or the file is not one of measurements.

    Examples
    --------
    >>> import lwpipe
    >>> editor = lwpipe.Editor.load("results/ict")  # doctest: +SKIP
    >>> source, target = editor.face("ict_00000"), editor.face("ict_00001")  # doctest: +SKIP
    >>> face = editor.edit(source, {3: (target, 0.8)})  # doctest: +SKIP
    """

    def __init__(
        self, model: PartModel, data: Dataset | None = None, measures: str | Path | None = None
    ) -> None:
        self.model, self.data = model, data
        self._faces = FaceBook(model, data)
        if measures is None and data is not None:
            measures = shipped(data.info.get("source"), model.vertex_count)
        self.measures: dict[str, Measure] = {}
        if measures is not None:
            self.measures = read_measures(measures, self.mean)
        self._editors: dict[bool, ModelEditor | KeepingEditor] = {}
        self._codes: OrderedDict[tuple[bool, bytes], Codes] = OrderedDict()

    @classmethod
    def load(
        cls,
        path: str | Path,
        variant: str = "on_pca",
        data: str | Path | None = None,
        measures: str | Path | None = None,
    ) -> Editor:
        """Open a run, or a model.

        Parameters
        ----------
        path : folder of a run, `results/<run>`, of a variant or of a model, or `model.safetensors`
        variant : which one of a run
        data : folder of a data set; None: the run's, if it is there
        measures : file of measurements; None: those that lwpipe ships for the source of the data

        Raises
        ------
        LwpipeError
            If there is no such model, or a file is missing, damaged or does not fit.
        """
        place, found = find_trained(path, variant)
        folder = found if data is None else data
        return cls(load(place), None if folder is None else Dataset.open(folder), measures)

    @property
    def part_count(self) -> int:
        """Number of parts K."""
        return self.model.part_count

    @property
    def triangles(self) -> npt.NDArray[np.int64]:
        """The one topology, int64 (F, 3)."""
        return self.model.triangles

    @property
    def mean(self) -> Faces:
        """Mean of the training faces, float32 (V, 3), mm."""
        return self.model.template

    @cached_property
    def weights(self) -> Faces:
        """Local weights, float32 (V, K); rows sum to 1."""
        return self.model.weights

    @cached_property
    def digest(self) -> str:
        """What tells the model from others: SHA-256 of its arrays."""
        found = hashlib.sha256()
        arrays = [self.mean, self.weights, self.triangles]
        if self.model.components is not None:
            arrays += [self.model.components.basis, self.model.components.deviation]
        state = self.model.network.state_dict()
        for array in [*arrays, *(each.cpu().numpy() for each in state.values())]:
            found.update(np.ascontiguousarray(array).data)
        return found.hexdigest()

    def face(self, name: str, faces: Mapping[str, Faces] | None = None) -> Faces:
        """Return a face by its name.

        Parameters
        ----------
        name : 'mean', 'random:SEED', the id of a face of the data set, or the path of a mesh
        faces : others, which come before these

        Raises
        ------
        LwpipeError
            If there is no such face, or it has other vertices.
        """
        return self._faces.face(name, faces or {})

    @property
    def names(self) -> list[str]:
        """The ids of the faces of the data set."""
        return list(self._faces.rows)

    def knows(self, name: str) -> bool:
        """Say whether a name is 'mean', 'random:SEED' or the id of a face: of no file."""
        return self._faces.knows(name)

    def edit(
        self,
        source: npt.ArrayLike,
        parts: Mapping[int, tuple[npt.ArrayLike, float]],
        keep: float = 1.0,
        harmony: float = 0.0,
        plain: bool = False,
        texture: Texture = "follow",
    ) -> Faces:
        """Move parts of a face towards those of others, all at once.

        With one part it is `lwpipe.edit_part`; the formula is that of
        `lwpipe.editing.editors.KeepingEditor`.

        Parameters
        ----------
        source : float (V, 3), mm
        parts : of each part, the face that gives it, (V, 3), mm, and alpha: 0 for the source's, 1
            for the target's
        keep : how far what lies outside the parts is held: 1 moves nothing there
        harmony : how far the rest follows as faces do, where `keep` lets it
        plain : as in the paper: exchange the encodings and decode, without dials
        texture : whether the parts take their skin along ('follow'), in the tone of the source
            ('match'), or the source keeps its own ('keep'); of a model with colours

        Returns
        -------
        float32 (V, 3), mm
            The source bit for bit where every alpha is 0, and with keep 1 wherever the parts have
            no weight.

        Raises
        ------
        LwpipeError
            If there is no such part, a face has other vertices, or a number is out of range.
        """
        face = self._faces.checked(source, "the source")
        for name, value in (("keep", keep), ("harmony", harmony)):
            if not 0 <= value <= 1:
                raise LwpipeError(f"{name} {value}: must lie between 0 and 1.")
        targets: dict[int, tuple[Faces, float]] = {}
        for part, (target, alpha) in parts.items():
            self._check_part(part)
            if not math.isfinite(alpha):
                raise LwpipeError(f"alpha {alpha}: is not a finite number.")
            targets[int(part)] = (
                self._faces.checked(target, f"the target of part {part}"),
                float(alpha),
            )
        if not plain and not any(alpha for _, alpha in targets.values()):
            return face.copy()
        editor = self._editor(plain)
        if isinstance(editor, KeepingEditor):
            dials = EditingSettings(
                residual=True, keep=float(keep), harmony=float(harmony), texture=texture
            )
            editor = editor.dialled(dials)
            self._editors[plain] = editor
        codes = {
            part: (self._encoded(target, plain), alpha) for part, (target, alpha) in targets.items()
        }
        edited = np.asarray(editor.blend_parts(self._encoded(face, plain), codes)[0])
        if plain and texture != "follow" and self.model.channels > 3:
            painter = make_editor(self.model, self.weights, EditingSettings(texture=texture))
            encoded = {part: (painter.encode(t[None]), a) for part, (t, a) in targets.items()}
            painted = painter.blend_parts(painter.encode(face[None]), encoded)[0]
            edited[:, COLOR] = painted[:, COLOR]
        return edited

    def _editor(self, plain: bool) -> ModelEditor | KeepingEditor:
        """Return the editor of the model, which keeps what is costly."""
        if plain not in self._editors:
            settings = EditingSettings() if plain else KEEPING
            self._editors[plain] = make_editor(self.model, self.weights, settings)
        return self._editors[plain]

    def _encoded(self, face: Faces, plain: bool) -> Codes:
        """Return what the editor makes of a face; of the last faces it is remembered."""
        key = plain, hashlib.blake2b(np.ascontiguousarray(face).data).digest()
        if key not in self._codes:
            self._codes[key] = self._editor(plain).encode(face[None])
        self._codes.move_to_end(key)
        while len(self._codes) > _REMEMBERED:
            self._codes.popitem(last=False)
        return self._codes[key]

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
        start = self._faces.checked(face, "the face")
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
        """Return all measurements of a face (V, 3), by name, in mm."""
        vertices = positions(self._faces.checked(face, "the face"))
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
        start = self._faces.checked(face, "the face")
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

    def random_face(self, seed: int) -> Faces:
        """Return a face whose encoding is drawn from the Gaussian of the training encodings.

        With a base that is the standard normal distribution, by construction; without one the
        training faces are encoded at the first call.

        Parameters
        ----------
        seed : of the draw

        Raises
        ------
        LwpipeError
            If the model has no base and there is no data set.
        """
        return self._faces.drawn(seed)

    def sample_part(
        self,
        face: npt.ArrayLike,
        part: int,
        seed: int,
        keep: float = 1.0,
        harmony: float = 0.0,
    ) -> Faces:
        """Give a face a part of nobody's: that of `random_face(seed)`.

        Parameters
        ----------
        face : float (V, 3), mm
        part : k
        seed : of the draw
        keep, harmony : as in `edit`

        Returns
        -------
        float32 (V, 3), mm
        """
        return self.edit(face, {part: (self.random_face(seed), 1.0)}, keep, harmony)

    def vertices(self, session: Session) -> Faces:
        """Return the face that a session makes, float32 (V, 3), mm.

        Parts are exchanged first, then handles are pulled, part by part, then measurements are set;
        what is locked is the source's at the end.

        Raises
        ------
        LwpipeError
            As the methods that do it.
        """
        source = self.face(session.source, session.faces)
        parts = {
            part: (self.face(target, session.faces), alpha)
            for part, (target, alpha) in session.parts.items()
            if alpha != 0
        }
        face = self.edit(source, parts, session.keep, session.harmony)
        for part in sorted({handle.part for handle in session.handles}):
            pulled = {each.vertex: each.place for each in session.handles if each.part == part}
            face = self.drag(face, pulled, part, session.pins)
        if session.measures:
            moving = set(self.measured_parts(list(session.measures))) - set(session.locked)
            if not moving:
                raise LwpipeError(
                    f"{', '.join(session.measures)}: belongs to parts that are locked."
                )
            face = self.set_measures(face, session.measures, sorted(moving))
        return self._held(face, source, session.locked)

    def _held(self, face: Faces, source: Faces, locked: Sequence[int]) -> Faces:
        """Return the face with the source's locked parts."""
        if not locked:
            return face
        share = self._shares()[:, sorted(set(locked))].sum(axis=1, keepdims=True)
        mixed = face + share * (source - face)
        whole = np.where(share >= 1, source, mixed)
        return np.asarray(np.where(share == 0, face, whole), np.float32)

    def session(self, session: Session) -> dict[str, Any]:
        """Return a session as values of JSON: faces, dials, handles.

        `reopen` reads them, and `vertices` then gives the same bytes.
        """
        return session.to_json(self.digest)

    def reopen(self, session: str | Path | Mapping[str, Any]) -> Session:
        """Read a session.

        Parameters
        ----------
        session : what `session` gives, or the path of a JSON file with it

        Raises
        ------
        LwpipeError
            If it is no session of this model, or names what is not there.
        """
        value = read_json(session) if isinstance(session, str | Path) else session
        made = Session.from_json(value, self.digest, self.model.vertex_count, self.part_count)
        for name in (made.source, *(target for target, _ in made.parts.values())):
            if name not in made.faces and not self.knows(name):
                raise LwpipeError(f"the session: names the face {name!r}, which is not there.")
        for name in made.measures:
            if name not in self.measures:
                raise LwpipeError(f"the session: names the measurement {name!r}, there is none.")
        return made

    def _reach(self, parts: Sequence[int]) -> Reach:
        """Return what a group of parts can move."""
        for part in parts:
            self._check_part(part)
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

    def _check_part(self, part: int) -> None:
        if isinstance(part, bool) or not 0 <= part < self.part_count:
            raise LwpipeError(f"part {part}: the model has the parts 0 to {self.part_count - 1}.")

    def _vertex(self, vertex: int) -> int:
        if not 0 <= vertex < self.model.vertex_count:
            raise LwpipeError(
                f"vertex {vertex}: the model has the vertices 0 to {self.model.vertex_count - 1}."
            )
        return int(vertex)


def _moved(face: Faces, places: Faces) -> Faces:
    """Return a face (V, C) with other positions (V, 3), and its own colours."""
    return places if face.shape[1] == 3 else np.concatenate([places, face[:, COLOR]], axis=1)
