"""Faces with an image by their UV map, and what Blender shows of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from lwpipe.data.make import make_dataset
from lwpipe.data.settings import DataSettings
from lwpipe.data.signals import joined
from lwpipe.data.sources.synthetic.grid import make_grid
from lwpipe.data.store import Dataset
from lwpipe.export.textured import image_edge, write_face
from lwpipe.mesh.texture import UvMap
from tests.helpers import programs
from tests.unit.export.conftest import mirrored

HELPERS = Path(programs.__file__).parent


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    settings = DataSettings.model_validate(
        {"faces": 4, "colors": True, "synthetic": {"vertices": 1500}}
    )
    return make_dataset(settings, tmp_path_factory.mktemp("painted"))


@pytest.fixture(scope="module")
def uv(data: Dataset) -> UvMap:
    """The canonical plane of the faces, where no two triangles overlap."""
    flat = make_grid(1500).points
    low, high = flat.min(axis=0), flat.max(axis=0)
    return UvMap(0.02 + 0.96 * (flat - low) / (high - low), data.triangles)


@programs.needs_blender
@pytest.mark.parametrize("suffix", ["glb", "obj"])
def test_blender_shows_the_colours_of_the_vertices(
    suffix: str, data: Dataset, uv: UvMap, tmp_path: Path
) -> None:
    file, answer = tmp_path / f"face.{suffix}", tmp_path / "face.json"
    write_face(file, joined(data.vertices[0], data.colors[0]), data.triangles, uv)
    programs.run_blender(HELPERS / "blender_skin.py", file, answer)
    found = json.loads(answer.read_text())
    assert found["node"] == "TEX_IMAGE"
    assert found["size"] == [image_edge(uv)] * 2 == [512, 512]
    # The image holds sRGB, and Blender takes it for that.
    assert found["color_space"] == "sRGB"
    points = np.array(found["vertices"])
    points = 1000 * mirrored(points) if suffix == "glb" else points
    np.testing.assert_allclose(points, data.vertices[0], atol=0.01)
    shown = 255 * np.array(found["colors"])
    apart = np.abs(shown - data.colors[0][found["corners"]])
    # A vertex lies up to half a texel beside the nearest one, and between the iris and the white of
    # an eye, a millimetre apart, that is some tenths of their difference.
    assert apart.mean() < 1
    assert np.quantile(apart, 0.95) < 5
    assert np.abs(data.colors[1][found["corners"]] - shown).mean() > 10


def test_an_image_has_four_texels_along_an_edge(uv: UvMap) -> None:
    corners = uv.uv[uv.corners]
    lengths = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2)
    assert (lengths * image_edge(uv) >= 4).mean() >= 0.95
    assert (lengths * image_edge(uv) / 2 >= 4).mean() < 0.95
    # A grid that fills its image: sixteen texels a vertex.
    side = 129
    index = np.arange(side * side).reshape(side, side)
    quads = (index[:-1, :-1], index[:-1, 1:], index[1:, :-1])
    rows, columns = np.divmod(index.reshape(-1), side)
    grid = UvMap(np.stack([columns, rows], 1) / (side - 1), np.stack(quads, -1).reshape(-1, 3))
    assert image_edge(grid) == 512
    for spread, expected in ((1e-9, 4096), (30.0, 256), (0.0, 256)):
        assert image_edge(UvMap(spread * grid.uv, grid.corners)) == expected
