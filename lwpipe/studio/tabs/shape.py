"""The tabs of handles and of measurements."""

from __future__ import annotations

from typing import Any

import numpy as np

from lwpipe.data.signals import positions
from lwpipe.editor import Editor
from lwpipe.editor.session import Handle
from lwpipe.studio.page import Page
from lwpipe.studio.scene import UNIT, hit

# How far a slider goes to either side, in deviations of the training faces.
_DEVIATIONS = 4.0
_DEVIATION_FACES = 200


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
        vertex = hit(positions(bench.face), bench.editor.triangles, origin / UNIT, direction)
        if vertex is None:
            return
        pinning = mode.value == "a pin"
        page.later(
            f"click {vertex}",
            (lambda: bench.pin(vertex))
            if pinning
            else (lambda: bench.pull(vertex, positions(bench.face)[vertex], part())),
            event.client_id,
        )

    held: dict[int, int] = {}

    async def dragged(event: Any) -> None:
        if event.phase == "start":
            start = np.array(event.start_position) / UNIT
            held[event.client_id] = int(
                np.linalg.norm(positions(bench.face) - start, axis=1).argmin()
            )
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
        return float(np.linalg.norm(positions(bench.face)[handle.vertex] - np.array(handle.place)))

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


def _ranges(editor: Editor) -> dict[str, tuple[float, float]]:
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
