"""The tabs of looks, files and steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lwpipe.data.signals import colors_of, positions
from lwpipe.editor.session import Session
from lwpipe.studio.album import Album
from lwpipe.studio.files import FORMATS
from lwpipe.studio.looks import LOOKS, SKIN, change_colors, color_bar, part_colors
from lwpipe.studio.page import Page
from lwpipe.studio.pictures import png, strip_of_steps
from lwpipe.studio.scene import CAMERAS

_SHOWN_STEPS = 24


def look_tab(page: Page) -> None:
    """Add how the face is shown."""
    bench, gui, scene = page.bench, page.server.gui, page.scene
    painted = bench.editor.model.channels > 3
    look = gui.add_dropdown("Look", (SKIN, *LOOKS) if painted else LOOKS)
    bar = gui.add_image(color_bar(1.0), visible=False)
    beside = gui.add_checkbox("The source beside it", False)
    blink = gui.add_checkbox("Show the source in its place", False, hint="on and off: blink")
    cameras = gui.add_button_group("Camera", tuple(CAMERAS))

    def turned(name: str) -> Callable[[Any], object]:
        return lambda event: scene.look_from(event.client, name, beside.value)

    page.buttons(cameras, {name: turned(name) for name in CAMERAS})
    shown: dict[str, Any] = {}

    def highlight(part: int) -> None:
        page.highlighted = None if page.highlighted == part else part

    page.highlight = highlight
    for name, widget in (("look", look), ("blink", blink)):
        page.on(name, widget, lambda _: setattr(page, "highlighted", None))

    def aside(_: bool) -> None:
        for client in page.server.get_clients().values():
            scene.look_from(client, "front", beside.value)

    page.on("beside", beside, aside)

    def show() -> None:
        face = bench.source if blink.value else bench.face
        state = (id(bench.face), look.value, beside.value, blink.value, page.highlighted)
        if shown.get("state") == state:
            return
        colors, end = None, None
        if page.highlighted is not None:
            colors = part_colors(bench.editor.weights, page.highlighted)
        elif look.value == "parts":
            colors = part_colors(bench.editor.weights)
        elif look.value == "change in mm":
            colors, end = change_colors(positions(face), positions(bench.source))
        elif look.value == SKIN:
            colors = colors_of(face)
        aside = positions(bench.source) if beside.value else None
        scene.show(positions(face), aside, colors, look.value == "wireframe")
        bar.visible = end is not None
        if end is not None:
            bar.image = color_bar(end)
        # The face itself, so that no other takes its number.
        shown.update(state=state, face=bench.face)

    page.after.append(show)


def file_tab(page: Page) -> None:
    """Add exports, pictures and sessions."""
    bench, gui = page.bench, page.server.gui
    with gui.add_folder("Export"):
        group = gui.add_button_group("Mesh", tuple(kind.upper() for kind in FORMATS))

        def sent(kind: str) -> Callable[[Any], object]:
            return lambda event: event.client.send_file_download(
                f"face.{kind}", bench.export(kind), save_immediately=True
            )

        page.buttons(group, {kind.upper(): sent(kind) for kind in FORMATS})
        picture = gui.add_button("Picture")

        def draw(event: Any) -> None:
            image = event.client.get_render(1000, 1000, transport_format="png", timeout=20.0)
            event.client.send_file_download("face.png", png(image), save_immediately=True)

        page.button(picture, draw)
        strip = gui.add_button("Strip of steps")

        def draw_strip(event: Any) -> None:
            image = strip_of_steps(bench.editor, bench.session)
            event.client.send_file_download("steps.png", png(image), save_immediately=True)

        page.button(strip, draw_strip)
    with gui.add_folder("Session"):
        save = gui.add_button("Save the session")

        def save_it(event: Any) -> None:
            event.client.send_file_download(
                "session.json", bench.session_file(), save_immediately=True
            )

        page.button(save, save_it)
        upload = gui.add_upload_button("Open a session", mime_type="application/json")

        @upload.on_upload
        async def _(event: Any) -> None:
            file = upload.value

            page.later(
                f"open {file.name}",
                lambda: bench.open_session(file.name, file.content),
                event.client_id,
            )


def history_row(page: Page) -> None:
    """Add undo and redo, above all tabs."""
    bench, gui = page.bench, page.server.gui
    group = gui.add_button_group("", ("Undo", "Redo", "Start over"))
    page.buttons(
        group,
        {
            "Undo": lambda _: bench.undo(),
            "Redo": lambda _: bench.redo(),
            "Start over": lambda _: bench.apply(
                "start over", lambda session: Session(source=session.source, faces=session.faces)
            ),
        },
    )
    line = gui.add_markdown("")

    def show() -> None:
        history = bench.history
        content = (
            f"{history.place + 1} / {len(history.steps)}: {history.steps[history.place].label}"
        )
        if line.content != content:
            line.content = content

    page.after.append(show)


def history_tab(page: Page, album: Album) -> None:
    """Add the steps with their pictures, and the way back to any of them."""
    bench, gui = page.bench, page.server.gui
    step = gui.add_number("Go to step", 1, min=1, step=1)
    page.bind("step", step, lambda _: bench.history.place + 1)
    page.on("step", step, lambda number: bench.go(int(number) - 1))
    page.hear("step", lambda number, _: bench.go(int(number or 1) - 1))
    listed = gui.add_html("")

    def show() -> None:
        first = max(0, bench.history.place - _SHOWN_STEPS // 2)
        content = album.listed(first, first + _SHOWN_STEPS)
        if listed.content != content:
            listed.content = content

    page.after.append(show)
