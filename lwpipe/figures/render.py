"""Render meshes off-screen: no display, one scale for all, the same light for all."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyvista as pv
import scipy.sparse as sp
from vtkmodules.vtkCommonCore import vtkLogger

from lwpipe.core.errors import LwpipeError
from lwpipe.data.signals import colors_of, positions
from lwpipe.figures.style import Colors, Picture

SKIN = np.array([216, 208, 201], dtype=np.uint8)
# Each pixel is the mean of SAMPLES x SAMPLES rendered ones.
_SAMPLES = 3
_MARGIN = 0.03
# Position in camera coordinates (x right, y up, z towards the viewer) and intensity:
# a key light from above left, a weak fill from the right, a rim that lifts the silhouette.
_LIGHTS = (
    ((-0.60, 0.80, 1.10), 0.66),
    ((1.10, 0.05, 1.00), 0.36),
    ((0.0, 1.5, -0.5), 0.20),
)
# Plain faces are modelled by light; on maps the colour is the message, and light only hints.
_PLAIN = {"ambient": 0.15, "diffuse": 0.94, "specular": 0.08, "specular_power": 18.0}
_MAPPED = {"ambient": 0.52, "diffuse": 0.52, "specular": 0.0, "specular_power": 1.0}
# Skin of its own colour: light models it, and white stays white where it faces the key light.
_PAINTED = {"ambient": 0.40, "diffuse": 0.86, "specular": 0.05, "specular_power": 14.0}
_OSMESA = ("libOSMesa.so", "libOSMesa.so.8", "libOSMesa.so.6")


class FaceRenderer:
    """Pictures of meshes of one topology, all at the same scale; a context manager.

    The camera looks along -z with y up, without perspective, and fits the bounding box of the
    reference vertices, so that pictures of one renderer can be compared by eye. Equal input gives
    equal pixels on one machine.

    Parameters
    ----------
    triangles : int (F, 3)
    reference : float (..., V, C), mm
        All of these must fit in the picture: the template, or the faces that will be drawn.
    size : int or (int, int)
        Length of the longer edge, the other following the bounding box; or width and height.
        Unit: pixels.
    azimuth : float
        Turns the camera to the left of the face (its own left: towards +x), degrees.
    elevation : float
        Lifts the camera above the face, degrees.

    Raises
    ------
    LwpipeError
        If the machine has no library to render with.

    Examples
    --------
    >>> triangles = [[0, 1, 2]]
    >>> vertices = [[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    >>> with FaceRenderer(triangles, vertices, 64) as renderer:
    ...     renderer.render(vertices).shape
    (64, 32, 3)
    """

    def __init__(
        self,
        triangles: npt.ArrayLike,
        reference: npt.ArrayLike,
        size: int | tuple[int, int],
        azimuth: float = 0.0,
        elevation: float = 0.0,
    ) -> None:
        self._triangles = np.asarray(triangles, dtype=np.int64).reshape(-1, 3)
        points = np.asarray(positions(np.asarray(reference)), dtype=np.float64)
        self._vertex_count = points.shape[-2]
        self._corner_of = _corners(self._triangles, self._vertex_count)
        used = np.unique(self._triangles)
        axes = _camera_axes(azimuth, elevation)
        low, high = _bounds(points.reshape(-1, self._vertex_count, 3)[:, used], axes)
        extent = np.maximum(high - low, 1e-9 * max(1.0, float((high - low).max())))
        framed = extent * (1 + 2 * _MARGIN)
        self.width, self.height = _fit(size, framed[0] / framed[1])
        # VTK's parallel scale is half the height of the view.
        half = 0.5 * max(framed[1], framed[0] * self.height / self.width)
        self._open(axes, axes.T @ (0.5 * (low + high)), half, float(np.linalg.norm(extent)))

    def __enter__(self) -> FaceRenderer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the window."""
        self._plotter.close()

    def render(self, vertices: npt.ArrayLike, colors: Colors | None = None) -> Picture:
        """Render one mesh.

        Parameters
        ----------
        vertices : float (V, C), mm
        colors : uint8 (V, 3), optional
            RGB of each vertex, as `lwpipe.figures.style.map_colors` makes them; without it the
            mesh has its own colours (C is 6; `lwpipe.data.signals`), or is plain.

        Returns
        -------
        uint8 (height, width, 3)
            RGB on white.

        Raises
        ------
        ValueError
            If there is not one position, or one colour, a vertex.
        """
        face = np.asarray(vertices)
        points = np.array(positions(face), dtype=np.float64)
        material = _PLAIN if colors is None else _MAPPED
        if colors is None and face.shape[-1] > 3:
            colors, material = colors_of(face), _PAINTED
        if points.shape != (self._vertex_count, 3):
            raise ValueError(f"vertices {points.shape}, expected ({self._vertex_count}, 3)")
        if colors is not None and colors.shape != (self._vertex_count, 3):
            raise ValueError(f"colors {colors.shape}, expected ({self._vertex_count}, 3)")
        mesh = self._mesh
        mesh.points = points
        self._normals_shown[:] = self._normals(points)
        self._colors_shown[:] = SKIN if colors is None else colors
        for name, value in material.items():
            setattr(self._actor.prop, name, value)
        mesh.GetPoints().Modified()
        for name in ("Normals", "colors"):
            mesh.GetPointData().GetArray(name).Modified()
        mesh.Modified()
        self._plotter.renderer.ResetCameraClippingRange()
        self._plotter.render()
        return _shrink(np.asarray(self._plotter.screenshot(return_img=True)))

    def _normals(self, points: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Return area-weighted vertex normals; those of an open boundary see one side only."""
        a, b, c = (points[self._triangles[:, i]] for i in range(3))
        normals = self._corner_of @ np.cross(b - a, c - a)
        length = np.linalg.norm(normals, axis=1, keepdims=True)
        result: npt.NDArray[np.float64] = normals / np.where(length > 0, length, 1.0)
        return result

    def _open(
        self,
        axes: npt.NDArray[np.float64],
        centre: npt.NDArray[np.float64],
        half_height: float,
        diagonal: float,
    ) -> None:
        count = self._vertex_count
        cells = np.column_stack([np.full(len(self._triangles), 3), self._triangles]).ravel()
        mesh = pv.PolyData(np.zeros((count, 3)), cells)
        mesh.point_data["colors"] = np.zeros((count, 3), dtype=np.uint8)
        mesh.point_data.active_normals = np.zeros((count, 3))
        self._colors_shown: Any = mesh.point_data["colors"]
        self._normals_shown: Any = mesh.point_data["Normals"]
        with _quiet_vtk():
            plotter = pv.Plotter(
                off_screen=True,
                window_size=[self.width * _SAMPLES, self.height * _SAMPLES],
                lighting="none",
                theme=pv.themes.DocumentTheme(),
            )
            _check_window(plotter.render_window)
            plotter.renderer.SetBackground(1.0, 1.0, 1.0)
            plotter.disable_anti_aliasing()
            self._actor: Any = plotter.add_mesh(
                mesh, scalars="colors", rgb=True, copy_mesh=False, show_scalar_bar=False,
                reset_camera=False, render=False,
            )  # fmt: skip
            self._actor.prop.interpolation = "phong"
            for position, intensity in _LIGHTS:
                light = pv.Light(position=position, intensity=intensity, light_type="camera light")
                plotter.add_light(light)
            camera = plotter.camera
            camera.parallel_projection = True
            camera.focal_point = centre
            camera.position = centre + 2 * max(diagonal, 1e-6) * axes[2]
            camera.up = axes[1]
            camera.parallel_scale = half_height
            plotter.render()
        self._plotter, self._mesh = plotter, mesh


def _camera_axes(azimuth: float, elevation: float) -> npt.NDArray[np.float64]:
    """Return the camera's right, up and backward axes as rows, float64 (3, 3)."""
    a, e = np.radians(azimuth), np.radians(elevation)
    backward = np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
    right = np.array([np.cos(a), 0.0, -np.sin(a)])
    return np.stack([right, np.cross(backward, right), backward])


def _bounds(
    points: npt.NDArray[np.float64], axes: npt.NDArray[np.float64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    low, high = np.full(3, np.inf), np.full(3, -np.inf)
    for mesh in points:
        seen = mesh @ axes.T
        low, high = np.minimum(low, seen.min(axis=0)), np.maximum(high, seen.max(axis=0))
    return low, high


def _fit(size: int | tuple[int, int], aspect: float) -> tuple[int, int]:
    """Return width and height in pixels; `aspect` is width / height of what must fit."""
    if not isinstance(size, int):
        return size
    # Slim objects keep a quarter, so that a label beneath still has room.
    short = max(round(size * min(aspect, 1 / aspect)), size // 4)
    return (short, size) if aspect < 1 else (size, short)


def _corners(triangles: npt.NDArray[np.int64], vertex_count: int) -> sp.csr_matrix:
    """Return the 0/1 matrix (V, F) of which vertex is a corner of which triangle."""
    columns = np.repeat(np.arange(len(triangles)), 3)
    values = np.ones(len(columns))
    return sp.csr_matrix(
        (values, (triangles.ravel(), columns)), shape=(vertex_count, len(triangles))
    )


def _shrink(image: npt.NDArray[np.uint8]) -> Picture:
    height, width, channels = image.shape
    blocks = image.reshape(height // _SAMPLES, _SAMPLES, width // _SAMPLES, _SAMPLES, channels)
    total = blocks.sum(axis=(1, 3), dtype=np.uint16)
    half = _SAMPLES**2 // 2
    return np.asarray((total + half) // _SAMPLES**2, dtype=np.uint8)


@contextmanager
def _quiet_vtk() -> Iterator[None]:
    """Keep VTK from telling on stderr that it looked for an X server and found none."""
    before = vtkLogger.GetCurrentVerbosityCutoff()
    vtkLogger.SetStderrVerbosity(vtkLogger.VERBOSITY_OFF)
    try:
        yield
    finally:
        vtkLogger.SetStderrVerbosity(before)


def _check_window(window: Any) -> None:
    """Refuse to render where VTK would crash: its last resort is OSMesa, installed or not."""
    if window.GetClassName() != "vtkOSOpenGLRenderWindow" or not sys.platform.startswith("linux"):
        return
    for name in _OSMESA:
        try:
            ctypes.CDLL(name)
        except OSError:
            continue
        return
    asked = os.environ.get("VTK_DEFAULT_OPENGL_WINDOW")
    raise LwpipeError(
        "pictures cannot be rendered: neither an X server nor the libraries EGL or OSMesa were "
        "found; install libegl1 and libgl1-mesa-dri, or libosmesa6"
        + (f" (or unset VTK_DEFAULT_OPENGL_WINDOW={asked})." if asked else ".")
    )
