"""Draw whole faces, and one part of a face given the rest."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lwpipe.core.threads import one_blas_thread
from lwpipe.editing import EditingSettings, KeepingEditor, make_editor
from lwpipe.editing.editors import Codes, Faces, PlacedModel
from lwpipe.editing.settings import KEEPING
from lwpipe.sampling.prior import Prior

Floats = npt.NDArray[np.float64]

_BATCH = 32


def sample(
    model: PlacedModel, prior: Prior, count: int = 1, seed: int = 0, temperature: float = 1.0
) -> Faces:
    """Draw whole faces.

    Parameters
    ----------
    model : a trained model, from `lwpipe.load`
    prior : of the model, from `lwpipe.load_prior`
    count : how many
    seed : equal seeds give equal faces
    temperature : factor of the deviations; 0 gives the mean face, below 1 faces are plainer

    Returns
    -------
    float32 (count, V, 3), mm

    Raises
    ------
    ValueError
        If a number is out of range, or the prior is of another model.
    """
    _check(model, prior, count, temperature)
    random = np.random.default_rng(seed)
    with one_blas_thread():
        z = prior.codes.draw(count, random, temperature).astype(np.float32)
        details = prior.detail.draw(count, random, temperature)
        return np.asarray(model.decode(model.parts(z)) + details, np.float32)


def sample_part(
    model: PlacedModel,
    prior: Prior,
    face: npt.ArrayLike,
    part: int,
    count: int = 1,
    seed: int = 0,
    temperature: float = 1.0,
    editing: EditingSettings | None = None,
    given_rest: bool = True,
) -> Faces:
    """Draw one part of a face, given the rest of it.

    z is drawn from the prior given what lies outside the part (`Prior.given_rest`); what the model
    does not hold of the face stays its own. The part of the face drawn is then put in as an edit
    puts in a target's, so that the dials mean the same.

    Parameters
    ----------
    model : a trained model, from `lwpipe.load`
    prior : of the model, from `lwpipe.load_prior`
    face : float (V, 3), mm
    part : k, from 0
    count : how many
    seed : equal seeds give equal faces
    temperature : factor of the deviations; 0 gives the most likely part
    editing : the dials; None: nothing moves where w_k = 0, bit for bit
    given_rest : without it the part is that of any face, with the detail of another

    Returns
    -------
    float32 (count, V, 3), mm

    Raises
    ------
    ValueError
        If a number is out of range, the face has other vertices, or the model has no parts with
        places of their own.
    """
    drawn, details = draw_part(model, prior, face, part, count, seed, temperature, given_rest)
    source = np.asarray(face, np.float32)
    with one_blas_thread():
        return _put_in(model, source, model.encode(source[None]), drawn, details, part, editing)


def draw_part(
    model: PlacedModel,
    prior: Prior,
    face: npt.ArrayLike,
    part: int,
    count: int = 1,
    seed: int = 0,
    temperature: float = 1.0,
    given_rest: bool = True,
) -> tuple[Codes, Faces]:
    """Draw the faces that a part is taken from, which `sample_part` puts into the face.

    Parameters
    ----------
    model, prior, face, part, count, seed, temperature, given_rest : as in `sample_part`

    Returns
    -------
    encodings, float32 (count, Z), and details, float32 (count, V, 3), mm
        The faces are `decode(parts(z)) + detail`.

    Raises
    ------
    ValueError
        As `sample_part`.
    """
    _check(model, prior, count, temperature)
    source = _checked(model, face, part)
    random = np.random.default_rng(seed)
    with one_blas_thread():
        z = model.encode(source[None])
        codes = prior.given_rest(z[0], part) if given_rest else prior.codes
        drawn = codes.draw(count, random, temperature).astype(np.float32)
        if given_rest:
            own = source - model.decode(model.parts(z))
            return drawn, np.broadcast_to(own, (count, *source.shape))
        return drawn, prior.detail.draw(count, random, temperature)


def main_directions(prior: Prior, part: int, count: int = 3) -> Floats:
    """Return the directions in which a part varies most while the rest stays.

    With C the covariance of z given the rest they are C^(1/2) u_j, u_j being the eigenvectors of
    C^(1/2) E_k C^(1/2): each is one standard deviation, and moves the part more than the next.

    Parameters
    ----------
    prior : Prior
    part : k, from 0
    count : how many

    Returns
    -------
    float64 (n, Z), at most `count`
    """
    inverse = np.linalg.inv(prior.codes.covariance)
    values, vectors = np.linalg.eigh(inverse + prior.precision(part))
    root = (vectors / np.sqrt(values)) @ vectors.T
    inner = np.linalg.eigh(root @ prior.inside[part] @ root)[1][:, ::-1]
    directions = (root @ inner[:, :count]).T
    # An eigenvector's sign is the solver's whim.
    largest = np.abs(directions).argmax(axis=1)
    return np.asarray(
        directions * np.sign(directions[np.arange(len(directions)), largest])[:, None]
    )


def traverse(
    model: PlacedModel,
    prior: Prior,
    face: npt.ArrayLike,
    part: int,
    direction: int = 0,
    steps: npt.ArrayLike = (-2.0, -1.0, 0.0, 1.0, 2.0),
    editing: EditingSettings | None = None,
) -> Faces:
    """Move a part of a face along one of its main directions.

    Parameters
    ----------
    model, prior, face, part, editing : as in `sample_part`
    direction : which of `main_directions`, from 0
    steps : float (S,), in standard deviations

    Returns
    -------
    float32 (S, V, 3), mm

    Raises
    ------
    ValueError
        As `sample_part`, or if there is no such direction.
    """
    at = np.asarray(steps, np.float64)
    _check(model, prior, len(at), 1.0)
    source = _checked(model, face, part)
    size = prior.codes.size
    if not 0 <= direction < size:
        raise ValueError(f"direction {direction}: there are the directions 0 to {size - 1}")
    with one_blas_thread():
        z = model.encode(source[None])
        decoded = model.decode(model.parts(z))
        along = main_directions(prior, part, direction + 1)[direction]
        moved = (z + at[:, None] * along).astype(np.float32)
        details = np.broadcast_to(source - decoded, (len(at), *source.shape))
        return _put_in(model, source, z, moved, details, part, editing)


def _put_in(
    model: PlacedModel,
    source: Faces,
    z: Codes,
    drawn: Codes,
    details: Faces,
    part: int,
    editing: EditingSettings | None,
) -> Faces:
    """Put a part of the faces of encodings (n, Z) and details (n, V, 3) into a face (V, 3).

    `z` (1, Z) is the encoding of that face.
    """
    editor = make_editor(model, model.weights, KEEPING if editing is None else editing)
    own = model.parts(z)
    if isinstance(editor, KeepingEditor):
        own = editor.joined(source[None], z)
    made = np.empty((len(drawn), *source.shape), np.float32)
    for start in range(0, len(drawn), _BATCH):
        rows = slice(start, start + _BATCH)
        targets = parts = model.parts(drawn[rows])
        if isinstance(editor, KeepingEditor):
            targets = editor.joined(model.decode(parts) + details[rows], drawn[rows])
        sources = np.repeat(own, len(parts), axis=0)
        made[rows] = editor.blend(sources, targets, part, 1.0)
    return made


def _check(model: PlacedModel, prior: Prior, count: int, temperature: float) -> None:
    if count < 1:
        raise ValueError(f"count {count}: must be at least 1")
    if not (np.isfinite(temperature) and temperature >= 0):
        raise ValueError(f"temperature {temperature}: must be a number of at least 0")
    shape = (len(prior.detail.mean), *prior.inside.shape[:2])
    if shape != (model.vertex_count, *model.projections.shape[:2]):
        raise ValueError("the prior is of another model")


def _checked(model: PlacedModel, face: npt.ArrayLike, part: int) -> Faces:
    if model.part_count == 1 or not model.parts_match_weights:
        raise ValueError("the model has no parts with places of their own")
    if not 0 <= part < model.part_count:
        raise ValueError(f"part {part}: the model has the parts 0 to {model.part_count - 1}")
    source = np.asarray(face, np.float32)
    expected = (model.vertex_count, model.channels)
    if source.shape != expected:
        raise ValueError(f"face {source.shape}, expected {expected}")
    return source
