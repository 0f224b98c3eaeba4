from __future__ import annotations

import contextlib
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import trimesh
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lwpipe.core.errors import LwpipeError
from lwpipe.data.store import DatasetWriter
from lwpipe.mesh.topology import adjacency, edges, triangle_normals
from lwpipe.template import Pyramid, build_pyramid, make_template, scaled_laplacian
from lwpipe.template.decimate import boundary_vertices, components, vertex_normals
from lwpipe.template.settings import TemplateSettings


def grid(rows, columns, seed=None, bump=0.3):
    y, x = np.mgrid[0:rows, 0:columns].astype(float)
    vertices = np.stack([x, y, bump * rows * np.cos(x / columns * 3) * np.cos(y / rows * 3)], -1)
    if seed is not None:
        vertices += np.random.default_rng(seed).uniform(-0.2, 0.2, vertices.shape)
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    lower = np.stack([a, b, c], -1).reshape(-1, 3)
    upper = np.stack([d, c, b], -1).reshape(-1, 3)
    return vertices.reshape(-1, 3), np.concatenate([lower, upper])


def join(*meshes):
    vertices, triangles, offset = [], [], 0
    for points, corners in meshes:
        vertices.append(np.asarray(points, float))
        triangles.append(np.asarray(corners, int).reshape(-1, 3) + offset)
        offset += len(points)
    return np.concatenate(vertices), np.concatenate(triangles)


def assert_sound(pyramid):
    """What must hold of any pyramid, whatever the mesh."""
    for level, (keep, up) in enumerate(zip(pyramid.keep, pyramid.up, strict=True)):
        fine, coarse = pyramid.vertices[level], pyramid.vertices[level + 1]
        assert len(coarse) < len(fine)
        assert np.all(np.diff(keep) > 0)
        np.testing.assert_array_equal(coarse, fine[keep])

        assert up.shape == (len(fine), len(coarse))
        assert up.dtype == np.float32
        assert up.has_sorted_indices
        assert up.data.min() > 0
        assert np.diff(up.indptr).max() <= 3
        np.testing.assert_allclose(up.sum(axis=1), 1.0, atol=1e-6)
        kept = up[keep].toarray()
        np.testing.assert_array_equal(kept, np.eye(len(keep), dtype=np.float32))

        triangles = pyramid.triangles[level + 1]
        corners = np.sort(triangles, axis=1)
        assert (np.diff(corners, axis=1) > 0).all()
        assert len(np.unique(corners, axis=0)) == len(corners)

        label = components(pyramid.triangles[level], len(fine))
        assert set(label[keep]) == set(label)
        entries = up.tocoo()
        np.testing.assert_array_equal(label[entries.row], label[keep][entries.col])
    for level, laplacian in enumerate(pyramid.laplacian):
        count = len(pyramid.vertices[level])
        assert laplacian.shape == (count, count)
        assert laplacian.dtype == np.float32
        assert laplacian.has_sorted_indices
        assert np.isfinite(laplacian.data).all()
        assert abs(laplacian - laplacian.T).max() < 1e-6
        lonely = np.setdiff1d(np.arange(count), edges(pyramid.triangles[level]))
        assert np.diff(laplacian.indptr)[lonely].sum() == 0


def test_levels_have_the_wanted_number_of_vertices():
    vertices, triangles = grid(40, 40, seed=1)
    pyramid = build_pyramid(vertices, triangles, [4, 4, 4])
    assert [len(v) for v in pyramid.vertices] == [1600, 400, 100, 25]
    assert pyramid.levels == 3
    assert_sound(pyramid)


def test_factors_may_differ_and_need_not_divide():
    vertices, triangles = grid(25, 29, seed=2)
    pyramid = build_pyramid(vertices, triangles, [2, 3, 7])
    assert [len(v) for v in pyramid.vertices] == [725, 363, 121, 18]
    assert_sound(pyramid)


def test_closed_surface_stays_close_and_does_not_turn_over():
    sphere = trimesh.creation.icosphere(subdivisions=4, radius=100.0)
    pyramid = build_pyramid(sphere.vertices, sphere.faces, [4, 4])
    assert_sound(pyramid)
    for level in (1, 2):
        centres = pyramid.vertices[level][pyramid.triangles[level]].mean(axis=1)
        normals = triangle_normals(pyramid.vertices[level], pyramid.triangles[level])
        assert ((centres * normals).sum(axis=1) > 0).mean() > 0.995
    back = pyramid.up[0] @ pyramid.up[1] @ pyramid.vertices[2]
    assert np.linalg.norm(back - pyramid.vertices[0], axis=1).max() < 6.0
    row = pyramid.table()[1]
    assert row["boundary_vertices"] == 0
    assert row["components"] == 1
    assert row["vertices"] - row["edges"] + row["triangles"] == 2


def test_upsampling_is_exact_on_a_plane():
    vertices, triangles = grid(30, 30, bump=0.0)
    pyramid = build_pyramid(vertices, triangles, [4, 4])
    assert_sound(pyramid)
    field = vertices @ [0.3, -0.7, 0.0] + 2.0
    coarse = field[pyramid.keep[0]][pyramid.keep[1]]
    inside = np.abs(pyramid.up[0] @ pyramid.up[1] @ pyramid.vertices[2] - vertices).max(axis=1)
    restored = pyramid.up[0] @ (pyramid.up[1] @ coarse)
    np.testing.assert_allclose(restored[inside < 1e-5], field[inside < 1e-5], atol=1e-4)
    assert (inside < 1e-5).mean() > 0.8


def test_an_open_boundary_stays_open_and_on_the_boundary():
    vertices, triangles = grid(40, 40)
    pyramid = build_pyramid(vertices, triangles, [4, 4])
    on_edge = (vertices[:, :2] == 0).any(1) | (vertices[:, :2] == 39).any(1)
    kept = np.arange(len(vertices))
    for level in (1, 2):
        kept = kept[pyramid.keep[level - 1]]
        boundary = boundary_vertices(pyramid.triangles[level], len(kept))
        assert boundary.any()
        assert on_edge[kept[boundary]].mean() > 0.95


def test_components_do_not_mix_even_where_they_touch():
    low, high = grid(20, 20, bump=0.0), grid(20, 20, bump=0.0)
    vertices, triangles = join(low, (high[0] + [0, 0, 1e-6], high[1]))
    pyramid = build_pyramid(vertices, triangles, [4, 4])
    assert_sound(pyramid)
    assert [row["components"] for row in pyramid.table()] == [2, 2, 2]


def test_isolated_vertices_are_kept_at_every_level():
    vertices, triangles = join((np.full((1, 3), 500.0), []), grid(20, 20), ([[9.0, 9, 9]], []))
    pyramid = build_pyramid(vertices, triangles, [4, 4])
    assert_sound(pyramid)
    for keep, mesh in zip(pyramid.keep, pyramid.vertices, strict=False):
        assert {0, len(mesh) - 1} <= set(keep.tolist())
    assert [len(v) for v in pyramid.vertices] == [402, 101, 26]
    assert np.diff(pyramid.laplacian[2].indptr)[[0, -1]].tolist() == [0, 0]


def test_tiny_components_do_not_vanish():
    triangle = (np.eye(3), [[0, 1, 2]])
    corners = [[0, 2, 1], [0, 1, 3], [1, 2, 3], [2, 0, 3]]
    tetrahedron = ([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1]], corners)
    vertices, triangles = join(grid(20, 20), triangle, triangle, tetrahedron)
    pyramid = build_pyramid(vertices, triangles, [4, 4])
    assert_sound(pyramid)
    assert pyramid.table()[-1]["components"] >= 4


def test_isometric_units_give_the_same_selection():
    vertices, triangles = grid(30, 30, seed=3)
    millimetres = build_pyramid(vertices, triangles, [4, 4])
    for scale in (1e-3, 1024.0):
        other = build_pyramid(vertices * scale, triangles, [4, 4])
        same = [np.isin(a, b).mean() for a, b in zip(millimetres.keep, other.keep, strict=True)]
        assert min(same) > 0.99


@pytest.mark.parametrize(
    "fault", ["fin", "bowtie", "winding", "moebius", "repeated", "degenerate", "coincident"]
)
def test_faulty_meshes_are_reduced_all_the_same(fault):
    vertices, triangles = grid(20, 20, seed=4)
    if fault == "fin":
        vertices = np.concatenate([vertices, [[10.0, 10.0, 30.0]]])
        triangles = np.concatenate([triangles, [[210, 211, 400]]])
    elif fault == "bowtie":
        other = grid(20, 20, seed=5)
        vertices, triangles = join((vertices, triangles), other)
        triangles[triangles == 400 + 0] = 399
    elif fault == "winding":
        flip = np.random.default_rng(0).random(len(triangles)) < 0.5
        triangles[flip] = triangles[flip][:, ::-1]
    elif fault == "moebius":
        angle = np.linspace(0, 2 * np.pi, 60, endpoint=False)
        across = np.linspace(-1, 1, 8)
        a, s = np.meshgrid(angle, across, indexing="ij")
        radius = 5 + s * np.cos(a / 2)
        vertices = np.stack([radius * np.cos(a), radius * np.sin(a), s * np.sin(a / 2)], -1)
        index = np.arange(480).reshape(60, 8)
        index = np.concatenate([index, index[:1, ::-1]])
        p, q, r, t = index[:-1, :-1], index[1:, :-1], index[:-1, 1:], index[1:, 1:]
        triangles = np.concatenate(
            [np.stack([p, q, r], -1).reshape(-1, 3), np.stack([t, r, q], -1).reshape(-1, 3)]
        )
        vertices = vertices.reshape(-1, 3)
    elif fault == "repeated":
        triangles = np.concatenate([triangles, triangles[:50], triangles[50:90, ::-1]])
    elif fault == "degenerate":
        triangles = np.concatenate([triangles, [[3, 3, 9], [7, 7, 7]]])
    else:
        vertices[100:110] = vertices[100]
    pyramid = build_pyramid(vertices, triangles, [4, 4])
    assert_sound(pyramid)
    assert len(pyramid.vertices[1]) <= 1.3 * len(vertices) / 4


@st.composite
def meshes(draw):
    seed = draw(st.integers(0, 2**32 - 1))
    generator = np.random.default_rng(seed)
    pieces = []
    for _ in range(draw(st.integers(1, 3))):
        rows, columns = draw(st.integers(4, 14)), draw(st.integers(4, 14))
        points, corners = grid(rows, columns, seed=draw(st.integers(0, 1000)))
        corners = corners[generator.random(len(corners)) > draw(st.sampled_from([0.0, 0.1, 0.4]))]
        pieces.append((points + generator.uniform(-20, 20, 3), corners))
    lonely = draw(st.integers(0, 4))
    pieces.append((generator.uniform(-30, 30, (lonely, 3)), []))
    vertices, triangles = join(*pieces)
    flip = generator.random(len(triangles)) < draw(st.sampled_from([0.0, 0.0, 0.3]))
    triangles[flip] = triangles[flip][:, ::-1]
    order = generator.permutation(len(vertices))
    return vertices[np.argsort(order)], order[triangles]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(meshes(), st.lists(st.integers(2, 5), min_size=1, max_size=3))
def test_any_mesh_gives_a_sound_pyramid_or_a_sentence(mesh, factors):
    with contextlib.suppress(LwpipeError):
        assert_sound(build_pyramid(*mesh, factors))


def test_laplacian_is_the_scaled_normalised_one():
    vertices, triangles = grid(6, 7)
    count = len(vertices) + 1
    laplacian = scaled_laplacian(triangles, count).toarray()
    graph = adjacency(triangles, count).toarray()
    degree = graph.sum(1)
    normalised = np.eye(count - 1) - graph[:-1, :-1] / np.sqrt(np.outer(degree, degree)[:-1, :-1])
    np.testing.assert_allclose(laplacian[:-1, :-1], normalised - np.eye(count - 1), atol=1e-6)
    assert not laplacian[-1].any()
    values = np.linalg.eigvalsh(laplacian.astype(float))
    assert values.min() >= -1 - 1e-6
    assert values.max() <= 1 + 1e-6


def test_a_file_brings_the_same_pyramid_back_and_the_same_bytes(tmp_path):
    vertices, triangles = grid(20, 20, seed=6)
    pyramid = build_pyramid(vertices, triangles, [4, 4])
    pyramid.save(tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "a.npz") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    build_pyramid(vertices, triangles, [4, 4]).save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    loaded = Pyramid.load(tmp_path / "a.npz")
    for name in ("vertices", "triangles", "keep"):
        for one, other in zip(getattr(pyramid, name), getattr(loaded, name), strict=True):
            np.testing.assert_array_equal(one, other)
    for name in ("up", "laplacian"):
        for one, other in zip(getattr(pyramid, name), getattr(loaded, name), strict=True):
            assert (one != other).nnz == 0
    again = Pyramid.from_arrays(pyramid.to_arrays())
    assert again.table() == pyramid.table()


def test_bad_files_are_named(tmp_path):
    with pytest.raises(LwpipeError, match=r"missing\.npz"):
        Pyramid.load(tmp_path / "missing.npz")
    (tmp_path / "text.npz").write_text("no archive")
    with pytest.raises(LwpipeError, match=r"text\.npz"):
        Pyramid.load(tmp_path / "text.npz")
    arrays = build_pyramid(*grid(10, 10), [4]).to_arrays()
    np.savez(tmp_path / "pickled.npz", vertices_0=np.array([{}], dtype=object))
    np.savez(tmp_path / "none.npz", a=np.zeros(3))
    np.savez(tmp_path / "lacks.npz", **{k: v for k, v in arrays.items() if k != "keep_0"})
    np.savez(tmp_path / "keep.npz", **{**arrays, "keep_0": arrays["keep_0"] + 1000})
    np.savez(tmp_path / "tri.npz", **{**arrays, "triangles_1": arrays["triangles_1"] + 1000})
    np.savez(tmp_path / "up.npz", **{**arrays, "up_0_indices": arrays["up_0_indices"] + 1000})
    for name in ("pickled", "none", "lacks", "keep", "tri", "up"):
        with pytest.raises(LwpipeError, match=rf"{name}\.npz"):
            Pyramid.load(tmp_path / f"{name}.npz")


def test_impossible_reductions_are_one_sentence():
    vertices, triangles = grid(10, 10)
    with pytest.raises(LwpipeError, match=r"template\.factors.*\[4, 4, 4, 4\].*level 3"):
        build_pyramid(vertices, triangles, [4, 4, 4, 4])
    lone = [(np.eye(3) + i, [[0, 1, 2]]) for i in range(20)]
    with pytest.raises(LwpipeError, match=r"template\.factors.*component"):
        build_pyramid(*join(*lone), [4])
    with pytest.raises(LwpipeError, match="no triangle"):
        build_pyramid(vertices, np.empty((0, 3), int), [4])
    with pytest.raises(LwpipeError, match="do not exist"):
        build_pyramid(vertices, triangles + 1, [4])
    vertices[5, 1] = np.nan
    with pytest.raises(LwpipeError, match="not finite"):
        build_pyramid(vertices, triangles, [4])


def test_the_stage_reads_a_data_set_and_writes_the_same_files_again(tmp_path):
    vertices, triangles = grid(20, 20)
    with DatasetWriter(tmp_path / "data", 3, triangles, len(vertices)) as writer:
        for row in range(3):
            writer[row] = vertices + row
        blank = {"subject": "", "expression": "", "source": ""}
        splits = ["test", "train", "train"]
        faces = [{"id": str(i), "split": split, **blank} for i, split in enumerate(splits)]
        writer.close(faces, {"source": "test"})
    factors = TemplateSettings(factors=[4, 4])
    written = []
    for name in ("one", "two"):
        folder = tmp_path / name
        pyramid = make_template(
            tmp_path / "data", folder / "pyramid.npz", folder / "pyramid.csv", factors
        )
        written.append([(folder / f).read_bytes() for f in ("pyramid.npz", "pyramid.csv")])
    assert written[0] == written[1]
    np.testing.assert_allclose(pyramid.vertices[0], vertices + 1.5, atol=1e-5)
    lines = written[0][1].decode().splitlines()
    assert lines[0] == "level,vertices,triangles,edges,boundary_vertices,components"
    assert lines[1] == "0,400,722,1121,76,1"
    assert len(lines) == 4


def test_another_process_builds_the_same_pyramid(tmp_path):
    vertices, triangles = grid(20, 20, seed=7)
    np.savez(tmp_path / "mesh.npz", v=vertices, t=triangles)
    code = (
        "import numpy as np; from lwpipe.template import build_pyramid\n"
        "with np.load('mesh.npz') as mesh: pyramid = build_pyramid(mesh['v'], mesh['t'], [4, 4])\n"
        "pyramid.save('a.npz')"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
    build_pyramid(vertices, triangles, [4, 4]).save(tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_few_triangles_turn_over_on_a_rough_surface():
    vertices, triangles = grid(60, 60, seed=8)
    pyramid = build_pyramid(vertices, triangles, [4, 4])
    for level in (1, 2):
        reference = vertex_normals(pyramid.vertices[level - 1], pyramid.triangles[level - 1])
        reference = reference[pyramid.keep[level - 1]][pyramid.triangles[level]].sum(axis=1)
        normals = triangle_normals(pyramid.vertices[level], pyramid.triangles[level])
        assert ((normals * reference).sum(axis=1) <= 0).mean() < 0.01
