"""A jaw that turns about its hinge.

The kit's jawOpen moves each vertex along a straight line. Here its displacement d of a vertex is
taken for that of a turn about a horizontal axis, by an angle of the vertex's own, and a rest that
stays linear: at strength e a vertex x goes to

    x + (R(e a) - 1) (x - h) + e (d - (R(a) - 1) (n - h)),

n being the vertex of the neutral face. The full angle and the hinge h are those of the rigid motion
that fits the vertices which move most, the chin; the angle a of another vertex is the share of the
full one whose displacement is nearest to d. At e = 1 the neutral face moves by d.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# The chin: vertices that move by this share of the largest displacement.
_CHIN = 0.9


@dataclass(frozen=True)
class Jaw:
    """How the jaw turns.

    Attributes
    ----------
    hinge : float64 (2,), mm, height y and depth z of the axis, which is parallel to x
    angles : float64 (V,), radians, at full strength
    rest : float64 (V, 3), mm, what of the displacement is no turn
    """

    hinge: Floats
    angles: Floats
    rest: Floats

    def open(self, faces: Floats, strengths: Floats) -> None:
        """Open the mouths of faces (n, V, 3), mm, in place, by strengths (n,)."""
        angles = strengths[:, None] * self.angles
        arms = faces[:, :, 1:] - self.hinge
        faces[:, :, 1:] += _turned(arms, angles) - arms
        faces += strengths[:, None, None] * self.rest


def _turned(arms: Floats, angles: Floats) -> Floats:
    """Turn vectors (..., 2) of the plane of y and z."""
    sine, cosine = np.sin(angles), np.cos(angles)
    y, z = arms[..., 0], arms[..., 1]
    return np.stack([cosine * y - sine * z, sine * y + cosine * z], axis=-1)


def fit_jaw(neutral: Floats, displacement: Floats) -> Jaw:
    """Return the turn that is nearest to a displacement of the neutral face, both (V, 3), mm."""
    length = np.linalg.norm(displacement, axis=1)
    chin = length >= _CHIN * length.max()
    before = neutral[chin, 1:]
    after = before + displacement[chin, 1:]
    middle, moved = before.mean(axis=0), after.mean(axis=0)
    a, b = before - middle, after - moved
    full = float(np.arctan2((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum(), (a * b).sum()))
    rotation = np.array([[np.cos(full), -np.sin(full)], [np.sin(full), np.cos(full)]])
    hinge = np.linalg.solve(
        np.eye(2) - rotation, after.mean(axis=0) - rotation @ before.mean(axis=0)
    )
    arms = neutral[:, 1:] - hinge
    chord = _turned(arms, np.full(len(arms), full)) - arms
    share = (chord * displacement[:, 1:]).sum(axis=1) / np.maximum((chord**2).sum(axis=1), 1e-12)
    angles = full * np.clip(share, 0, 1)
    rest = displacement.copy()
    rest[:, 1:] -= _turned(arms, angles) - arms
    return Jaw(hinge, angles, rest)
