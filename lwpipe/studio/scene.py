"""The face in space: meshes, lights, cameras, handles."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from viser import ViserServer

from lwpipe.editor.session import Session
from lwpipe.export.surface import vertex_normals
from lwpipe.studio.files import glb
from lwpipe.studio.looks import CLAY, Colors, part_color
from lwpipe.studio.patch import cut_out

Faces = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# Of the scene in a millimetre: lights and controls are made for scenes of about one.
UNIT = 0.01
FIELD_OF_VIEW = np.radians(28.0)
# A part that is pointed out: where it has this share, and so far above the face.
_PATCH, _POINTED, _RAISED_MM = "/pointed", 0.5, 0.4
_GREY = (190, 188, 184)
# To the face's own left, and up, degrees.
CAMERAS = {"front": (0.0, 0.0), "three-quarter": (38.0, 6.0), "side": (88.0, 0.0)}


class FaceScene:
    """What is to be seen of a workbench.

    Parameters
    ----------
    server : of viser
    triangles : int (F, 3)
    mean : float32 (V, 3), mm, for which cameras are placed
    """

    def __init__(self, server: ViserServer, triangles: Ints, mean: Faces) -> None:
        self.server, self.triangles = server, triangles
        self.low, self.high = mean.min(axis=0), mean.max(axis=0)
        self._gizmos: dict[int, Any] = {}
        self._dots: dict[int, Any] = {}
        self.on_pull: Callable[[int, Floats], None] = lambda vertex, place: None
        scene = server.scene
        scene.set_up_direction("+y")
        scene.world_axes.visible = False
        self._light()
        self._background()
        self.place_camera()
        around = mean * UNIT
        self.plain = scene.add_mesh_simple(
            "/face", around, triangles, color=CLAY, side="double", cast_shadow=False,
            receive_shadow=False,
        )  # fmt: skip
        self.colored = scene.add_glb(
            "/coloured", glb(mean, triangles, scale=UNIT), visible=False, cast_shadow=False,
            receive_shadow=False,
        )  # fmt: skip
        self.beside = scene.add_mesh_simple(
            "/source", around, triangles, color=_GREY, side="double", cast_shadow=False,
            receive_shadow=False, visible=False,
        )  # fmt: skip
        self.beside.position = (-self.aside, 0.0, 0.0)

    @property
    def aside(self) -> float:
        """How far to the left of the face the source stands, in the scene's unit."""
        return 1.08 * UNIT * float(self.high[0] - self.low[0])

    def _light(self) -> None:
        scene = self.server.scene
        scene.configure_default_lights(enabled=False)
        scene.configure_environment_map(hdri=None)
        # Each light costs time in every pixel where there is no GPU: three do.
        scene.add_light_hemisphere(
            "/lights/sky", sky_color=(255, 250, 245), ground_color=(150, 134, 124), intensity=1.0
        )
        for name, intensity, color, place in (
            ("key", 1.75, (255, 246, 236), (-2.0, 2.8, 4.5)),
            ("fill", 0.85, (228, 236, 255), (4.0, 0.6, 2.2)),
        ):
            scene.add_light_directional(
                f"/lights/{name}", color=color, intensity=intensity, position=place
            )

    def _background(self) -> None:
        shade = np.linspace(0.0, 1.0, 256)[:, None, None]
        top, foot = np.array([236.0, 239.0, 242.0]), np.array([196.0, 202.0, 209.0])
        picture = np.broadcast_to(top + shade * (foot - top), (256, 8, 3))
        self.server.scene.set_background_image(picture.astype(np.uint8), format="png")

    def view(self, name: str, pair: bool = False, aspect: float = 1.0) -> tuple[Floats, Floats]:
        """Return the place of a camera, and what it looks at, in the scene's unit.

        Parameters
        ----------
        name : one of `CAMERAS`
        pair : the source stands beside the face
        aspect : width of the picture over its height
        """
        around, up = np.radians(CAMERAS[name])
        centre = UNIT * 0.5 * (self.low + self.high).astype(np.float64)
        size = UNIT * (self.high - self.low).astype(np.float64)
        wide = size[0]
        if pair:
            centre[0] -= 0.5 * self.aside
            wide += self.aside
        tall = max(size[1], wide / min(aspect, 1.5))
        away = 0.5 * 1.22 * tall / np.tan(0.5 * FIELD_OF_VIEW) + 0.5 * size[2]
        toward = np.array([np.sin(around) * np.cos(up), np.sin(up), np.cos(around) * np.cos(up)])
        return centre + away * toward, centre

    def place_camera(self) -> None:
        """Let new pages, and 'reset view', look at the face from the front."""
        place, at = self.view("front")
        camera = self.server.initial_camera
        camera.fov = float(FIELD_OF_VIEW)
        camera.position, camera.look_at, camera.up = place, at, np.array([0.0, 1.0, 0.0])

    def look_from(self, client: Any, name: str, pair: bool = False) -> None:
        """Move the camera of one page."""
        place, at = self.view(name, pair, client.camera.aspect)
        with client.atomic():
            client.camera.up_direction = (0.0, 1.0, 0.0)
            client.camera.position = place
            client.camera.look_at = at
            client.camera.fov = float(FIELD_OF_VIEW)

    def show(
        self,
        face: Faces,
        source: Faces | None,
        colors: Colors | None,
        wireframe: bool,
    ) -> None:
        """Show a face.

        Parameters
        ----------
        face : float32 (V, 3), mm
        source : what stands beside it; None: nothing
        colors : uint8 (V, 3); None: clay
        wireframe : show edges
        """
        if colors is None:
            self.plain.vertices = face * np.float32(UNIT)
            self.plain.wireframe = wireframe
        else:
            self.colored.glb_data = glb(face, self.triangles, colors, scale=UNIT)
        self.plain.visible, self.colored.visible = colors is None, colors is not None
        self.beside.visible = source is not None
        if source is not None:
            self.beside.vertices = source * np.float32(UNIT)

    def point_out(self, client: Any, face: Faces, weights: Faces, part: int | None) -> None:
        """Lay the colour of a part over the face, in one page.

        Parameters
        ----------
        client : the page, None: one that is gone
        face : float32 (V, 3), mm
        weights : float32 (V, K)
        part : k; None: none
        """
        if client is None:
            return
        patch = client.scene.get_handle_by_name(_PATCH)
        if patch is not None:
            patch.remove()
        if part is None:
            return
        raised = face + _RAISED_MM * vertex_normals(face, self.triangles)
        points, triangles = cut_out(raised, self.triangles, weights[:, part], _POINTED)
        if len(triangles) == 0:
            return
        client.scene.add_mesh_simple(
            _PATCH, points * np.float32(UNIT), triangles,
            color=part_color(part, weights.shape[1]), opacity=0.6, side="double",
            cast_shadow=False, receive_shadow=False,
        )  # fmt: skip

    def show_handles(self, session: Session, face: Faces) -> None:
        """Show the handles and pins of a session on its face."""
        places = {handle.vertex: handle.place for handle in session.handles}
        for vertex in [vertex for vertex in self._gizmos if vertex not in places]:
            self._gizmos.pop(vertex).remove()
        for vertex, place in places.items():
            at = UNIT * np.asarray(place)
            if vertex not in self._gizmos:
                self._gizmos[vertex] = self._gizmo(vertex, at)
            elif np.abs(self._gizmos[vertex].position - at).max() > 1e-6:
                self._gizmos[vertex].position = at
        self._show_dots(session.pins, face)

    def _gizmo(self, vertex: int, place: Floats) -> Any:
        size = 0.16 * UNIT * float(self.high[0] - self.low[0])
        gizmo = self.server.scene.add_transform_controls(
            f"/handles/{vertex}", scale=size, position=place, disable_rotations=True,
            depth_test=False, line_width=3.0,
        )  # fmt: skip

        gizmo.on_update(lambda _: self.on_pull(vertex, np.asarray(gizmo.position) / UNIT))
        return gizmo

    def _show_dots(self, pins: Iterable[int], face: Faces) -> None:
        wanted = set(pins)
        for vertex in [vertex for vertex in self._dots if vertex not in wanted]:
            self._dots.pop(vertex).remove()
        radius = 0.012 * UNIT * float(self.high[0] - self.low[0])
        for vertex in wanted:
            if vertex not in self._dots:
                self._dots[vertex] = self.server.scene.add_icosphere(
                    f"/pins/{vertex}", radius=radius, color=(190, 40, 40)
                )
            self._dots[vertex].position = UNIT * face[vertex].astype(np.float64)


def hit(face: Faces, triangles: Ints, origin: Floats, direction: Floats) -> int | None:
    """Return the vertex nearest to where a ray first meets a face, None where it does not.

    Moeller and Trumbore, *Fast, Minimum Storage Ray/Triangle Intersection*, 1997.

    Parameters
    ----------
    face : float32 (V, 3), mm
    triangles : int (F, 3)
    origin, direction : float (3,), mm
    """
    corners = face.astype(np.float64)[triangles]
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    across = np.cross(direction, second)
    determinant = np.einsum("fc,fc->f", first, across)
    with np.errstate(divide="ignore", invalid="ignore"):
        away = origin - corners[:, 0]
        u = np.einsum("fc,fc->f", away, across) / determinant
        turned = np.cross(away, first)
        v = turned @ direction / determinant
        along = np.einsum("fc,fc->f", turned, second) / determinant
        inside = (u >= 0) & (v >= 0) & (u + v <= 1) & (along > 0)
    if not inside.any():
        return None
    met = int(np.where(inside, along, np.inf).argmin())
    point = origin + along[met] * direction
    ends = triangles[met]
    return int(ends[np.linalg.norm(face[ends] - point, axis=1).argmin()])
