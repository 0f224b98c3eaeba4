"""ONNX: other runtimes compute what PyTorch does, and the examples of the documentation run."""

from __future__ import annotations

import hashlib
import http.server
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

from lwpipe.cli.main import main
from lwpipe.core.errors import LwpipeError
from lwpipe.editing import EditingSettings, make_editor
from lwpipe.editing.harmony import Harmony
from lwpipe.export import make_onnx, write_onnx
from lwpipe.model import PartModel
from lwpipe.model.settings import ModelSettings
from lwpipe.template import build_pyramid
from tests.helpers.browser import needs_browser, opened
from tests.helpers.programs import NODE_FOLDER, needs_node
from tests.unit.editing.test_keeping import MODEL, SOURCES, TARGETS, trained
from tests.unit.model.test_model import bump

pytest.importorskip("onnx", reason="needs onnx (pip install onnx)")
ort = pytest.importorskip("onnxruntime", reason="needs onnxruntime (pip install onnxruntime)")
DOCUMENT = Path(__file__).resolve().parents[3] / "docs/export.md"
DIALS = [(1, 1, 0), (0.5, 1, 0), (1, 0, 1), (0.7, 0.5, 0.4), (-0.3, 0, 0)]


def tolerance(model: PartModel) -> float:
    return 1e-4 * float(model.scale.mean())


def session(model: PartModel, graph: str) -> Any:
    content = make_onnx(model, graph).SerializeToString()
    return ort.InferenceSession(content, providers=["CPUExecutionProvider"])


def asked(part: Any, alpha: Any, keep: Any, harmony: Any) -> dict[str, np.ndarray]:
    dials = {"alpha": alpha, "keep": keep, "harmony": harmony}
    inputs = {name: np.atleast_1d(np.float32(value)) for name, value in dials.items()}
    return {"part": np.atleast_1d(np.int64(part)), **inputs}


def check(model: PartModel, faces: np.ndarray) -> None:
    """Compare encoder, projections and decoder."""
    z, parts = session(model, "encode").run(None, {"faces": faces})
    np.testing.assert_allclose(z, model.encode(faces), atol=1e-4)
    np.testing.assert_allclose(parts, model.parts(model.encode(faces)), atol=1e-4)
    (projected,) = session(model, "project").run(None, {"z": z})
    np.testing.assert_allclose(projected, model.parts(z), atol=1e-5)
    (decoded,) = session(model, "decode").run(None, {"parts": parts})
    np.testing.assert_allclose(decoded, model.decode(parts), atol=tolerance(model))


@pytest.mark.parametrize("weighting", ["vertex", "outer", "composed", "none"])
@pytest.mark.parametrize("standardise", ["scalar", "vertex"])
def test_a_network_on_components_agrees(weighting: str, standardise: str) -> None:
    model = trained_any(weighting=weighting, standardise=standardise)
    check(model, SOURCES)


def trained_any(**settings: Any) -> PartModel:
    """Return a model on components whose every parameter says something."""
    import torch

    from tests.unit.model.test_base import make_model

    model = make_model(0.2, **settings)
    torch.manual_seed(2)
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return model


def test_what_components_tell_of_further_ones_agrees() -> None:
    import torch

    from tests.unit.model.test_kernel import UNSEEN, make_model

    model = make_model(0.2)
    torch.manual_seed(2)
    with torch.no_grad():
        for parameter in model.network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    check(model, UNSEEN[:3])


@pytest.mark.parametrize("activation", ["elu", "relu", "leaky_relu", "tanh"])
def test_activations_agree(activation: str) -> None:
    check(trained_any(activation=activation), SOURCES)


@pytest.mark.parametrize("weighting", ["vertex", "outer", "composed", "none"])
@pytest.mark.parametrize("projection", [True, False])
@pytest.mark.parametrize("order", [1, 2, 5])
def test_a_network_without_components_agrees(weighting: str, projection: bool, order: int) -> None:
    vertices, triangles = bump()
    settings = ModelSettings(
        latent_size=5, channels=[4, 6], weighting=weighting, projection=projection, order=order
    )
    model = PartModel(
        build_pyramid(vertices, triangles, [4, 4]),
        MODEL.weights,
        vertices.astype(np.float32),
        np.full((1, 1), 2.5, np.float32),
        settings,
    )
    faces = model.template + np.random.default_rng(0).normal(
        size=(3, model.vertex_count, 3)
    ).astype(np.float32)
    check(model, faces)


@pytest.mark.parametrize("dials", DIALS)
@pytest.mark.parametrize("part", [0, 2])
def test_the_edit_agrees_with_the_editor(dials: tuple[float, ...], part: int) -> None:
    alpha, keep, harmony = dials
    editing = EditingSettings(residual=True, keep=keep, harmony=harmony)
    expected = make_editor(MODEL, MODEL.weights, editing).edit(SOURCES, TARGETS, part, alpha)
    inputs = {"source": SOURCES, "target": TARGETS, **asked(part, alpha, keep, harmony)}
    (edited,) = session(MODEL, "edit").run(None, inputs)
    np.testing.assert_allclose(edited, expected, atol=tolerance(MODEL))
    assert np.abs(edited - SOURCES).max() > 1


def test_what_is_kept_is_kept_bit_for_bit() -> None:
    run = session(MODEL, "edit")
    faces = {"source": SOURCES, "target": TARGETS}
    (edited,) = run.run(None, {**faces, **asked(1, 1, 1, 0.5)})
    outside = MODEL.weights[:, 1] == 0
    np.testing.assert_array_equal(edited[:, outside], SOURCES[:, outside])
    (same,) = run.run(None, {**faces, **asked(1, 0, 0, 1)})
    np.testing.assert_array_equal(same, SOURCES)


def test_each_face_may_have_dials_of_its_own() -> None:
    rows = asked([0, 1, 2, 1], [1, 0.5, 0, 1], [1, 0.2, 0, 0], [0, 1, 0.5, 0])
    run = session(MODEL, "edit")
    (edited,) = run.run(None, {"source": SOURCES, "target": TARGETS, **rows})
    for i in range(4):
        one = {name: values[i : i + 1] for name, values in rows.items()}
        faces = {"source": SOURCES[i : i + 1], "target": TARGETS[i : i + 1]}
        (alone,) = run.run(None, {**faces, **one})
        np.testing.assert_allclose(edited[i], alone[0], atol=1e-5)


@pytest.mark.parametrize("change", [{"weighting": "none"}, {"projection": False}])
def test_parts_without_places(change: dict[str, Any]) -> None:
    model = trained(**change)
    editing = EditingSettings(residual=True, keep=0.5, harmony=0.5)
    editor = make_editor(model, model.weights, editing)
    for alpha in (0.0, 0.7):
        expected = editor.edit(SOURCES, TARGETS, 0, alpha)
        inputs = {"source": SOURCES, "target": TARGETS, **asked(0, alpha, 0.5, 0.5)}
        (edited,) = session(model, "edit").run(None, inputs)
        np.testing.assert_allclose(edited, expected, atol=tolerance(model))


def test_the_series_of_harmony_is_its_map() -> None:
    from lwpipe.export.onnx_edit import harmony_series

    harmony = Harmony.of(MODEL.projections, MODEL.linear_path)
    series = harmony_series(harmony)
    random = np.random.default_rng(1)
    for rho in (0.0, 0.3, 1.0):
        source = random.normal(size=(1, MODEL.latent_size))
        other = random.normal(size=source.shape)
        other -= source * (other @ source.T) / (source @ source.T)
        other *= np.linalg.norm(source) / np.linalg.norm(other)
        target = rho * source + np.sqrt(1 - rho**2) * other
        pair = np.concatenate([source, target], axis=1)
        terms = np.cos(np.arange(series.shape[1]) * np.arccos(2 * rho - 1))
        for part in range(3):
            made = pair @ np.tensordot(terms, series[part], 1)
            whole = source + harmony.changes(source, {part: target})[part]
            np.testing.assert_allclose(made, whole, atol=1e-6)


def test_the_mean_face_may_take_part() -> None:
    mean = np.repeat(MODEL.template[None], 4, axis=0)
    inputs = {"source": mean, "target": TARGETS, **asked(1, 1, 0, 1)}
    (edited,) = session(MODEL, "edit").run(None, inputs)
    assert np.isfinite(edited).all()


def test_the_file_says_what_it_is(run: Path, tmp_path: Path) -> None:
    import onnx

    for name in "ab":
        words = ["export", "onnx", str(run), "--output", str(tmp_path / f"{name}.onnx")]
        assert main(words) == 0
    content = (tmp_path / "a.onnx").read_bytes()
    assert content == (tmp_path / "b.onnx").read_bytes()
    proto = onnx.load_from_string(content)
    told = {entry.key: entry.value for entry in proto.metadata_props}
    assert told["units"] == "mm"
    assert json.loads(told["part_names"]) == ["part 0", "nose", "part 2"]
    assert set(json.loads(told["dials"])) == {"part", "alpha", "keep", "harmony"}
    digest = hashlib.sha256(MODEL.template.tobytes() + MODEL.triangles.tobytes())
    assert told["template_sha256"] == digest.hexdigest()
    shape = proto.graph.input[0].type.tensor_type.shape.dim
    assert [shape[0].dim_param, shape[1].dim_value] == ["batch", MODEL.vertex_count]
    onnx.checker.check_model(proto, full_check=True)


def test_without_the_extra_it_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(LwpipeError, match=r"^the package onnx is missing: install it"):
        write_onnx(MODEL, tmp_path / "a.onnx")
    assert list(tmp_path.iterdir()) == []


def example(language: str) -> str:
    text = DOCUMENT.read_text(encoding="utf-8")
    (found,) = re.findall(rf"^```{language}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    return str(found)


@pytest.fixture
def folder(run: Path, tmp_path: Path) -> Path:
    """A folder with what the examples read."""
    assert main(["export", "onnx", str(run), "--output", str(tmp_path / "face.onnx")]) == 0
    np.save(tmp_path / "faces.npy", np.stack([SOURCES[1], TARGETS[1]]))
    return tmp_path


def test_the_example_in_python(folder: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", example("python")],
        cwd=folder, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == ["part 0", "nose", "part 2"]
    kept = EditingSettings(residual=True, keep=1)
    editor = make_editor(MODEL, MODEL.weights, kept)
    for part in range(3):
        expected = editor.edit(SOURCES[1:2], TARGETS[1:2], part, 1.0)[0]
        edited = np.load(folder / f"edited_{part}.npy")
        np.testing.assert_allclose(edited, expected, atol=tolerance(MODEL))


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder, and says nothing."""

    extensions_map: ClassVar[dict[str, str]] = {
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
        ".html": "text/html",
        "": "application/octet-stream",
    }

    def log_message(self, *words: object) -> None:
        pass


@pytest.fixture
def address(folder: Path) -> Iterator[str]:
    (folder / "ort").symlink_to(NODE_FOLDER / "node_modules/onnxruntime-web/dist")
    (folder / "example.mjs").write_text(example("js"), encoding="utf-8")
    (folder / "index.html").write_text(
        "<!DOCTYPE html><link rel='icon' href='data:,'><script type='module'>"
        "import { edit } from './example.mjs'; window.edit = edit;</script>"
    )
    with http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(Quiet, directory=str(folder))
    ) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/index.html"
        server.shutdown()
        thread.join()


@needs_browser
@needs_node("onnxruntime-web")
def test_the_example_in_a_browser(address: str) -> None:
    source, target = (face.reshape(-1).tolist() for face in (SOURCES[1], TARGETS[1]))
    with opened(address, offline=False) as page:
        page.wait_for_function("!!window.edit", timeout=120_000)
        call = (
            "async ([s, t, part, dials]) => Array.from(await edit("
            "Float32Array.from(s), Float32Array.from(t), part, dials))"
        )
        for part, alpha, keep, harmony in ((1, 1.0, 1.0, 0.0), (2, 0.6, 0.2, 0.8)):
            dials = {"alpha": alpha, "keep": keep, "harmony": harmony}
            edited = page.evaluate(call, [source, target, part, dials])
            editing = EditingSettings(residual=True, keep=keep, harmony=harmony)
            editor = make_editor(MODEL, MODEL.weights, editing)
            expected = editor.edit(SOURCES[1:2], TARGETS[1:2], part, alpha)[0]
            np.testing.assert_allclose(
                np.array(edited).reshape(-1, 3), expected, atol=tolerance(MODEL)
            )
