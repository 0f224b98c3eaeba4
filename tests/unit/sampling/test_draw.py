"""Faces that are drawn: whole ones, parts given the rest, and the file of the prior."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import lwpipe
from lwpipe.core.errors import LwpipeError
from lwpipe.editing import EditingSettings, LinearModel, Pca
from lwpipe.sampling import (
    PriorSettings,
    fit_prior,
    load_prior,
    main_directions,
    sample,
    sample_part,
    save_prior,
    traverse,
)
from tests.unit.editing.test_keeping import MODEL, WEIGHTS, bits
from tests.unit.model.test_base import faces_of

FACES = faces_of(60)
ROWS = np.arange(len(FACES))
PRIOR = fit_prior(MODEL, FACES, ROWS)
FACE = FACES[0].copy()
FACE[:3] = -0.0


def test_equal_seeds_give_equal_faces() -> None:
    first, again, other = (sample(MODEL, PRIOR, 3, seed) for seed in (5, 5, 6))
    assert first.dtype == np.float32
    assert first.shape == (3, MODEL.vertex_count, 3)
    np.testing.assert_array_equal(bits(first), bits(again))
    assert np.abs(first - other).max() > 0.1


def test_samples_of_a_linear_model_are_distributed_as_the_faces() -> None:
    """Codes and details together hold all of the variance, wherever it is."""
    pca = Pca.fit(FACES, ROWS, 5)
    linear = LinearModel(WEIGHTS, pca, MODEL.triangles)
    prior = fit_prior(linear, FACES, ROWS, PriorSettings(prior="gaussian"))
    drawn = sample(linear, prior, 4000, 1)
    away = np.abs(drawn.mean(axis=0) - FACES.mean(axis=0))
    assert (away < 5 * FACES.std(axis=0) / np.sqrt(4000) + 1e-3).all()
    plain = FACES.var(axis=0).sum()
    assert drawn.var(axis=0).sum() == pytest.approx(plain, rel=0.05)
    # Without the detail it is what the components hold.
    bare = fit_prior(linear, FACES, ROWS, PriorSettings(prior="gaussian", detail=0))
    held = float((pca.deviation**2).sum())
    assert held < 0.99 * plain
    assert sample(linear, bare, 4000, 1).var(axis=0).sum() == pytest.approx(held, rel=0.05)


def test_a_standard_prior_is_what_a_variational_encoder_is_trained_towards() -> None:
    prior = fit_prior(MODEL, FACES, ROWS, PriorSettings(prior="standard"))
    assert prior.kind == "standard"
    z = prior.codes.draw(4000, np.random.default_rng(0))
    assert np.abs(z.mean(axis=0)).max() < 0.1
    np.testing.assert_allclose(np.cov(z.T), np.eye(MODEL.latent_size), atol=0.12)


def test_at_temperature_0_there_is_one_face() -> None:
    drawn = sample(MODEL, PRIOR, 3, 1, temperature=0.0)
    np.testing.assert_array_equal(drawn[0], drawn[1])


@pytest.mark.parametrize("harmony", [0.0, 1.0])
@pytest.mark.parametrize("given_rest", [True, False])
def test_nothing_moves_without_a_share_in_the_part(harmony: float, given_rest: bool) -> None:
    dials = EditingSettings(residual=True, keep=1.0, harmony=harmony)
    for part in range(MODEL.part_count):
        drawn = sample_part(MODEL, PRIOR, FACE, part, 4, 0, editing=dials, given_rest=given_rest)
        still = WEIGHTS[:, part] == 0
        assert still.any()
        np.testing.assert_array_equal(
            bits(drawn[:, still]), np.broadcast_to(bits(FACE[still]), drawn[:, still].shape)
        )
        assert np.abs(drawn - FACE)[:, WEIGHTS[:, part] > 0.5].max() > 0.01


def test_a_part_given_the_rest_varies_less_than_that_of_any_face() -> None:
    for part in range(MODEL.part_count):
        inside = WEIGHTS[:, part] > 0.5
        spreads = [
            sample_part(MODEL, PRIOR, FACE, part, 60, 0, given_rest=given)[:, inside].std(axis=0)
            for given in (True, False)
        ]
        assert spreads[0].mean() < spreads[1].mean()


def test_where_all_is_known_the_face_is_given_back() -> None:
    """With nearly no noise, and with the likeliest part, the rest tells what it can."""
    sure = replace(PRIOR, noise=1e-9)
    drawn = sample_part(MODEL, sure, FACE, 0, 2, 0, temperature=0.0)
    loose = sample_part(MODEL, replace(PRIOR, noise=1e9), FACE, 0, 2, 0, temperature=0.0)
    assert np.abs(drawn - FACE).max() < 0.2 * np.abs(loose - FACE).max()


def test_directions_go_from_what_moves_the_part_most() -> None:
    for part in range(MODEL.part_count):
        found = main_directions(PRIOR, part, 3)
        moved = np.einsum("ni,ij,nj->n", found, PRIOR.inside[part], found)
        assert (np.diff(moved) <= 1e-9 * moved[0]).all()
        faces = traverse(MODEL, PRIOR, FACE, part, 0, (-1.0, 0.0, 1.0))
        np.testing.assert_allclose(faces[1], FACE, atol=1e-3)
        away = np.abs(faces - FACE)[:, WEIGHTS[:, part] > 0.5].mean(axis=(1, 2))
        assert min(away[0], away[2]) > 10 * away[1]


def test_a_model_without_a_base_has_a_prior_too() -> None:
    from tests.unit.model.test_model import make_model as plain

    model = plain()
    faces = np.asarray(model.template + FACES[:20, :1, :1] * 0, np.float32)
    faces = faces + np.random.default_rng(0).normal(size=faces.shape).astype(np.float32)
    prior = fit_prior(model, faces, np.arange(20))
    assert prior.inside.shape == (model.part_count, model.latent_size, model.latent_size)
    assert np.isfinite(sample(model, prior, 2, 0)).all()


@pytest.mark.parametrize(
    ("words", "arguments"),
    [
        ("count 0", {"count": 0}),
        ("temperature -1", {"temperature": -1.0}),
        ("part 9", {"part": 9}),
        ("face", {"face": FACE[:5]}),
        ("another model", {"prior": replace(PRIOR, inside=PRIOR.inside[:1])}),
    ],
)
def test_what_is_out_of_range_is_refused(words: str, arguments: dict) -> None:
    with pytest.raises(ValueError, match=words):
        sample_part(**{"model": MODEL, "prior": PRIOR, "face": FACE, "part": 0} | arguments)


def test_there_are_as_many_directions_as_latent_numbers() -> None:
    with pytest.raises(ValueError, match="direction 99"):
        traverse(MODEL, PRIOR, FACE, 0, 99)


def test_the_file_gives_the_prior_back(tmp_path: Path) -> None:
    path = tmp_path / "prior.npz"
    save_prior(path, PRIOR)
    content = path.read_bytes()
    read = lwpipe.load_prior(path, MODEL)
    np.testing.assert_array_equal(
        bits(lwpipe.sample(MODEL, read, 2, 3)), bits(sample(MODEL, PRIOR, 2, 3))
    )
    save_prior(path, fit_prior(MODEL, FACES, ROWS))
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [
        ({"means": np.zeros((2, 2))}, "is no prior of a model"),
        ({"shares": -PRIOR.codes.shares}, "do not sum to 1"),
        ({"covariances": -PRIOR.codes.covariances}, "a variance is not above 0"),
        ({"noise": np.array(np.nan)}, "not finite"),
        ({"inside": PRIOR.inside[:1]}, "is the prior of a model of"),
        ({"detail_mean": PRIOR.detail.mean[:, :2]}, "is no prior of a model"),
        ({"kind": np.array([object()])}, "holds Python objects"),
    ],
)
def test_a_spoilt_file_is_refused(tmp_path: Path, spoilt: dict, words: str) -> None:
    path = tmp_path / "prior.npz"
    save_prior(path, PRIOR)
    with np.load(path) as file:
        arrays = dict(file)
    np.savez(path, **(arrays | spoilt))
    with pytest.raises(LwpipeError, match=words):
        load_prior(path, MODEL)
