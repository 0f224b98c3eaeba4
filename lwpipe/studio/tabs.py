"""The tabs of the page: parts, handles, measurements, looks, files."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from lwpipe.core.errors import LwpipeError
from lwpipe.editor.session import Handle, Session
from lwpipe.studio.files import FORMATS
from lwpipe.studio.looks import (
    LOOKS,
    change_colors,
    color_bar,
    part_color,
    part_colors,
    part_titles,
)
from lwpipe.studio.page import Page
from lwpipe.studio.scene import CAMERAS, UNIT, hit

# A list of thousands is no list.
_LISTED = 300
_NOBODY = "the face itself"
_DEVIATIONS = 4.0
_DEVIATION_FACES = 200


@dataclass
class Choices:
    """The faces that drop-downs offer, and those drop-downs."""

    names: list[str]
    own: list[Any] = field(default_factory=list)
    targets: list[Any] = field(default_factory=list)

    def offer(self, *names: str) -> None:
        """Make sure that names are offered."""
        new = [name for name in dict.fromkeys(names) if name not in self.names]
        if not new:
            return
        self.names = ["mean", *new, *self.names[1:]]
        for handle in self.own:
            handle.options = tuple(self.names)
        for handle in self.targets:
            handle.options = (_NOBODY, *self.names)

    def offer_all(self, session: Session) -> None:
        """Make sure that the faces of a session are offered."""
        self.offer(session.source, *(name for name, _ in session.parts.values()))


def face_tab(page: Page) -> None:
    """Add the choice of the face that is edited, and the cards of the parts."""
    bench, gui = page.bench, page.server.gui
    listed = bench.editor.names
    step = max(1, -(-len(listed) // _LISTED))
    choices = Choices(["mean", *listed[::step]])
    choices.offer_all(bench.session)
    page.before.append(choices.offer_all)
    seeds = itertools.count(1)

    def drawn() -> str:
        return f"random:{next(seeds)}"

    def known(name: str) -> str:
        bench.editor.face(name, bench.session.faces)
        if name not in bench.editor.names and name not in choices.names:
            raise LwpipeError(f"{name}: is no face of the data set.")
        return name

    def begin(name: str) -> None:
        bench.set(f"face {name}", source=name)

    with gui.add_folder("Face"):
        source = gui.add_dropdown("Edit", choices.names, initial_value=bench.session.source)
        choices.own.append(source)
        page.bind("source", source, lambda session: session.source)
        page.on("source", source, begin)
        find = gui.add_text("Find", "", hint="The id of any face of the data set, then Enter")
        page.on("find", find, lambda name: begin(known(name.strip())) if name.strip() else None)
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
        def _(event: Any) -> None:
            file = upload.value
            page.later(
                f"upload {file.name}",
                lambda: bench.upload(file.name, file.content),
                event.client_id,
            )

    with gui.add_folder("All parts"):
        other = gui.add_dropdown("Take from", choices.names)
        choices.own.append(other)
        group = gui.add_button_group("", ("Swap all", "Random", "Reset"))
        page.buttons(
            group,
            {
                "Swap all": lambda _: bench.take_all(other.value),
                "Random": lambda _: bench.take_all(drawn()),
                "Reset": lambda _: bench.give_back(),
            },
        )
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


def _dial(page: Page, name: str, dial: Any) -> None:
    """Let a slider turn one of the dials of the session."""

    def turn(value: float) -> None:
        page.bench.set(f"{name} {value:.2f}", name, **{name: value})

    page.bind(name, dial, lambda session: round(getattr(session, name), 2))
    page.on(name, dial, turn)


def _card(page: Page, part: int, title: str, choices: Choices, drawn: Callable[[], str]) -> None:
    """Add the card of one part."""
    bench, gui = page.bench, page.server.gui
    red, green, blue = part_color(part, bench.editor.part_count)

    def target(session: Session) -> str:
        return session.parts[part][0] if part in session.parts else _NOBODY

    def alpha(session: Session) -> float:
        return round(session.parts[part][1], 2) if part in session.parts else 1.0

    def take(name: str) -> None:
        if name == _NOBODY:
            bench.give_back(part)
        else:
            bench.take(part, name, alpha(bench.session))

    def turn(value: float) -> None:
        if part in bench.session.parts:
            bench.take(part, target(bench.session), value, f"alpha {part}")

    with gui.add_folder(title):
        gui.add_html(
            f'<div style="height:4px;margin:2px 12px;border-radius:2px;'
            f'background:rgb({red},{green},{blue})"></div>'
        )
        chosen = gui.add_dropdown("From", (_NOBODY, *choices.names))
        choices.targets.append(chosen)
        page.bind(f"from {part}", chosen, target)
        page.on(f"from {part}", chosen, take)
        much = gui.add_slider("How much", 0.0, 1.5, 0.01, 1.0, hint="alpha: 1 is the other's part")
        page.bind(f"alpha {part}", much, alpha)
        page.on(f"alpha {part}", much, turn)
        group = gui.add_button_group("", ("Random", "Show", "Reset"))
        page.buttons(
            group,
            {
                "Random": lambda _: bench.take(part, drawn(), alpha(bench.session)),
                "Show": lambda _: page.highlight(part),
                "Reset": lambda _: bench.give_back(part),
            },
        )
        locked = gui.add_checkbox("Lock", False, hint="It stays as it is, whatever else is done")
        page.bind(f"lock {part}", locked, lambda session: part in session.locked)
        page.on(f"lock {part}", locked, lambda value: bench.lock(part, value))


def handle_tab(page: Page) -> None:
    """Add what a click on the face does, and the list of handles."""
    bench, gui, scene = page.bench, page.server.gui, page.scene
    automatic = "the part that is clicked"
    options = (automatic, *(f"part {part}" for part in range(bench.editor.part_count)))
    gui.add_markdown(
        "Click a point of the face and pull its arrows, or hold **Shift** and pull the face itself."
    )
    mode = gui.add_dropdown("A click sets", ("a handle", "a pin"))
    follows = gui.add_dropdown("What follows", options)
    listed = gui.add_markdown("")
    group = gui.add_button_group("", ("Remove last", "Remove all"))

    def part() -> int | None:
        return None if follows.value == automatic else int(follows.value.split()[1])

    def remove_last(_: Any) -> None:
        bench.set("handle removed", handles=bench.session.handles[:-1])

    page.buttons(group, {"Remove last": remove_last, "Remove all": lambda _: bench.release()})

    def clicked(event: Any) -> None:
        origin, direction = (np.array(each) for each in (event.ray_origin, event.ray_direction))
        vertex = hit(bench.face, bench.editor.triangles, origin / UNIT, direction)
        if vertex is None:
            return
        pinning = mode.value == "a pin"
        page.later(
            f"click {vertex}",
            (lambda: bench.pin(vertex))
            if pinning
            else (lambda: bench.pull(vertex, bench.face[vertex], part())),
            event.client_id,
        )

    held: dict[int, int] = {}

    async def dragged(event: Any) -> None:
        if event.phase == "start":
            start = np.array(event.start_position) / UNIT
            held[event.client_id] = int(np.linalg.norm(bench.face - start, axis=1).argmin())
        vertex, goal = held.get(event.client_id), np.array(event.end_position) / UNIT
        if vertex is not None:
            page.later(
                f"handle {vertex}", lambda: bench.pull(vertex, goal, part()), event.client_id
            )
        if event.phase == "end":
            held.pop(event.client_id, None)

    for mesh in (scene.plain, scene.colored):
        mesh.on_click(clicked)
        mesh.on_drag("left", modifier="shift")(dragged)

    def pull(vertex: int, place: Any) -> None:
        parts = [each.part for each in bench.session.handles if each.vertex == vertex]
        if parts:
            page.later(f"handle {vertex}", lambda: bench.pull(vertex, place, parts[0]))

    scene.on_pull = pull

    def away(handle: Handle) -> float:
        return float(np.linalg.norm(bench.face[handle.vertex] - np.array(handle.place)))

    def show() -> None:
        session = bench.session
        lines = [
            f"- vertex {each.vertex}, part {each.part}: {away(each):.2f} mm from its place"
            for each in session.handles
        ]
        lines += [f"- pin at vertex {vertex}" for vertex in session.pins]
        content = "\n".join(lines) or "No handles, no pins."
        if listed.content != content:
            listed.content = content

    page.after.append(show)


def measure_tab(page: Page) -> None:
    """Add a slider a measurement, and the table of before and after."""
    bench, gui = page.bench, page.server.gui
    editor = bench.editor
    if not editor.measures:
        gui.add_markdown("This data set has no measurements: name a file with `--measures`.")
        return
    for name, (low, high) in _ranges(editor).items():
        _length(page, name, low, high)
    group = gui.add_button_group("", ("Let all go",))
    page.buttons(group, {"Let all go": lambda _: bench.set("measurements free", measures={})})
    table = gui.add_markdown("")

    def show() -> None:
        before, after = editor.measure(bench.source), editor.measure(bench.face)
        rows = ["| mm | before | after | change |", "|:--|--:|--:|--:|"]
        rows += [
            f"| {'**' + name + '**' if name in bench.session.measures else name} | {mm:.1f} | "
            f"{after[name]:.1f} | {after[name] - mm:+.1f} |"
            for name, mm in before.items()
        ]
        content = "\n".join(rows)
        if table.content != content:
            table.content = content

    page.after.append(show)


def _length(page: Page, name: str, low: float, high: float) -> None:
    """Add the slider of one measurement."""
    measure = page.bench.editor.measures[name]

    def length() -> float:
        return round(float(np.clip(measure.of(page.bench.face), low, high)), 1)

    slider = page.server.gui.add_slider(name, low, high, 0.1, length())
    page.bind(f"measure {name}", slider, lambda _: length())
    page.on(f"measure {name}", slider, lambda mm: page.bench.measure(name, mm))


def _ranges(editor: Any) -> dict[str, tuple[float, float]]:
    """Return how far each slider goes: some deviations of the training faces about their mean."""
    mean = editor.measure(editor.mean)
    if editor.data is None:
        return {name: (round(0.7 * mm, 1), round(1.3 * mm, 1)) for name, mm in mean.items()}
    rows = editor.data.indices("train")
    rows = rows[:: max(1, len(rows) // _DEVIATION_FACES)]
    found = [editor.measure(editor.data.vertices[row]) for row in rows]
    ranges = {}
    for name, mm in mean.items():
        spread = max(_DEVIATIONS * float(np.std([each[name] for each in found])), 0.05 * mm)
        ranges[name] = (round(max(mm - spread, 0.1 * mm), 1), round(mm + spread, 1))
    return ranges


def look_tab(page: Page) -> None:
    """Add how the face is shown."""
    bench, gui, scene = page.bench, page.server.gui, page.scene
    look = gui.add_dropdown("Look", LOOKS)
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
            colors, end = change_colors(face, bench.source)
        scene.show(face, bench.source if beside.value else None, colors, look.value == "wireframe")
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

        def send(event: Any) -> None:
            kind = group.value.lower()
            event.client.send_file_download(
                f"face.{kind}", bench.export(kind), save_immediately=True
            )

        page.buttons(group, {kind.upper(): send for kind in FORMATS})
        picture = gui.add_button("Picture")

        def draw(event: Any) -> None:
            from lwpipe.studio.pictures import png

            image = event.client.get_render(1000, 1000, transport_format="png", timeout=20.0)
            event.client.send_file_download("face.png", png(image), save_immediately=True)

        page.button(picture, draw)
        strip = gui.add_button("Strip of steps")

        def draw_strip(event: Any) -> None:
            from lwpipe.studio.pictures import png, strip_of_steps

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
        def _(event: Any) -> None:
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


def history_tab(page: Page) -> None:
    """Add the list of steps."""
    bench, gui = page.bench, page.server.gui
    listed = gui.add_markdown("")

    def show() -> None:
        history = bench.history
        first = max(0, history.place - 12)
        lines = [
            f"{'**' if at == history.place else ''}{at + 1}. {history.steps[at].label}"
            f"{'**' if at == history.place else ''}"
            for at in range(first, min(first + 25, len(history.steps)))
        ]
        content = "\n\n".join(lines)
        if listed.content != content:
            listed.content = content

    page.after.append(show)
