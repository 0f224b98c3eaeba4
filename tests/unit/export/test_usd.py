"""Blend shapes as USD, read by its own library."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from lwpipe.cli.main import main
from lwpipe.core.errors import LwpipeError
from lwpipe.export import Morphs, write_usd
from tests.unit.editing.test_keeping import MODEL

pxr = pytest.importorskip("pxr", reason="needs usd-core (pip install usd-core)")


@pytest.mark.parametrize("suffix", [".usda", ".usdc"])
def test_weights_move_the_face(morphs: Morphs, tmp_path: Path, suffix: str) -> None:
    """The points are computed as a renderer does it: from weights, by UsdSkel."""
    from pxr import Usd, UsdGeom, UsdSkel, Vt

    write_usd(morphs, tmp_path / f"a{suffix}")
    stage = Usd.Stage.Open(str(tmp_path / f"a{suffix}"))
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    assert stage.GetDefaultPrim().GetPath() == "/Face"
    mesh = UsdGeom.Mesh(stage.GetPrimAtPath("/Face/Mesh"))
    points = np.array(mesh.GetPointsAttr().Get())
    np.testing.assert_allclose(1000 * points, morphs.face, atol=1e-4)
    corners = np.array(mesh.GetFaceVertexIndicesAttr().Get()).reshape(-1, 3)
    np.testing.assert_array_equal(corners, morphs.triangles)

    binding = UsdSkel.BindingAPI(mesh.GetPrim())
    assert tuple(binding.GetBlendShapesAttr().Get()) == morphs.names
    animation = UsdSkel.Animation(stage.GetPrimAtPath("/Face/Weights"))
    assert tuple(animation.GetBlendShapesAttr().Get()) == morphs.names
    assert set(animation.GetBlendShapeWeightsAttr().Get()) == {0.0}
    query = UsdSkel.BlendShapeQuery(binding)
    weights = Vt.FloatArray([0.0] * len(morphs.names))
    weights[6], weights[1] = 1.0, 0.5
    given = query.ComputeSubShapeWeights(weights)
    moved = Vt.Vec3fArray.FromNumpy(points)
    assert query.ComputeDeformedPoints(
        *given, query.ComputeBlendShapePointIndices(), query.ComputeSubShapePointOffsets(), moved
    )
    expected = morphs.face + morphs.shapes[6] + 0.5 * morphs.shapes[1]
    np.testing.assert_allclose(1000 * np.array(moved), expected, atol=0.01)


def test_equal_models_give_equal_bytes(run: Path, tmp_path: Path) -> None:
    for name in "ab":
        words = ["export", "usd", str(run), "--output", str(tmp_path / f"{name}.usdc")]
        assert main(words) == 0
    assert (tmp_path / "a.usdc").read_bytes() == (tmp_path / "b.usdc").read_bytes()


def test_a_shape_holds_only_what_it_moves(morphs: Morphs, tmp_path: Path) -> None:
    from pxr import Usd, UsdSkel

    write_usd(morphs, tmp_path / "a.usda")
    stage = Usd.Stage.Open(str(tmp_path / "a.usda"))
    shape = UsdSkel.BlendShape(stage.GetPrimAtPath("/Face/Mesh/nose_1_plus"))
    rows = np.array(shape.GetPointIndicesAttr().Get())
    assert 0 < len(rows) <= MODEL.vertex_count
    offsets = np.zeros_like(morphs.face)
    offsets[rows] = 1000 * np.array(shape.GetOffsetsAttr().Get())
    np.testing.assert_allclose(offsets, morphs.shapes[6], atol=1e-4)


def test_what_is_wrong_is_a_sentence(
    morphs: Morphs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(LwpipeError, match=r"a\.fbx: must end in \.usda, \.usdc or \.usd\.$"):
        write_usd(morphs, tmp_path / "a.fbx")
    (tmp_path / "file").write_text("")
    with pytest.raises(LwpipeError, match="cannot be written"):
        write_usd(morphs, tmp_path / "file" / "a.usda")
    monkeypatch.setitem(sys.modules, "pxr", None)
    with pytest.raises(LwpipeError, match=r"^the package usd-core is missing: install it"):
        write_usd(morphs, tmp_path / "a.usda")
    assert not (tmp_path / "a.usda").exists()
