"""Edit a face part by part: with a trained model, or in closed form for comparison."""

from lwpipe.editing.baselines import MaskBlend, Pca, ProjectedMaskBlend
from lwpipe.editing.editors import Editor, FaceModel, ModelEditor
from lwpipe.editing.edits import (
    alphas,
    blend_part,
    combine,
    interpolate_part,
    mask_blend,
)

__all__ = [
    "Editor",
    "FaceModel",
    "MaskBlend",
    "ModelEditor",
    "Pca",
    "ProjectedMaskBlend",
    "alphas",
    "blend_part",
    "combine",
    "interpolate_part",
    "mask_blend",
]
