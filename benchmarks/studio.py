"""Print how fast the studio answers: at the client, of the solver, and what it holds on to.

A page in a headless browser turns a slider; the clock stops at the first frame that shows another
face. WebGL is drawn in software here, on the same cores; what that costs is told by frames in which
only the camera moves. Usage: python benchmarks/studio.py
[--vertices 6706 53215] [--edits 1000]
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from playwright.sync_api import sync_playwright

from lwpipe.data.sources.synthetic.faces import draw_parameters, synthesize
from lwpipe.data.sources.synthetic.grid import make_grid
from lwpipe.data.store import DatasetWriter
from lwpipe.editing import Pca
from lwpipe.editor import Editor
from lwpipe.local_weights.make import sharpened
from lwpipe.model import PartModel
from lwpipe.model.base import Components
from lwpipe.model.settings import ModelSettings
from lwpipe.studio.studio import Studio
from lwpipe.template import build_pyramid

FACES, REPEATS = 80, 25
WINDOW = {"width": 1000, "height": 700}
WORDS = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
# Right eye, left eye, nose, mouth: in the canonical plane, mm.
CENTRES = np.array([[-32.0, 2.0], [32.0, 2.0], [0.0, -34.0], [0.0, -75.0]])
# So that a frame can be read after it was drawn.
KEPT = """const plain = HTMLCanvasElement.prototype.getContext;
HTMLCanvasElement.prototype.getContext = function (kind, settings) {
    return plain.call(this, kind, kind.startsWith('webgl')
        ? {...settings, preserveDrawingBuffer: true} : settings);
};"""
# Waits for the first frame in which the picture is another, from a key on the slider of a label, or
# from a turn of the wheel, after which only the camera has moved. Gives the clock at both, and how
# long a frame takes meanwhile.
CLOCK = """([label, key]) => new Promise((resolve, reject) => {
    const area = each => each.width * each.height;
    const canvas = [...document.querySelectorAll('canvas')].sort((a, b) => area(b) - area(a))[0];
    const title = [...document.querySelectorAll('label')].find(each => each.textContent === label);
    let row = title;
    while (row && !row.querySelector('[role=slider]')) row = row.parentElement;
    const small = document.createElement('canvas');
    small.width = small.height = 128;
    const pen = small.getContext('2d', {willReadFrequently: true});
    const seen = () => {
        pen.clearRect(0, 0, 128, 128);
        pen.drawImage(canvas, 0, 0, 128, 128);
        return pen.getImageData(0, 0, 128, 128).data;
    };
    const act = () => {
        if (key === null) {
            canvas.dispatchEvent(new WheelEvent('wheel', {
                deltaY: 240, clientX: 300, clientY: 300, bubbles: true, cancelable: true}));
            return;
        }
        const thumb = row.querySelector('[role=slider]');
        thumb.focus();
        thumb.dispatchEvent(new KeyboardEvent('keydown', {key: key, code: key, bubbles: true}));
    };
    let before = null, start = 0, frames = 0;
    const clock = () => performance.timeOrigin + performance.now();
    const frame = () => { try { watch(); } catch (error) { reject(error); } };
    const watch = () => {
        const data = seen();
        if (before === null) {
            before = data;
            start = clock();
            act();
        } else {
            let sum = 0;
            for (let i = 0; i < data.length; i++) sum += Math.abs(data[i] - before[i]);
            frames += 1;
            const passed = clock() - start;
            if (sum > 2000) { resolve([start, start + passed, passed / frames]); return; }
            if (passed > 5000) { resolve(null); return; }
        }
        requestAnimationFrame(frame);
    };
    requestAnimationFrame(frame);
})"""


def make_editor(folder: Path, vertices: int) -> Editor:
    """Return an editor of synthetic faces, with a base of 64 and a network of the usual size."""
    grid = make_grid(vertices)
    faces = synthesize(draw_parameters(FACES, 0), grid)
    writer = DatasetWriter(folder, FACES, grid.triangles, len(grid.points))
    rows = [
        {"id": f"face_{i}", "split": "train", "subject": i, "expression": "", "source": "x"}
        for i in range(FACES)
    ]
    with writer:
        writer[:] = faces
        data = writer.close(
            rows, {"source": "synthetic", "licence": "MIT", "seed": 0, "alignment": None}
        )
    away = np.linalg.norm(grid.points[:, None] - CENTRES, axis=2)
    shares = np.exp(-((away / 30.0) ** 2)) + 1e-9
    weights = sharpened((shares / shares.sum(axis=1, keepdims=True)).astype(np.float32), 2.0, 0.02)
    settings = ModelSettings(latent_size=64, base="pca")
    pca = Pca.fit(faces, np.arange(FACES), settings.latent_size)
    mean = faces.mean(axis=0)
    torch.manual_seed(0)
    model = PartModel(
        build_pyramid(mean.astype(np.float64), grid.triangles, [4, 4, 4, 4]),
        np.asarray(weights, np.float32), mean, np.ones((1, 1), np.float32), settings,
        components=Components.padded(pca.basis, pca.deviation, 64, pca.variance),
    )  # fmt: skip
    return Editor(model, data)


def milliseconds(call: Callable[[], object]) -> tuple[float, float]:
    """Return the median time of a call, and the mean that it keeps a core busy."""
    call()
    times, busy = [], time.process_time()
    for _ in range(REPEATS):
        start = time.perf_counter()
        call()
        times.append(1e3 * (time.perf_counter() - start))
    return statistics.median(times), 1e3 * (time.process_time() - busy) / REPEATS


def of_the_editor(editor: Editor) -> dict[str, tuple[float, float]]:
    """Return what the editor's functions take."""
    source, target = editor.face("face_0"), editor.face("face_1")
    vertex = int(source[:, 2].argmax())
    part = int(editor.weights[vertex].argmax())
    steps = iter(np.linspace(0.1, 0.9, 10_000))
    pins = np.flatnonzero(editor.weights[:, part] > 0.9)[:5].tolist()
    width = editor.measure(source)["mouth width"]
    return {
        "move of a handle, five pins": milliseconds(
            lambda: editor.drag(source, {vertex: source[vertex] + next(steps)}, part, pins)
        ),
        "measurement": milliseconds(
            lambda: editor.set_measure(source, "mouth width", width + next(steps))
        ),
        "edit, keep 1": milliseconds(lambda: editor.edit(source, {part: (target, next(steps))})),
        "edit, keep 0.3, harmony 0.5": milliseconds(
            lambda: editor.edit(source, {part: (target, next(steps))}, 0.3, 0.5)
        ),
    }


class Watch:
    """When the studio begins to work for a slider, and when it has sent what is to be shown."""

    def __init__(self, studio: Studio) -> None:
        self.began = self.sent = 0.0
        apply, refresh = studio.bench.apply, studio.page.refresh

        def timed_apply(*words: Any) -> None:
            self.began = 1e3 * time.time()
            apply(*words)

        def timed_refresh(key: str = "") -> None:
            refresh(key)
            self.sent = 1e3 * time.time()

        studio.bench.apply = timed_apply  # type: ignore[method-assign]
        studio.page.refresh = timed_refresh  # type: ignore[method-assign]


def at_the_client(studio: Studio) -> dict[str, float]:
    """Return what passes from a slider that is moved to the picture, and where it goes."""
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    watch = Watch(studio)
    rows: list[list[float]] = []
    with sync_playwright() as web:
        browser = web.chromium.launch(executable_path=path, args=WORDS)
        follow()
        page = browser.new_page(viewport=WINDOW)
        page.add_init_script(KEPT)
        page.goto(f"http://127.0.0.1:{studio.port}/")
        page.get_by_role("button", name="Undo").wait_for()
        for part in range(studio.bench.editor.part_count):
            studio.page.later(f"take {part}", lambda p=part: studio.bench.take(p, "face_9", 1.0))
        studio.page.wait()
        page.wait_for_timeout(4000)
        for number in range(REPEATS + 2):
            found = page.evaluate(CLOCK, ["How much", "Home" if number % 2 == 0 else "End"])
            studio.page.wait()
            page.wait_for_timeout(300)
            if found is not None and number >= 2:
                start, end, frame = found
                rows.append([end - start, watch.began - start, watch.sent - watch.began,
                             end - watch.sent, frame])  # fmt: skip
        moved = [page.evaluate(CLOCK, ["", None]) for _ in range(REPEATS // 2)]
        browser.close()
    turned = [end - start for start, end, _ in (each for each in moved if each is not None)]
    names = (
        "**slider to picture**",
        "- until the studio begins",
        "- the studio's work: the edit, and all that is to be shown",
        "- until the picture: the way, the mesh and its normals in the browser, its frame",
        "between two frames of the browser meanwhile",
    )
    medians = map(statistics.median, zip(*rows, strict=True))
    return {
        **dict(zip(names, medians, strict=True)),
        "wheel to picture: only the camera moves, and the studio does nothing": statistics.median(
            turned
        ),
        "vertices that are sent, kB": studio.bench.face.nbytes / 1e3,
        "pictures missed": REPEATS - len(rows),
    }


def follow() -> None:
    """Give the browser the priority that this process has among the groups of the scheduler."""
    own = Path("/proc/self/autogroup")
    if not own.exists():
        return
    level = own.read_text().split()[-1]
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(OSError):
            Path(f"/proc/{process.pid}/autogroup").write_text(level)


def memory(studio: Studio, edits: int) -> list[tuple[int, float]]:
    """Return the resident memory in MB after some edits, as a page would ask for them."""
    process, found = psutil.Process(os.getpid()), []
    for number in range(1, edits + 1):
        part = number % studio.bench.editor.part_count
        name = f"face_{number % FACES}"
        studio.page.later(f"edit {number}", lambda p=part, n=name: studio.bench.take(p, n, 1.0))
        studio.page.wait()
        if number in {edits // 10, edits // 2, edits}:
            found.append((number, process.memory_info().rss / 2**20))
    return found


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vertices", type=int, nargs="+", default=[6706, 53215])
    parser.add_argument("--edits", type=int, default=1000)
    options = parser.parse_args()
    threads = torch.get_num_threads()
    print(f"{threads} threads, load {os.getloadavg()[0]:.1f}.\n")
    for vertices in options.vertices:
        with tempfile.TemporaryDirectory() as folder:
            editor = make_editor(Path(folder), vertices)
            print(f"| {editor.model.vertex_count:,} vertices | ms | ms of a core |\n|---|---|---|")
            torch.set_num_threads(1)
            for name, (passed, busy) in of_the_editor(editor).items():
                print(f"| {name} | {passed:.1f} | {busy:.1f} |", flush=True)
            torch.set_num_threads(threads)
            with Studio(editor, Path(folder) / "session.json", port=18400) as studio:
                for name, value in at_the_client(studio).items():
                    print(f"| {name} | {value:.0f} | |", flush=True)
                for number, size in memory(studio, options.edits):
                    print(f"| memory after {number:,} edits, MB | {size:.0f} | |", flush=True)
        print(f"\nload {os.getloadavg()[0]:.1f}\n", flush=True)


if __name__ == "__main__":
    main()
