"""Rendered faces."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from types import SimpleNamespace

import numpy as np
import pytest

from lwpipe.core.errors import LwpipeError
from lwpipe.figures import render
from lwpipe.figures.render import FaceRenderer
from lwpipe.figures.style import map_colors
from tests.helpers.pictures import bump, covered

RED, BLUE = np.array([255, 0, 0], np.uint8), np.array([0, 0, 255], np.uint8)


def reddish(picture: np.ndarray) -> np.ndarray:
    return covered(picture) & (picture[:, :, 0] > picture[:, :, 2].astype(int) + 40)


def paint(mask: np.ndarray) -> np.ndarray:
    return np.where(mask[:, None], RED, BLUE)


def test_picture_fits_the_mesh_on_white_and_is_the_same_again():
    vertices, triangles = bump()
    pictures = []
    for _ in range(2):
        with FaceRenderer(triangles, vertices, 120) as renderer:
            renderer.render(vertices[:, [1, 0, 2]])
            pictures.append(renderer.render(vertices))
    picture = pictures[0]
    assert picture.dtype == np.uint8
    assert picture.shape == (120, round(120 * 132 / 220), 3)
    assert picture.tobytes() == pictures[1].tobytes()
    rows, columns = np.flatnonzero(covered(picture).any(1)), np.flatnonzero(covered(picture).any(0))
    assert (picture[0] == 255).all()
    assert (picture[:, 0] == 255).all()
    assert len(rows) == pytest.approx(120 / 1.06, abs=2)
    assert len(columns) == pytest.approx(72 / 1.06, abs=3)
    # Shaded, not flat.
    assert len(np.unique(picture[covered(picture)], axis=0)) > 50


def test_camera_looks_along_minus_z_with_y_up():
    vertices, triangles = bump()
    with FaceRenderer(triangles, vertices, 90) as renderer:
        up = reddish(renderer.render(vertices, paint(vertices[:, 1] > 0)))
        right = reddish(renderer.render(vertices, paint(vertices[:, 0] > 0)))
    assert up[:40].any()
    assert not up[50:].any()
    assert right[:, 30:].any()
    assert not right[:, :24].any()


def test_nearer_surface_hides_the_farther():
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]])
    vertices = np.vstack([np.c_[square, np.zeros(4)], np.c_[square, np.ones(4)]])
    triangles = [[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]]
    colors = paint(np.arange(8) >= 4)
    with FaceRenderer(triangles, vertices, 40) as renderer:
        assert reddish(renderer.render(vertices, colors))[5:35, 5:35].all()
    with FaceRenderer(triangles, vertices, 40, azimuth=180) as renderer:
        assert not reddish(renderer.render(vertices, colors)).any()


def test_azimuth_turns_to_plus_x_and_elevation_to_plus_y():
    x = np.array([[1, -1, -1], [1, 1, -1], [1, 1, 1], [1, -1, 1.0]])
    for axis, view in ((0, {"azimuth": 60}), (1, {"elevation": 60})):
        sides = []
        for sign in (1, -1):
            side = np.roll(x, axis, axis=1).copy()
            side[:, axis] *= sign
            sides.append(side)
        vertices = np.vstack(sides)
        triangles = [[0, 1, 2], [0, 2, 3], [4, 5, 6], [4, 6, 7]]
        with FaceRenderer(triangles, vertices, (60, 60), **view) as renderer:
            picture = renderer.render(vertices, paint(np.arange(8) < 4))
        # The side towards the camera hides most of the other.
        red = reddish(picture).sum()
        assert red > 0.6 * covered(picture).sum()


def test_one_scale_for_all_meshes():
    vertices, triangles = bump()
    with FaceRenderer(triangles, np.stack([vertices, 1.5 * vertices]), 150) as renderer:
        small = covered(renderer.render(vertices)).any(axis=1).sum()
        large = covered(renderer.render(1.5 * vertices)).any(axis=1).sum()
    assert large / small == pytest.approx(1.5, rel=0.02)


def test_map_shows_its_colours():
    vertices, triangles = bump()
    with FaceRenderer(triangles, vertices, 90) as renderer:
        low, high = (
            renderer.render(vertices, map_colors(np.full(len(vertices), value), "viridis"))
            for value in (0.0, 1.0)
        )
    middle = np.s_[40:50, 22:32]
    assert high[middle].astype(int).sum() > 2 * low[middle].astype(int).sum()
    expected = np.array([253, 231, 37]) / 253
    seen = high[middle].reshape(-1, 3).mean(axis=0)
    np.testing.assert_allclose(seen / seen[0], expected, atol=0.02)


def test_winding_does_not_matter():
    vertices, triangles = bump()
    pictures = []
    for order in (triangles, triangles[:, ::-1]):
        with FaceRenderer(order, vertices, 80) as renderer:
            pictures.append(renderer.render(vertices).astype(int))
    assert np.abs(pictures[0] - pictures[1]).mean() < 1.0


def test_isolated_vertices_and_degenerate_triangles_do_no_harm():
    vertices, triangles = bump()
    far = np.vstack([vertices, [[1e6, 0, 0]]])
    with FaceRenderer(triangles, vertices, 60) as renderer:
        plain = renderer.render(vertices)
    with FaceRenderer(np.vstack([triangles, [[0, 0, 1]]]), far, 60) as renderer:
        assert renderer.render(far).shape == plain.shape
        np.testing.assert_allclose(renderer.render(far).astype(int), plain, atol=3)


def test_slim_objects_keep_a_usable_picture():
    vertices = np.array([[0, 0, 0], [0.001, 0, 0], [0, 10, 0.0]])
    with FaceRenderer([[0, 1, 2]], vertices, 80) as renderer:
        assert renderer.render(vertices).shape == (80, 20, 3)


def test_wrong_shapes_are_named():
    vertices, triangles = bump()
    with FaceRenderer(triangles, vertices, 40) as renderer:
        with pytest.raises(ValueError, match="vertices"):
            renderer.render(vertices[:-1])
        with pytest.raises(ValueError, match="colors"):
            renderer.render(vertices, paint(np.ones(3, bool)))


def test_shrinking_averages():
    block = np.zeros((6, 3, 3), np.uint8)
    block[0, 0] = 90
    block[3:] = 7
    np.testing.assert_array_equal(render._shrink(block)[:, 0, 0], [10, 7])


def test_no_display_no_words():
    code = (
        "from lwpipe.figures.render import FaceRenderer\n"
        "v = [[0, 0, 0], [1, 0, 0], [0, 1, 0]]\n"
        "with FaceRenderer([[0, 1, 2]], v, 32) as r:\n"
        "    assert (r.render(v) < 255).any()\n"
    )
    environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code], env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_machine_without_opengl_is_told_so(monkeypatch):
    def missing(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", missing)
    monkeypatch.setattr(sys, "platform", "linux")
    window = SimpleNamespace(GetClassName=lambda: "vtkOSOpenGLRenderWindow")
    with pytest.raises(LwpipeError, match="libegl1"):
        render._check_window(window)
    render._check_window(SimpleNamespace(GetClassName=lambda: "vtkEGLRenderWindow"))
