"""A trained model: faces in millimetres in, part encodings and faces in millimetres out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from lwpipe.core.errors import LwpipeError
from lwpipe.data.signals import COLOR, POSITION, LazyFaces, positions
from lwpipe.engine import Geometry, choose
from lwpipe.model.base import Components, LinearBase
from lwpipe.model.linear_path import LinearPath
from lwpipe.model.network import PartAutoencoder
from lwpipe.model.settings import ModelSettings
from lwpipe.model.weightings import WEIGHTINGS
from lwpipe.template import Pyramid

Floats = npt.NDArray[np.float32]


class PartModel:
    """A part autoencoder with everything that it needs to run.

    Made by `lwpipe.load` or by training. All faces are float32 (n, V, C) with the vertices of the
    template: positions in mm, and where the model was trained with colours (C = 6) these in L*a*b*,
    as `lwpipe.data.signals.joined` makes them; every method works on any number n of faces in
    bounded memory.

    Parameters
    ----------
    pyramid : Pyramid
    weights : float32 (V, K)
        Local weights at full resolution; rows sum to 1.
    mean : float32 (V, C)
        Mean of the training faces.
    scale : float32 (1, 1) or (V, 1), mm; with colours (1, 6) or (V, 6)
        Standard deviation of the training faces about the mean.
    settings : ModelSettings
    info : facts about the training, such as its epochs and seconds
    backend : 'auto' for the fastest implementation of the mesh convolution on the device, or one of
        `lwpipe.engine.BACKENDS`
    components : of the training faces; with a `model.base`

    Attributes
    ----------
    vertex_count, latent_size, part_count : V, Z and K (K is 1 without projections)
    channels : C
    average : float32 (V, C), the mean
    template : float32 (V, 3), mm
    triangles : int64 (F, 3)
    """

    def __init__(
        self,
        pyramid: Pyramid,
        weights: Floats,
        mean: Floats,
        scale: Floats,
        settings: ModelSettings,
        info: dict[str, Any] | None = None,
        backend: str = "auto",
        components: Components | None = None,
    ) -> None:
        if len(settings.channels) != pyramid.levels:
            raise LwpipeError(
                f"model.channels: has {len(settings.channels)} entries, and the mesh pyramid has "
                f"{pyramid.levels} levels: make the pyramid again, or give one entry a level."
            )
        if (components is not None) != (settings.base != "none"):
            raise LwpipeError(
                f"model.base: is {settings.base}, and there are "
                f"{'no ' if components is None else ''}components of the training faces."
            )
        coarse = pyramid.coarsest(weights)
        self.components = components
        weighting = WEIGHTINGS[settings.weighting]
        shares = np.asarray(
            weighting.of_base(weights) if settings.projection else np.ones_like(weights)[:, :1],
            np.float32,
        )
        self.average = np.ascontiguousarray(mean, dtype=np.float32)
        self.units = channel_units(scale)
        base = None
        if components is not None:
            base = LinearBase(components, shares, in_units(scale, self.units))
        self.pyramid = pyramid
        self.all_weights = np.ascontiguousarray(weights, dtype=np.float32)
        self.template = np.ascontiguousarray(positions(self.average))
        self.triangles: npt.NDArray[np.int64] = np.asarray(pyramid.triangles[0], dtype=np.int64)
        self.backend = backend
        self.network = PartAutoencoder(
            Geometry.of(pyramid),
            torch.from_numpy(coarse.copy()),
            settings,
            # `to` takes the backend that belongs to another device.
            choose("auto" if backend == "triton" else backend, torch.device("cpu")),
            base,
            torch.from_numpy(np.ascontiguousarray(shares.T)[:, :, None]),
            self.channels,
        )
        self.mean = torch.from_numpy(self.average)
        self.scale = torch.from_numpy(np.ascontiguousarray(scale, dtype=np.float32))
        self.settings = settings
        self.info: dict[str, Any] = {"parameters": self.parameter_count, **(info or {})}
        self.batch_size = max(1, 400_000 // self.vertex_count)

    @property
    def vertex_count(self) -> int:
        """Number of vertices V."""
        return len(self.template)

    @property
    def channels(self) -> int:
        """Number of channels C of its faces: 3, or 6 with colours."""
        return int(self.average.shape[1])

    @property
    def shares(self) -> Tensor:
        """How much of each part each vertex gets, float32 (K, V, 1); they sum to 1."""
        return cast(Tensor, self.network.shares)

    @property
    def latent_size(self) -> int:
        """Size Z of the latent code and of each part encoding."""
        return self.settings.latent_size

    @property
    def part_count(self) -> int:
        """Number of parts K; 1 without projections."""
        return self.network.part_count

    @property
    def parts_match_weights(self) -> bool:
        """Whether part k belongs to column k of the local weights."""
        return self.network.weighting.parts_match_weights

    @property
    def parameter_count(self) -> int:
        """Number of learned numbers, those of the linear base among them."""
        learned = sum(parameter.numel() for parameter in self.network.parameters())
        base = self.components
        return learned + (0 if base is None else sum(each.size for each in base.arrays.values()))

    @property
    def weights(self) -> Floats:
        """Local weights (V, K), or ones (V, 1) for a model without parts."""
        if self.network.projections is None:
            return np.ones((self.vertex_count, 1), dtype=np.float32)
        return self.all_weights

    @property
    def projections(self) -> Floats:
        """P_k, float32 (K, Z, Z); 1 for a model without parts."""
        return self._numpy([self.network.matrices().detach()], ())

    @property
    def linear_path(self) -> LinearPath | None:
        """The linear part of the decoder; None without a base."""
        if self.components is None:
            return None
        shares = WEIGHTINGS[self.settings.weighting].of_base(self.all_weights)
        return LinearPath(
            self.components.basis,
            self.components.deviation,
            shares if self.network.projections is not None else self.weights,
            self.triangles,
            self.units,
        )

    def to(self, device: torch.device | str) -> PartModel:
        """Move the model to `device`, with the backend that belongs there, and return it."""
        name = choose(self.backend, torch.device(device))
        if name != self.network.backend_name:
            self.network.use(name)
        self.network.to(device)
        self.mean, self.scale = self.mean.to(device), self.scale.to(device)
        return self

    def standardise(self, vertices: Tensor) -> Tensor:
        """Turn faces (n, V, C) into network input (n, V, C)."""
        return (vertices.to(self.mean.device) - self.mean) / self.scale

    def unstandardise(self, x: Tensor) -> Tensor:
        """Turn network output (n, V, C) into faces (n, V, C)."""
        return x * self.scale + self.mean

    @torch.inference_mode()
    def encode(self, vertices: npt.ArrayLike) -> Floats:
        """Encode faces (n, V, C) to latent codes z, float32 (n, Z).

        Raises
        ------
        ValueError
            If the faces do not have the model's V vertices, or not its channels.
        """
        faces = np.asarray(vertices, dtype=np.float32)
        if faces.ndim != 3 or faces.shape[1:] != (self.vertex_count, self.channels):
            raise ValueError(
                f"faces have shape {faces.shape}, expected (n, {self.vertex_count}, "
                f"{self.channels})"
            )
        codes = [
            self.network.encode(self.standardise(torch.from_numpy(faces[rows].copy())))
            for rows in self._batches(len(faces))
        ]
        return self._numpy(codes, (0, self.latent_size))

    @torch.inference_mode()
    def parts(self, z: npt.ArrayLike) -> Floats:
        """Project latent codes (n, Z) to part encodings p_k = P_k z, float32 (n, K, Z)."""
        code = torch.from_numpy(np.array(z, dtype=np.float32)).to(self.mean.device)
        return self._numpy([self.network.parts(code)], ())

    @torch.inference_mode()
    def decode(self, parts: npt.ArrayLike) -> Floats:
        """Decode part encodings (n, K, Z) to faces, float32 (n, V, C).

        Raises
        ------
        ValueError
            If the shape does not fit the model.
        """
        encodings = np.array(parts, dtype=np.float32)
        expected = (self.part_count, self.latent_size)
        if encodings.ndim != 3 or encodings.shape[1:] != expected:
            raise ValueError(
                f"part encodings have shape {encodings.shape}, expected (n, *{expected})"
            )
        codes = torch.from_numpy(encodings).to(self.mean.device)
        faces = [
            self.unstandardise(self.network.decode(codes[rows]))
            for rows in self._batches(len(encodings))
        ]
        return self._numpy(faces, (0, self.vertex_count, self.channels))

    def reconstruct(self, vertices: npt.ArrayLike) -> Floats:
        """Encode and decode faces (n, V, C)."""
        return self.decode(self.parts(self.encode(vertices)))

    def _batches(self, count: int) -> Iterator[slice]:
        for start in range(0, count, self.batch_size):
            yield slice(start, start + self.batch_size)

    @staticmethod
    def _numpy(pieces: list[Tensor], empty: tuple[int, ...]) -> Floats:
        if not pieces:
            return np.empty(empty, dtype=np.float32)
        return np.ascontiguousarray(torch.cat(pieces).cpu().numpy())


def standardisation(
    vertices: Floats | LazyFaces, rows: npt.NDArray[np.int64], kind: str
) -> tuple[Floats, Floats]:
    """Return the mean face and the scale of the training faces.

    Parameters
    ----------
    vertices : float32 (N, V, C)
    rows : the training faces
    kind : 'scalar' for one standard deviation, 'vertex' for one a vertex

    Returns
    -------
    mean : float32 (V, C)
    scale : float32 (1, 1) or (V, 1), mm; of faces with colours (1, 6) or (V, 6), one of the
        positions and one of the colours, each three times
    """
    total = np.zeros(vertices.shape[1:], dtype=np.float64)
    for row in rows:
        total += vertices[row]
    mean = total / len(rows)
    groups = [POSITION] if vertices.shape[2] == 3 else [POSITION, COLOR]
    squares = np.zeros((len(groups), vertices.shape[1]), dtype=np.float64)
    for row in rows:
        apart = np.square(vertices[row] - mean)
        for sums, group in zip(squares, groups, strict=True):
            sums += apart[:, group].sum(axis=1)
    scales = [_deviation(each / (3 * len(rows)), kind) for each in squares]
    scale = scales[0] if len(scales) == 1 else np.repeat(np.concatenate(scales, axis=1), 3, axis=1)
    return mean.astype(np.float32), scale


def _deviation(variance: npt.NDArray[np.float64], kind: str) -> Floats:
    """Return the scale (1, 1) or (V, 1) of coordinates of some variance (V,)."""
    if kind == "scalar":
        scale = np.sqrt(variance.mean()).reshape(1, 1)
    else:
        # A vertex that hardly moves must not blow up noise: keep a floor of a tenth of the mean.
        scale = np.sqrt(np.maximum(variance, 0.01 * variance.mean()))[:, None]
    return np.asarray(np.maximum(scale, 1e-6), np.float32)


def channel_units(scale: npt.ArrayLike) -> Floats | None:
    """Return what a channel is multiplied by in a base of shape and colour, float32 (6,).

    Positions by 1; a colour by the millimetres that positions vary by where colours vary by one
    Delta E: both then have the same say. Without colours it is None.

    Parameters
    ----------
    scale : of `standardisation`
    """
    scales = np.asarray(scale, np.float64)
    if scales.shape[1] == 1:
        return None
    place, color = (np.sqrt(np.square(scales[:, group]).mean()) for group in (POSITION, COLOR))
    return np.repeat([1.0, place / color], 3).astype(np.float32)


def in_units(scale: npt.ArrayLike, units: Floats | None) -> Floats:
    """Return a scale in the units of a base: one number where all channels have the same."""
    scales = np.asarray(scale, np.float32)
    if units is None:
        return scales
    return scales[:, :1] if len(scales) == 1 else scales * units
