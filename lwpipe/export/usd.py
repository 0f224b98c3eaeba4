"""Write a face and its blend shapes as USD."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from lwpipe.core.color import linear_of_srgb
from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import write_bytes
from lwpipe.export.morphs import Morphs
from lwpipe.export.surface import vertex_normals

SUFFIXES = (".usda", ".usdc", ".usd")
_METRES = 1e-3


def write_usd(morphs: Morphs, output: str | Path) -> None:
    """Write a face with its blend shapes (UsdSkel), atomically; equal faces give equal bytes.

    Lengths are metres, y is up and the face looks along +z. Blend shapes carry their names as
    tokens; their prims have names that are identifiers, `nose_1_plus` for `nose 1 +`. At first all
    are at 0, in the animation `/Face/Weights`.

    Parameters
    ----------
    morphs : Morphs
    output : `.usda` is text, `.usdc` and `.usd` are binary

    Raises
    ------
    LwpipeError
        If the suffix is another, the package usd-core is missing, or it cannot be written.
    """
    output = Path(output)
    if output.suffix not in SUFFIXES:
        raise LwpipeError(f"{output}: must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}.")
    try:
        from pxr import Usd
    except ImportError as error:
        raise LwpipeError(
            "the package usd-core is missing: install it, or lwpipe with its extra 'export'."
        ) from error
    stage = Usd.Stage.CreateInMemory()
    _fill(stage, morphs)
    # The library hides why it cannot write a file.
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / f"face{output.suffix}"
        stage.GetRootLayer().Export(str(made))
        write_bytes(output, made.read_bytes())


def _fill(stage: Any, morphs: Morphs) -> None:
    """Add the face, a skeleton of one joint that carries it, and the blend shapes."""
    from pxr import Gf, Sdf, UsdGeom, UsdSkel, Vt

    UsdGeom.SetStageMetersPerUnit(stage, 1.0)
    UsdGeom.SetStageUpAxis(stage, UsdGeom.Tokens.y)
    root = UsdSkel.Root.Define(stage, "/Face")
    stage.SetDefaultPrim(root.GetPrim())
    mesh = UsdGeom.Mesh.Define(stage, "/Face/Mesh")
    normals = vertex_normals(morphs.face, morphs.triangles)
    points = (morphs.face * _METRES).astype(np.float32)
    mesh.CreatePointsAttr(_vectors(points))
    mesh.CreateExtentAttr(_vectors(np.stack([points.min(axis=0), points.max(axis=0)])))
    mesh.CreateNormalsAttr(_vectors(normals))
    mesh.SetNormalsInterpolation(UsdGeom.Tokens.vertex)
    mesh.CreateSubdivisionSchemeAttr(UsdGeom.Tokens.none)
    mesh.CreateFaceVertexCountsAttr(Vt.IntArray([3] * len(morphs.triangles)))
    if morphs.colors is not None:
        # displayColor is linear, as all colours of USD are that do not say otherwise.
        painted = mesh.CreateDisplayColorPrimvar(UsdGeom.Tokens.vertex)
        painted.Set(_vectors(linear_of_srgb(morphs.colors / 255)))
    corners = morphs.triangles.astype(np.int32).reshape(-1)
    mesh.CreateFaceVertexIndicesAttr(Vt.IntArray.FromNumpy(corners))

    skeleton = UsdSkel.Skeleton.Define(stage, "/Face/Skeleton")
    still = Vt.Matrix4dArray([Gf.Matrix4d(1.0)])
    skeleton.CreateJointsAttr(["root"])
    skeleton.CreateBindTransformsAttr(still)
    skeleton.CreateRestTransformsAttr(still)
    animation = UsdSkel.Animation.Define(stage, "/Face/Weights")
    animation.CreateBlendShapesAttr(list(morphs.names))
    animation.CreateBlendShapeWeightsAttr([0.0] * len(morphs.names))
    UsdSkel.BindingAPI.Apply(skeleton.GetPrim()).CreateAnimationSourceRel().SetTargets(
        [animation.GetPath()]
    )
    binding = UsdSkel.BindingAPI.Apply(mesh.GetPrim())
    binding.CreateSkeletonRel().SetTargets([skeleton.GetPath()])
    binding.CreateJointIndicesPrimvar(True, 1).Set([0])
    binding.CreateJointWeightsPrimvar(True, 1).Set([1.0])
    binding.CreateBlendShapesAttr(list(morphs.names))
    paths = [Sdf.Path(f"/Face/Mesh/{name}") for name in identifiers(morphs.names)]
    binding.CreateBlendShapeTargetsRel().SetTargets(paths)
    for path, shape in zip(paths, morphs.shapes, strict=True):
        turned = vertex_normals(morphs.face + shape, morphs.triangles) - normals
        rows = np.flatnonzero((np.abs(shape) + np.abs(turned)).max(axis=1) > 0)
        target = UsdSkel.BlendShape.Define(stage, path)
        target.CreateOffsetsAttr(_vectors((shape[rows] * _METRES).astype(np.float32)))
        target.CreateNormalOffsetsAttr(_vectors(turned[rows]))
        target.CreatePointIndicesAttr(Vt.IntArray.FromNumpy(rows.astype(np.int32)))


def identifiers(names: tuple[str, ...]) -> list[str]:
    """Return names of prims for the names of blend shapes, all different.

    Examples
    --------
    >>> identifiers(("nose 1 +", "nose 1 -", "1/2", "1 2"))
    ['nose_1_plus', 'nose_1_minus', '_1_2', '_1_2_3']
    """
    made: list[str] = []
    for place, name in enumerate(names):
        said = name.replace("+", "plus").replace("-", "minus")
        word = re.sub(r"[^A-Za-z0-9_]", "_", said)
        word = word if re.match(r"[A-Za-z_]", word) else f"_{word}"
        made.append(word if word not in made else f"{word}_{place}")
    return made


def _vectors(points: Any) -> Any:
    from pxr import Vt

    return Vt.Vec3fArray.FromNumpy(np.ascontiguousarray(points, np.float32))
