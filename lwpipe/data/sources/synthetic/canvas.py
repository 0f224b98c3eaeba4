"""Where things are on the embedded face, and the brushes that parameters are painted with."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from lwpipe.data.sources.synthetic.anatomy import bump, mean_face, smooth_step
from lwpipe.data.sources.synthetic.grid import FaceGrid

Floats = npt.NDArray[np.float64]


class Canvas:
    """Canonical coordinates of a grid, and the brushes that fields are painted with.

    Attributes
    ----------
    p, q : float64 (V,)
        |p| and q, mm.
    side : float64 (V,)
        -1 at the viewer's left, 1 at the right, passing smoothly through 0 on the midline.
    out : float64 (V, 3)
        Normal of the skull under the point.
    """

    def __init__(self, grid: FaceGrid) -> None:
        self.signed = grid.points[:, 0]
        self.p, self.q = np.abs(self.signed), grid.points[:, 1]
        self.side = np.tanh(self.signed / 5.0)
        angle = self.signed / 68.0
        self.out = np.column_stack([np.sin(angle), 0 * angle, np.cos(angle)])
        self.mean = mean_face(grid.points)

    def bump(
        self, centre: tuple[float, float], radii: tuple[float, float], turn: float = 0.0
    ) -> Floats:
        """Return a Gaussian on both sides of the face, summed, of height 1 at its centre."""
        near = bump(self.p, self.q, centre, radii, turn)
        far = bump(-self.p, self.q, centre, radii, turn)
        peak = 1 + np.exp(-0.5 * (2 * centre[0] / radii[0]) ** 2)
        return np.asarray((near + far) / peak)

    def step(self, low: float, high: float) -> Floats:
        """Return 0 below `low` and 1 above `high` in q."""
        return smooth_step(low, high, self.q)

    def move(
        self, x: Floats | float = 0.0, y: Floats | float = 0.0, z: Floats | float = 0.0
    ) -> Floats:
        """Return a field from its components; x points away from the midline."""
        zero = np.zeros_like(self.p)
        return np.column_stack([self.side * x + zero, y + zero, z + zero])

    def swell(self, amount: Floats) -> Floats:
        """Return a field along the normal of the skull."""
        return np.asarray(amount[:, None] * self.out)

    @cached_property
    def eye(self) -> Floats:
        """Where the eye and its lids are: 1 in the opening, 0 beyond the socket."""
        r = np.hypot((self.p - 31.5) / 22.0, (self.q - 0.5) / 16.0)
        return 1 - smooth_step(0.5, 1.6, r)

    @cached_property
    def brow(self) -> Floats:
        """The eyebrow's band."""
        arch = 14.0 + 5.0 * np.sin(np.pi * np.clip((self.p - 2) / 62, 0, 1))
        band = np.exp(-0.5 * ((self.q - arch) / 8.5) ** 2)
        return np.asarray(band * (1 - smooth_step(44, 66, self.p)))

    @cached_property
    def mouth(self) -> Floats:
        """Both lips and the skin around them."""
        r = np.hypot(self.p / 36.0, (self.q + 70.0) / 17.0)
        return 1 - smooth_step(0.4, 1.6, r)

    @cached_property
    def nose(self) -> Floats:
        """Tip, wings and lower bridge."""
        r = np.hypot(self.p / 20.0, (self.q + 38.0) / 16.0)
        return 1 - smooth_step(0.35, 1.6, r)

    @cached_property
    def whole_nose(self) -> Floats:
        """The nose from its root to its wings."""
        r = np.hypot(self.p / 20.0, (self.q + 28.0) / 27.0)
        return 1 - smooth_step(0.35, 1.5, r)

    @cached_property
    def chin(self) -> Floats:
        """The chin down to its underside."""
        return np.asarray((1 - smooth_step(14, 44, self.p)) * (1 - self.step(-104, -84)))

    @cached_property
    def jaw(self) -> Floats:
        """The jaw's share of the skin: 1 on the bone, 0 on the upper face."""
        return (1 - self.step(-94, -52)) * (1 - smooth_step(54, 92, self.p))

    def nearest(self, p: float, q: float) -> int:
        """Return the vertex next to a point of the canonical plane."""
        return int(np.argmin((self.signed - p) ** 2 + (self.q - q) ** 2))
