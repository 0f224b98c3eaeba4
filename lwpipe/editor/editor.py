"""Everything that can be done to a face, as functions of arrays; the rest is thin over it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import read_json
from lwpipe.data.signals import COLOR
from lwpipe.editing.editors import Codes, make_editor
from lwpipe.editing.settings import EditingSettings, Texture
from lwpipe.editor.draws import Drawn, drawn_of
from lwpipe.editor.faces import Faces
from lwpipe.editor.pulling import Pulling
from lwpipe.editor.session import Session


class Editor(Pulling):
    """Edit faces by parts.

    All faces are float32 (V, C), in mm, with the vertices of the template and in its pose; of a
    model with colours these follow the coordinates (C = 6; `lwpipe.data.signals.joined`). No
    method changes a face that it is given, and equal arguments give equal bytes.

    Parameters
    ----------
    model : a trained model
    data : the data set that names faces, and whose source has measurements; None: there is none
    measures : file of measurements; None: those that lwpipe ships for the source of the data
    prior : file of the prior that faces are drawn from; None: it is fitted to the data when needed

    Attributes
    ----------
    measures : the measurements by their names
    draws : what random faces and parts are drawn from

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

    def edit(
        self,
        source: npt.ArrayLike,
        parts: Mapping[int, tuple[npt.ArrayLike | str, float]],
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
        parts : of each part, the face that gives it, (V, 3), mm, or its name, and alpha: 0 for the
            source's, 1 for the target's. The name 'given-rest:SEED' draws the part given the rest
            of the source, as `sample_part` does.
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
        face = self.book.checked(source, "the source")
        for name, value in (("keep", keep), ("harmony", harmony)):
            if not 0 <= value <= 1:
                raise LwpipeError(f"{name} {value}: must lie between 0 and 1.")
        targets: dict[int, tuple[Faces | Drawn, float]] = {}
        for part, (target, alpha) in parts.items():
            self.check_part(part)
            if not math.isfinite(alpha):
                raise LwpipeError(f"alpha {alpha}: is not a finite number.")
            targets[int(part)] = (self._target(target, part), float(alpha))
        if not plain and not any(alpha for _, alpha in targets.values()):
            return face.copy()
        codes = {
            part: (self._encoded(target, face, part, plain), alpha)
            for part, (target, alpha) in targets.items()
        }
        own = self._exchange.encoded(face, plain)
        edited = self._exchange.blend(own, codes, float(keep), float(harmony), plain, texture)
        if plain and texture != "follow" and self.model.channels > 3:
            edited[:, COLOR] = self._painted(face, targets, texture)
        return edited

    def _painted(
        self, face: Faces, targets: Mapping[int, tuple[Faces | Drawn, float]], texture: Texture
    ) -> Faces:
        """Return the colours of a face with parts exchanged, L*a*b* (V, 3)."""
        painter = make_editor(self.model, self.weights, EditingSettings(texture=texture))
        encoded = {}
        for part, (target, alpha) in targets.items():
            if isinstance(target, Drawn):
                target = self.draws.part(target, face, part)[0]
            encoded[part] = painter.encode(target[None]), alpha
        painted = painter.blend_parts(painter.encode(face[None]), encoded)[0]
        return np.asarray(painted[:, COLOR])

    def _target(self, target: npt.ArrayLike | str, part: int) -> Faces | Drawn:
        """Return the face that gives a part, or how the part is drawn."""
        if not isinstance(target, str):
            return self.book.checked(target, f"the target of part {part}")
        drawn = drawn_of(target)
        return drawn if drawn is not None and drawn.given_rest else self.face(target)

    def _encoded(self, target: Faces | Drawn, source: Faces, part: int, plain: bool) -> Codes:
        """Return what the editor makes of the face that gives a part."""
        if isinstance(target, Drawn):
            return self._exchange.joined(*self.draws.part(target, source, part), plain)
        return self._exchange.encoded(target, plain)

    def random_face(self, seed: int, temperature: float = 1.0) -> Faces:
        """Return a face that is drawn from the prior of the model: `lwpipe.sample`.

        Parameters
        ----------
        seed : of the draw
        temperature : factor of the deviations

        Returns
        -------
        float32 (V, 3), mm

        Raises
        ------
        LwpipeError
            If the model has no prior beside it, and there is no data set to fit one to.
        """
        return self.draws.face(Drawn(seed, temperature=temperature))

    def sample_part(
        self,
        face: npt.ArrayLike,
        part: int,
        seed: int,
        keep: float = 1.0,
        harmony: float = 0.0,
        temperature: float = 1.0,
    ) -> Faces:
        """Give a face a part of nobody's, drawn given its rest: `lwpipe.sample_part`.

        Parameters
        ----------
        face : float (V, 3), mm
        part : k
        seed : of the draw
        keep, harmony : as in `edit`
        temperature : factor of the deviations

        Returns
        -------
        float32 (V, 3), mm

        Raises
        ------
        LwpipeError
            As `edit` and `random_face`, or if the parts of the model have no places.
        """
        drawn = Drawn(seed, given_rest=True, temperature=temperature)
        return self.edit(face, {part: (drawn.name, 1.0)}, keep, harmony)

    def vertices(self, session: Session) -> Faces:
        """Return the face that a session makes, float32 (V, C), mm.

        Parts are exchanged first, then handles are pulled, part by part, then measurements are set;
        what is locked is the source's at the end.

        Raises
        ------
        LwpipeError
            As the methods that do it.
        """
        source = self.face(session.source, session.faces)
        parts = {
            part: (session.faces.get(target, target), alpha)
            for part, (target, alpha) in session.parts.items()
            if alpha != 0
        }
        face = self.edit(source, parts, session.keep, session.harmony, texture=session.texture)
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
        drawn = any(drawn_of(name) for name in session.names if name not in session.faces)
        return session.to_json(self.digest, self.draws.digest if drawn else None)

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
        made, prior = Session.from_json(
            value, self.digest, self.model.vertex_count, self.part_count
        )
        self.check_names(made, "the session: names the face {}, which is not there.")
        if prior is not None and prior != self.draws.digest:
            raise LwpipeError("the session: has faces that were drawn from another prior.")
        for name in made.measures:
            if name not in self.measures:
                raise LwpipeError(f"the session: names the measurement {name!r}, there is none.")
        return made

    def check_names(self, session: Session, said: str) -> None:
        """Check that the faces of a session are known: it may name no file.

        Parameters
        ----------
        session : Session
        said : what is wrong with a name, in the place of '{}'

        Raises
        ------
        LwpipeError
            If one is not.
        """
        targets = [target for target, _ in session.parts.values()]
        for name, known in (
            (session.source, self.knows),
            *((each, self.takes) for each in targets),
        ):
            if name not in session.faces and not known(name):
                raise LwpipeError(said.format(ascii(name)[:70]))
