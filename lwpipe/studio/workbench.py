"""What the page does, without the page: a session, its history, uploads, exports, the autosave."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.errors import LwpipeError, printable
from lwpipe.core.files import write_json
from lwpipe.data.signals import parse_face
from lwpipe.editor import Editor, Handle, Session
from lwpipe.editor.session import MAX_ALPHA
from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.read import READERS
from lwpipe.mesh.topology import edges
from lwpipe.studio.files import FORMATS
from lwpipe.studio.history import History

Faces = npt.NDArray[np.float32]
Change = Callable[[Session], Session]

MAX_UPLOAD = 64 * 2**20
MAX_OWN_FACES = 50
# In a mesh of quads two edges of three are no diagonals.
_SHARED_EDGES = 0.6


class Workbench:
    """A session that is worked on.

    Every method may be called from any thread. One that raises has changed nothing.

    Parameters
    ----------
    editor : Editor
    autosave : file that the session is kept in; one that is there is opened

    Attributes
    ----------
    history : the steps
    face, source : float32 (V, 3), mm, what the session makes, and what it begins with
    said : a sentence about the file of the autosave, if it could not be opened
    """

    def __init__(self, editor: Editor, autosave: Path | None = None) -> None:
        self.editor, self.autosave = editor, autosave
        self.said = ""
        self._lock = threading.RLock()
        self._saved: Session | None = None
        session = Session(source=editor.names[0] if editor.names else "mean")
        if autosave is not None and autosave.exists():
            try:
                opened = editor.reopen(autosave)
                editor.vertices(opened)
                session = opened
            except LwpipeError as error:
                # It would be written over.
                aside = autosave.with_name(f"{autosave.stem}.before{autosave.suffix}")
                autosave.replace(aside)
                self.said = f"{aside}: the session of before is not opened: {error}"
        self.history = History(session)
        self.face, self.source = self._made(session)

    @property
    def session(self) -> Session:
        """The session that is shown."""
        return self.history.session

    def _made(self, session: Session) -> tuple[Faces, Faces]:
        """Return what a session makes, and its source; a page may name no file of this machine."""
        self.editor.check_names(session, "{}: is no face that is known here.")
        face = self.editor.vertices(session)
        return face, self.editor.face(session.source, session.faces)

    def apply(self, label: str, change: Change, key: str = "") -> None:
        """Change the session.

        Parameters
        ----------
        label : what is done, for the history
        change : of the session
        key : of the dial that is moved: moves of one dial are one step

        Raises
        ------
        LwpipeError
            If it cannot be done.
        """
        with self._lock:
            session = change(self.session)
            face, source = self._made(session)
            self.history.add(label, session, key)
            self.face, self.source = face, source

    def go(self, place: int) -> None:
        """Show another step of the history."""
        with self._lock:
            before = self.history.place
            self.history.go(place)
            try:
                self.face, self.source = self._made(self.session)
            except LwpipeError:
                self.history.go(before)
                raise

    def undo(self) -> None:
        """Show the step before."""
        self.go(self.history.place - 1)

    def redo(self) -> None:
        """Show the step after."""
        self.go(self.history.place + 1)

    def save(self) -> None:
        """Write the session into the file of the autosave, if it is not there yet."""
        with self._lock:
            session = self.session
            if self.autosave is not None and session is not self._saved:
                write_json(self.autosave, self.editor.session(session))
                self._saved = session

    def set(self, label: str, key: str = "", **fields: Any) -> None:
        """Change fields of the session."""
        self.apply(label, lambda session: replace(session, **fields), key)

    def take(self, part: int, target: str, alpha: float, key: str = "") -> None:
        """Take a part from a face."""
        if not abs(alpha) <= MAX_ALPHA:
            raise LwpipeError(f"part {part}: alpha {alpha:g} is beyond {MAX_ALPHA:g}.")

        def change(session: Session) -> Session:
            if part in session.locked:
                raise LwpipeError(f"part {part}: is locked.")
            return replace(session, parts={**session.parts, part: (target, alpha)})

        self.apply(f"part {part}: {alpha:.0%} of {target}", change, key)

    def take_all(self, target: str) -> None:
        """Take all parts that are not locked from a face."""

        def change(session: Session) -> Session:
            free = set(range(self.editor.part_count)) - set(session.locked)
            parts = dict.fromkeys(sorted(free), (target, 1.0))
            return replace(session, parts={**session.parts, **parts})

        self.apply(f"all parts of {target}", change)

    def give_back(self, part: int | None = None) -> None:
        """Give a part, or all of them, back to the source."""

        def change(session: Session) -> Session:
            kept = {} if part is None else {k: v for k, v in session.parts.items() if k != part}
            return replace(session, parts=kept)

        self.apply("parts reset" if part is None else f"part {part} reset", change)

    def lock(self, part: int, locked: bool) -> None:
        """Lock a part, or open it."""

        def change(session: Session) -> Session:
            others = set(session.locked) - {part}
            return replace(session, locked=tuple(sorted(others | ({part} if locked else set()))))

        self.apply(f"part {part} {'locked' if locked else 'free'}", change)

    def pull(self, vertex: int, place: npt.ArrayLike, part: int | None = None) -> None:
        """Pull a vertex to a place, mm, with the part that it belongs to unless one is named."""
        x, y, z = (float(each) for each in np.asarray(place, np.float64))
        owner = int(self.editor.weights[vertex].argmax()) if part is None else part

        def change(session: Session) -> Session:
            others = tuple(each for each in session.handles if each.vertex != vertex)
            return replace(session, handles=(*others, Handle(vertex, (x, y, z), owner)))

        self.apply(f"pull vertex {vertex}", change, f"handle {vertex}")

    def pin(self, vertex: int) -> None:
        """Pin a vertex, or take the pin away."""

        def change(session: Session) -> Session:
            pins = set(session.pins) ^ {vertex}
            return replace(session, pins=tuple(sorted(pins)))

        self.apply(f"pin vertex {vertex}", change)

    def release(self) -> None:
        """Take all handles and pins away."""
        self.set("handles removed", handles=(), pins=())

    def measure(self, name: str, mm: float | None) -> None:
        """Set a measurement, or let it go."""

        def change(session: Session) -> Session:
            others = {key: value for key, value in session.measures.items() if key != name}
            if mm is not None:
                others[name] = float(mm)
            return replace(session, measures=others)

        said = f"{name} free" if mm is None else f"{name} {mm:.1f} mm"
        self.apply(said, change, f"measure {name}")

    def upload(self, name: str, content: bytes) -> str:
        """Read an uploaded mesh, make it the source, and return its name.

        Raises
        ------
        LwpipeError
            What is wrong with it.
        """
        shown = printable(Path(name.replace("\\", "/")).name)[-60:] or "the file"
        if len(content) > MAX_UPLOAD:
            raise LwpipeError(
                f"{shown}: has {len(content) / 2**20:.0f} MB, more than {MAX_UPLOAD / 2**20:.0f}."
            )
        suffix = Path(shown).suffix.lower()
        if suffix not in READERS:
            raise LwpipeError(f"{shown}: is none of the formats {', '.join(sorted(READERS))}.")
        try:
            vertices, triangles = parse_face(content, suffix, self.editor.model.channels > 3)
        except MeshError as error:
            raise LwpipeError(f"{shown}: {error}.") from error
        count = self.editor.model.vertex_count
        if len(vertices) != count:
            raise LwpipeError(f"{shown}: has {len(vertices)} vertices, the model has {count}.")
        if not self._is_registered(triangles):
            raise LwpipeError(
                f"{shown}: has the vertices of the model in another order, or another surface."
            )
        return self.add_face(shown, vertices)

    def _is_registered(self, triangles: npt.NDArray[np.int64]) -> bool:
        """Say whether a mesh is the template's, its quads perhaps cut along the other diagonal."""
        ours = self.editor.triangles
        if len(triangles) != len(ours):
            return False
        size = self.editor.model.vertex_count
        theirs, known = (each[:, 0] * size + each[:, 1] for each in (edges(triangles), edges(ours)))
        return bool(np.isin(theirs, known).mean() >= _SHARED_EDGES)

    def add_face(self, name: str, vertices: npt.ArrayLike) -> str:
        """Make a face of nobody's the source, and return the name that it gets."""
        with self._lock:
            faces = self.session.faces
            if len(faces) >= MAX_OWN_FACES:
                raise LwpipeError(f"{name}: the session has {MAX_OWN_FACES} own faces already.")
            taken = {"mean", *self.editor.names, *faces}
            names = (name, *(f"{name} ({number})" for number in range(2, MAX_OWN_FACES + 3)))
            own = next(each for each in names if each not in taken)
            face = self.editor.face(own, {own: np.asarray(vertices, np.float32)})
            self.set(f"face {own}", source=own, faces={**faces, own: face})
            return own

    def keep_result(self) -> str:
        """Make the result the source of what follows, with all dials at rest."""

        def change(session: Session) -> Session:
            return Session(source=own, faces={**session.faces, own: face})

        with self._lock:
            face, number = self.face, 1 + sum("result" in name for name in self.session.faces)
            own = f"result {number}"
            self.apply(f"go on from {own}", change)
            return own

    def session_file(self) -> bytes:
        """Return the session as a file."""
        with self._lock:
            return (json.dumps(self.editor.session(self.session), indent=2) + "\n").encode()

    def open_session(self, name: str, content: bytes) -> None:
        """Open a session that was saved.

        Raises
        ------
        LwpipeError
            What is wrong with it.
        """
        shown = printable(name)[-60:] or "the file"
        if len(content) > MAX_UPLOAD:
            raise LwpipeError(f"{shown}: has more than {MAX_UPLOAD / 2**20:.0f} MB.")
        try:
            value = json.loads(content.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            reason = str(error).splitlines()[0][:120] or type(error).__name__
            raise LwpipeError(f"{shown}: is not valid JSON ({reason}).") from error
        opened = self.editor.reopen(value if isinstance(value, Mapping) else {})
        self.apply(f"open {shown}", lambda _: opened)

    def export(self, kind: str) -> bytes:
        """Return the result as a mesh file: one of `FORMATS`."""
        with self._lock:
            return FORMATS[kind](self.face, self.editor.triangles)
