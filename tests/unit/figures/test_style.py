"""Colours, names and labels of pictures."""

from __future__ import annotations

import numpy as np
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from lwpipe.evaluation.baselines import BASELINES
from lwpipe.figures import style
from lwpipe.figures.labels import place_labels
from lwpipe.figures.style import blend_parts, map_colors, new_figure, part_palette, shorten


def test_map_colors_keeps_to_its_limits():
    colors = map_colors([-1.0, 2.0, 4.0, 9.0], "gray", (2.0, 4.0))
    np.testing.assert_array_equal(colors[:, 0], [0, 0, 255, 255])
    assert map_colors([1.0], "gray", (1.0, 1.0)).shape == (1, 3)


def test_parts_have_different_colours_and_blend():
    palette = part_palette(64)
    assert len(np.unique(palette.round(3), axis=0)) == 64
    assert ((palette >= 0) & (palette <= 1)).all()
    pure = np.rint(255 * palette[:4])
    np.testing.assert_array_equal(blend_parts(np.eye(4)), pure)
    np.testing.assert_allclose(blend_parts([[0.5, 0.5, 0, 0]])[0], pure[:2].mean(0), atol=1)


def test_shorten():
    assert shorten("face_1", 6) == "face_1"
    assert shorten("abcdefghij", 5) == "ab\N{HORIZONTAL ELLIPSIS}ij"
    assert len(shorten("a" * 99, 20)) == 20


def test_labels_do_not_overlap():
    figure = new_figure(5, 4, 100)
    axes = figure.add_axes((0.1, 0.1, 0.85, 0.85))
    random = np.random.default_rng(3)
    points = [*(random.normal(size=(7, 2)) * 0.04 + 0.5), *random.random((5, 2))]
    axes.set_xlim(-0.1, 1.3)
    axes.set_ylim(-0.1, 1.1)
    place_labels(axes, points, [f"some variant {i}" for i in range(len(points))])
    figure.canvas.draw()
    # Of an annotation, its own extent counts the leader too.
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    frame = axes.get_window_extent()
    for i, box in enumerate(boxes):
        assert frame.x0 <= box.x0
        assert box.x1 <= frame.x1
        for other in boxes[i + 1 :]:
            assert Bbox.intersection(box, other) is None


def test_every_rival_has_a_name_in_pictures() -> None:
    unnamed = [each.name for each in BASELINES if each.name not in style._BASELINES]
    assert unnamed == []
    given_back = {"pca", "kernel_pca", "region_pca"}
    assert given_back < {each.name for each in BASELINES}
    for name in given_back:
        shown = style.display_name(f"{name}_reconstruction")
        assert shown == f"{style.display_name(name)}, faces given back"
