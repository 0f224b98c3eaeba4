"""The tab of faces and parts."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lwpipe.core.errors import LwpipeError
from lwpipe.data.signals import positions
from lwpipe.editing.settings import Texture
from lwpipe.editor.draws import Drawn, drawn_of
from lwpipe.editor.session import Session
from lwpipe.studio.album import ITSELF, Album
from lwpipe.studio.looks import part_color, part_titles
from lwpipe.studio.page import Page

# A list of thousands is no list.
_LISTED = 300
_BOLDEST = 5.0
_SKINS: dict[str, Texture] = {
    "comes along": "follow", "in the tone of the face": "match", "stays": "keep",
}  # fmt: skip


@dataclass
class Choices:
    """The faces that drop-downs offer, and those drop-downs.

    Attributes
    ----------
    names : of faces
    own : drop-downs of whole faces
    targets : of each part, that of what it is taken from
    drawn : of each part, what was drawn given the rest of a face: that is no face
    """

    names: list[str]
    own: list[Any] = field(default_factory=list)
    targets: dict[int, Any] = field(default_factory=dict)
    drawn: dict[int, list[str]] = field(default_factory=dict)

    def of_part(self, part: int) -> tuple[str, ...]:
        """Return what a part can be taken from."""
        return (ITSELF, *self.drawn.get(part, []), *self.names)

    def offer(self, session: Session) -> None:
        """Make sure that the faces of a session are offered."""
        wanted = [session.source]
        for part, (name, _) in session.parts.items():
            found = None if name in session.faces else drawn_of(name)
            if found is None or not found.given_rest:
                wanted.append(name)
            elif name not in self.drawn.setdefault(part, []):
                self.drawn[part].insert(0, name)
                if part in self.targets:
                    self.targets[part].options = self.of_part(part)
        new = [name for name in dict.fromkeys(wanted) if name not in self.names]
        if not new:
            return
        self.names = ["mean", *new, *self.names[1:]]
        for handle in self.own:
            handle.options = tuple(self.names)
        for part, handle in self.targets.items():
            handle.options = self.of_part(part)


def face_tab(page: Page, album: Album) -> None:
    """Add the choice of the face that is edited, and the cards of the parts."""
    bench, gui = page.bench, page.server.gui
    listed = bench.editor.names
    step = max(1, -(-len(listed) // _LISTED))
    choices = Choices(["mean", *listed[::step]])
    choices.offer(bench.session)
    page.before.append(choices.offer)
    seeds, ids = itertools.count(1), set(listed)

    def drawn(given_rest: bool = False) -> str:
        if not bench.editor.draws.is_ready:
            page.say("A moment: what faces are drawn from is fitted to the training faces.")
        return Drawn(next(seeds), given_rest, round(bold.value, 2)).name

    def begin(name: str) -> None:
        bench.set(f"face {name}", source=name)

    with gui.add_folder("Face"):
        source = gui.add_dropdown("Edit", choices.names, initial_value=bench.session.source)
        choices.own.append(source)
        page.bind("source", source, lambda session: session.source)
        page.on("source", source, begin)
        find = gui.add_text("Find", "", hint="The id of any face of the data set")
        # Every letter that is typed comes here.
        page.on("find", find, lambda name: begin(name.strip()) if name.strip() in ids else None)
        group = gui.add_button_group("", ("Mean", "Random", "Go on from here"))
        page.buttons(
            group,
            {
                "Mean": lambda _: begin("mean"),
                "Random": lambda _: begin(drawn()),
                "Go on from here": lambda _: bench.keep_result(),
            },
        )
        upload = gui.add_upload_button("Upload a face", icon=None, hint="OBJ, PLY, STL, OFF, GLB")

        @upload.on_upload
        async def _(event: Any) -> None:
            file = upload.value
            page.later(
                f"upload {file.name}",
                lambda: bench.upload(file.name, file.content),
                event.client_id,
            )

    with gui.add_folder("All parts"):
        other = gui.add_dropdown("Take from", choices.names)
        choices.own.append(other)
        page.on("other", other, lambda _: None)
        _pair(page, album, lambda session: (session.source, other.value))
        group = gui.add_button_group("", ("Swap all", "Random", "Reset"))
        page.buttons(
            group,
            {
                "Swap all": lambda _: bench.take_all(other.value),
                "Random": lambda _: bench.take_all(drawn()),
                "Reset": lambda _: bench.give_back(),
            },
        )
        bold = gui.add_slider(
            "How bold", 0.0, _BOLDEST, 0.05, 1.0,
            hint="temperature of all that is random: 1 is as faces are",
        )  # fmt: skip

    def pointed(part: str, client: int | None) -> None:
        page.scene.point_out(
            page.server.get_clients().get(-1 if client is None else client),
            positions(bench.face),
            bench.editor.weights,
            int(part) if part and int(part) < bench.editor.part_count else None,
        )

    page.hear("part", pointed, changes=False)
    for part, title in enumerate(part_titles(bench.editor)):
        _card(page, part, title, choices, drawn)
    with gui.add_folder("The rest of the face"):
        keep = gui.add_slider(
            "Leave it alone", 0.0, 1.0, 0.01, 1.0,
            hint="keep: at 1 nothing moves outside the parts",
        )  # fmt: skip
        harmony = gui.add_slider(
            "Let it follow", 0.0, 1.0, 0.01, 0.0,
            hint="harmony: how far the rest follows as faces do, where it is not left alone",
        )  # fmt: skip
        for name, dial in (("keep", keep), ("harmony", harmony)):
            _dial(page, name, dial)
        if bench.editor.model.channels > 3:
            _skin(page)


def _pair(page: Page, album: Album, names: Callable[[Session], tuple[str, ...]]) -> None:
    """Add small pictures of faces, where the machine can render."""
    blank = np.full((8, 8, 3), 255, np.uint8)
    image = page.server.gui.add_image(blank, visible=False)
    shown: list[tuple[str, ...]] = []

    def show() -> None:
        wanted = names(page.bench.session)
        if shown == [wanted]:
            return
        shown[:] = [wanted]
        try:
            image.image = album.thumbnails.of(wanted, page.bench.session)
            image.visible = True
        except LwpipeError:
            image.visible = False

    page.after.append(show)


def _dial(page: Page, name: str, dial: Any) -> None:
    """Let a slider turn one of the dials of the session."""

    def turn(value: float) -> None:
        page.bench.set(f"{name} {value:.2f}", name, **{name: value})

    page.bind(name, dial, lambda session: round(getattr(session, name), 2))
    page.on(name, dial, turn)


def _skin(page: Page) -> None:
    """Add whether parts take their skin along."""
    skin = page.server.gui.add_dropdown(
        "Skin of the parts", tuple(_SKINS), hint="texture: what becomes of a part's colours"
    )
    words = {texture: word for word, texture in _SKINS.items()}
    page.bind("texture", skin, lambda session: words[session.texture])
    page.on("texture", skin, lambda word: page.bench.set(f"skin {word}", texture=_SKINS[word]))


def _card(
    page: Page, part: int, title: str, choices: Choices, drawn: Callable[[bool], str]
) -> None:
    """Add the card of one part."""
    bench, gui = page.bench, page.server.gui
    red, green, blue = part_color(part, bench.editor.part_count)

    def target(session: Session) -> str:
        return session.parts[part][0] if part in session.parts else ITSELF

    def alpha(session: Session) -> float:
        return round(session.parts[part][1], 2) if part in session.parts else 1.0

    def take(name: str) -> None:
        if name == ITSELF:
            bench.give_back(part)
        else:
            bench.take(part, name, alpha(bench.session))

    def turn(value: float) -> None:
        if part in bench.session.parts:
            bench.take(part, target(bench.session), value, f"alpha {part}")

    with gui.add_folder(title):
        gui.add_html(
            f'<div data-part="{part}" style="height:4px;margin:2px 12px;border-radius:2px;'
            f'background:rgb({red},{green},{blue})"></div>'
        )
        chosen = gui.add_dropdown("From", choices.of_part(part))
        choices.targets[part] = chosen
        page.bind(f"from {part}", chosen, target)
        page.on(f"from {part}", chosen, take)
        much = gui.add_slider("How much", 0.0, 1.5, 0.01, 1.0, hint="alpha: 1 is the other's part")
        page.bind(f"alpha {part}", much, alpha)
        page.on(f"alpha {part}", much, turn)
        group = gui.add_button_group("", ("Random", "Show", "Reset"))
        page.buttons(
            group,
            {
                "Random": lambda _: bench.take(part, drawn(True), alpha(bench.session)),
                "Show": lambda _: page.highlight(part),
                "Reset": lambda _: bench.give_back(part),
            },
        )
        locked = gui.add_checkbox("Lock", False, hint="It stays as it is, whatever else is done")
        page.bind(f"lock {part}", locked, lambda session: part in session.locked)
        page.on(f"lock {part}", locked, lambda value: bench.lock(part, value))
