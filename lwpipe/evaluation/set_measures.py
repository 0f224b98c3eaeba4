"""What other papers report of sets of generated shapes, by their definitions.

Shapes here have registered vertices: the distance of two is the mean distance of their vertices,
where papers on point clouds take the Chamfer or the earth mover's distance.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from lwpipe.evaluation.measure import Faces
from lwpipe.evaluation.measures.reconstruction import vertex_distances

Floats = npt.NDArray[np.float64]

# Of the grid by Achlioptas et al.
_CELLS = 28


def mean_distances(first: Faces, second: Faces) -> Floats:
    """Return the mean distance of the vertices of each of some faces to each of others.

    Parameters
    ----------
    first, second : float32 (n, V, 3), (m, V, 3), mm

    Returns
    -------
    float64 (n, m), mm
    """
    rows = (vertex_distances(second, face).mean(axis=1, dtype=np.float64) for face in first)
    return np.stack(list(rows))


def coverage(distances: Floats) -> float:
    """Return COV, the share of the references that are the nearest one to some generated face.

    Achlioptas et al., Learning Representations and Generative Models for 3D Point Clouds, ICML
    2018.

    Parameters
    ----------
    distances : float64 (n, m), of n generated faces to m references

    Examples
    --------
    >>> coverage(np.array([[1.0, 2.0], [1.0, 3.0]]))
    0.5
    """
    return float(len(np.unique(distances.argmin(axis=1))) / distances.shape[1])


def minimum_matching_distance(distances: Floats) -> float:
    """Return MMD, the mean distance of a reference to the nearest generated face.

    Not the maximum mean discrepancy. Achlioptas et al., 2018, as above.

    Parameters
    ----------
    distances : float64 (n, m), of n generated faces to m references

    Examples
    --------
    >>> minimum_matching_distance(np.array([[1.0, 2.0], [1.0, 3.0]]))
    1.5
    """
    return float(distances.min(axis=0).mean())


def nearest_neighbour_accuracy(within: Floats, across: Floats, references: Floats) -> float:
    """Return 1-NNA, the share of all faces whose nearest other face is of their own set.

    Yang et al., PointFlow, ICCV 2019. 0.5 is best.

    Parameters
    ----------
    within : float64 (n, n), between generated faces
    across : float64 (n, m), of generated faces to references
    references : float64 (m, m), between references

    Examples
    --------
    >>> near = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> nearest_neighbour_accuracy(near, np.full((2, 2), 5.0), near)
    1.0
    """
    own, others = (
        square + np.diag(np.full(len(square), np.inf)) for square in (within, references)
    )
    generated = own.min(axis=1) < across.min(axis=1)
    real = others.min(axis=1) < across.min(axis=0)
    return float(np.concatenate([generated, real]).mean())


def occupancy_divergence(first: Faces, second: Faces, cells: int = _CELLS) -> float:
    """Return JSD, the Jensen-Shannon divergence of where the vertices of two sets are, in [0, 1].

    Of the shares of all vertices in the cells of a cubic grid about both sets, in bits. Achlioptas
    et al., 2018, as above.

    Parameters
    ----------
    first, second : float32 (n, V, 3), (m, V, 3), mm
    cells : along each side of the grid
    """
    sets = [faces.reshape(-1, 3).astype(np.float64) for faces in (first, second)]
    low = np.min([points.min(axis=0) for points in sets], axis=0)
    high = np.max([points.max(axis=0) for points in sets], axis=0)
    side = float((high - low).max()) or 1.0
    corner = (low + high - side) / 2
    shares = []
    for points in sets:
        places = np.clip(((points - corner) * (cells / side)).astype(np.int64), 0, cells - 1)
        flat = np.ravel_multi_index(tuple(places.T), (cells,) * 3)
        shares.append(np.bincount(flat, minlength=cells**3) / len(points))
    middle = (shares[0] + shares[1]) / 2
    return float(_entropy(middle) - (_entropy(shares[0]) + _entropy(shares[1])) / 2)


def _entropy(shares: Floats) -> float:
    known = shares[shares > 0]
    return float(-(known * np.log2(known)).sum())


def pair_diversity(faces: Faces, pairs: npt.NDArray[np.int64]) -> Floats:
    """Return the mean distance between the two of each pair at each vertex, float64 (V,), mm.

    Its mean is the diversity of Foti et al., 3D Shape Variational Autoencoder Latent
    Disentanglement via Mini-Batch Feature Swapping for Bodies and Faces, CVPR 2022; over the
    vertices of a part and over the others, of pairs that differ in the part alone, it is their
    regional diversity.

    Parameters
    ----------
    faces : float32 (n, V, 3), mm
    pairs : int (P, 2), rows of the faces
    """
    total = np.zeros(faces.shape[1])
    for one, other in pairs:
        total += vertex_distances(faces[one], faces[other])
    return total / len(pairs)


def variation_predictability(
    changes: npt.ArrayLike, varied: npt.ArrayLike, seed: int, trained_share: float = 0.1
) -> float:
    """Return VP: how well the change of a face tells which part of its encoding was changed.

    A classifier is trained on a tenth of the pairs, and its accuracy on the others is the score: a
    change is easily told where each part moves a thing of its own. Zhu et al., Learning
    Disentangled Representations with Latent Variation Predictability, ECCV 2020; a linear
    classifier stands for their network of convolutions.

    Parameters
    ----------
    changes : float (n, d), of which a linear classifier can tell a part: how far each vertex has
        moved rather than where to, which is as often one way as the other
    varied : int (n,), what was changed
    seed : of the split
    trained_share : share of the pairs that the classifier is trained on
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import train_test_split
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    seen, unseen, told, asked = train_test_split(
        np.asarray(changes, np.float64),
        np.asarray(varied),
        train_size=trained_share,
        random_state=seed,
        stratify=varied,
    )
    machine = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    return float(machine.fit(seen, told).score(unseen, asked))
