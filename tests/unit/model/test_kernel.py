"""What the first components of a face tell of the further ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file, save_file

import lwpipe
from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import read_json, sha256, write_json
from lwpipe.editing import Pca, blend_part, mask_blend
from lwpipe.editing.base import fit_base, fit_kernel
from lwpipe.model import PartModel, save_model
from lwpipe.model.kernel import KernelRegression, distances
from lwpipe.model.part_model import standardisation
from lwpipe.model.settings import ModelSettings
from lwpipe.template import build_pyramid
from tests.unit.model.test_base import faces_of, local_weights
from tests.unit.model.test_model import bump

Z = 2


def curved(count: int, seed: int) -> np.ndarray:
    """Return faces of two numbers each, whose vertices go along curves, float32 (n, V, 3), mm."""
    vertices, _ = bump()
    fields = np.random.default_rng(0).normal(size=(6, *vertices.shape))
    s, t = np.random.default_rng(seed).uniform(-1, 1, (2, count))
    codes = np.stack([8 * s, 6 * t, 2 * s**2, 2 * s * t, 1.5 * t**3, np.sin(3 * s)], axis=1)
    return (vertices + np.einsum("nf,fvc->nvc", codes, fields)).astype(np.float32)


FACES, UNSEEN = curved(120, 1), curved(40, 2)
ROWS = np.arange(len(FACES))
BASE = fit_base(FACES, ROWS, ROWS, Z, None, curved=True)


def make_model(support: float = 0.0, **settings: object) -> PartModel:
    torch.manual_seed(0)
    vertices, triangles = bump()
    chosen = ModelSettings(latent_size=Z, channels=[4, 6], order=3, base="kernel", **settings)
    mean, scale = standardisation(FACES, ROWS, chosen.standardise)
    return PartModel(
        build_pyramid(vertices, triangles, [4, 4]), local_weights(support), mean, scale, chosen,
        components=BASE,
    )  # fmt: skip


def error(found: np.ndarray, faces: np.ndarray) -> float:
    return float(np.linalg.norm(found - faces, axis=2).mean())


@pytest.mark.parametrize("standardise", ["scalar", "vertex"])
@pytest.mark.parametrize("projection", [True, False])
def test_unseen_faces_on_the_curve_are_given_back(standardise: str, projection: bool) -> None:
    pca = Pca.fit(FACES, ROWS, Z)
    model = make_model(standardise=standardise, projection=projection)
    assert error(model.reconstruct(UNSEEN), UNSEEN) < 0.2 * error(pca.project(UNSEEN), UNSEEN)


def test_the_model_begins_as_the_regression() -> None:
    model = make_model()
    assert BASE.kernel is not None
    z = model.encode(UNSEEN)
    flat = z * BASE.deviation @ BASE.basis
    flat = flat + BASE.kernel.further(z).astype(np.float32) @ BASE.kernel.basis
    expected = model.average + flat.reshape(UNSEEN.shape)
    np.testing.assert_allclose(model.reconstruct(UNSEEN), expected, atol=1e-3)


def test_the_exchange_of_a_part_begins_as_the_blend_of_vertices() -> None:
    model = make_model(0.2)
    source, target = UNSEEN[:5], UNSEEN[5:10]
    parts = [model.parts(model.encode(faces)) for faces in (source, target)]
    for part in range(3):
        edited = model.decode(blend_part(*parts, part, 1.0))
        ends = model.reconstruct(source), model.reconstruct(target)
        expected = mask_blend(*ends, local_weights(0.2)[:, part])
        np.testing.assert_allclose(edited, expected, atol=1e-3)


@pytest.mark.parametrize("together", [1, 4])
def test_leaving_out_faces_is_what_the_closed_form_says(together: int) -> None:
    """The least error of all settings is that of fits without each group of faces in turn."""
    pca = Pca.fit(FACES[:40], np.arange(40))
    found = pca.coefficients(FACES[:40])
    z, further = found[:, :Z] / pca.deviation[:Z], found[:, Z:]
    groups = np.random.default_rng(0).permutation(40) // together
    kernel = KernelRegression.fit(z, further, pca.basis[Z:], groups)
    assert kernel is not None
    length = float(kernel.length[0])
    centers = z.astype(np.float32)
    gram = np.exp(-distances(centers, centers) / (2 * length**2))
    # The ridge is not stored: it is what the values were found with.
    ridge = np.linalg.lstsq(
        kernel.values.reshape(-1, 1), (further - gram @ kernel.values).reshape(-1), rcond=None
    )[0].item()
    wrong = 0.0
    for group in range(40 // together):
        held, others = np.flatnonzero(groups == group), np.flatnonzero(groups != group)
        system = gram[np.ix_(others, others)] + ridge * np.eye(len(others))
        told = gram[np.ix_(held, others)] @ np.linalg.solve(system, further[others])
        wrong += float(((told - further[held]) ** 2).sum())
    assert kernel.left == pytest.approx(wrong / (further**2).sum(), rel=0.02)


def test_what_frames_tell_of_their_neighbours_says_nothing_of_other_people() -> None:
    """Each person goes along a curve, and where that lies is each one's own."""
    vertices, _ = bump()
    random = np.random.default_rng(0)
    fields = random.normal(size=(6, *vertices.shape))
    people = np.repeat(np.arange(6), 20)
    angles = np.tile(np.linspace(0, 2, 20), 6)
    own = random.normal(size=(6, 4))
    curve = [4 * np.cos(angles), 4 * np.sin(angles)]
    codes = np.stack([*curve, *(3 * own[people, k] * np.sin(angles + k) for k in range(4))], axis=1)
    faces = (vertices + np.einsum("nf,fvc->nvc", codes, fields)).astype(np.float32)
    rows = np.arange(len(faces))
    each, persons = (
        fit_base(faces, rows, rows, 3, None, True, groups) for groups in (None, people.tolist())
    )
    assert each.kernel is not None
    assert persons.kernel is None


def test_where_nothing_is_told_it_is_the_principal_components() -> None:
    # Numbers of further components that have nothing to do with the first.
    faces = faces_of(60)
    rows = np.arange(60)
    plain, asked = (fit_base(faces, rows, rows, 4, None, curved=c) for c in (False, True))
    assert asked.kernel is None
    for name, array in plain.arrays.items():
        np.testing.assert_array_equal(asked.arrays[name], array)


def test_far_from_all_faces_nothing_is_added() -> None:
    assert BASE.kernel is not None
    assert np.abs(BASE.kernel.further(np.full((1, Z), 1e3))).max() == 0


def test_faces_that_do_not_differ_tell_nothing() -> None:
    same = np.repeat(FACES[:1], 10, axis=0)
    codes, further = np.zeros((10, Z)), np.ones((10, 3))
    assert KernelRegression.fit(codes, further, BASE.basis[:1]) is None
    assert KernelRegression.fit(codes + np.arange(10)[:, None], 0 * further, BASE.basis) is None
    pca = Pca.fit(FACES, ROWS, Z)
    assert fit_kernel(pca, same, np.arange(10), Z) is None


def test_gradients_pass_it() -> None:
    model = make_model()
    base = model.network.base
    assert base is not None
    parts = torch.randn(2, 3, Z, requires_grad=True)
    wanted = torch.randn(2, model.vertex_count, 3)
    (found,) = torch.autograd.grad((base.decode(parts) * wanted).sum(), parts)
    step = 1e-2
    direction = torch.randn_like(parts)
    with torch.no_grad():
        ahead, behind = ((base.decode(parts + s * direction) * wanted).sum() for s in (step, -step))
    slope = float((ahead - behind) / (2 * step))
    assert float((found * direction).sum()) == pytest.approx(slope, rel=0.02)


def test_it_is_saved_with_its_regression(tmp_path: Path) -> None:
    model = make_model()
    save_model(model, tmp_path, {"epochs": 1})
    again = lwpipe.load(tmp_path)
    np.testing.assert_array_equal(again.reconstruct(UNSEEN[:3]), model.reconstruct(UNSEEN[:3]))
    assert again.parameter_count == model.parameter_count
    path = tmp_path / "model.safetensors"
    arrays = load_file(path)

    def refused(changed: dict[str, np.ndarray], words: str) -> None:
        save_file(changed, path)
        about = read_json(tmp_path / "model.json")
        write_json(tmp_path / "model.json", {**about, "weights_sha256": sha256(path)})
        with pytest.raises(LwpipeError, match=words):
            lwpipe.load(tmp_path)

    values = arrays["base.kernel.values"]
    refused({**arrays, "base.kernel.values": values[:-1]}, r"base\.kernel\.centers")
    refused({**arrays, "base.kernel.values": values[:, :-1]}, r"base\.kernel\.basis")
    refused({**arrays, "base.kernel.values": values[0].copy()}, "kernel")
    refused({**arrays, "base.kernel.length": np.zeros(1, np.float32)}, "length")
    gone = {name: array for name, array in arrays.items() if name != "base.kernel.length"}
    refused(gone, r"base\.kernel\.length is missing")


def test_a_linear_model_has_no_regression(tmp_path: Path) -> None:
    model = make_model()
    save_model(model, tmp_path, {"epochs": 1})
    about = read_json(tmp_path / "model.json")
    about["model"]["base"] = "pca"
    write_json(tmp_path / "model.json", about)
    with pytest.raises(LwpipeError, match=r"base\.kernel"):
        lwpipe.load(tmp_path)
