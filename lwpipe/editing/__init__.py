"""Edit a face part by part: with a trained model, or in closed form for comparison."""

from typing import TYPE_CHECKING

from lwpipe.core.lazy import lazily

if TYPE_CHECKING:
    from lwpipe.editing.baselines import MaskBlend, Pca, ProjectedMaskBlend
    from lwpipe.editing.editors import Editor, FaceModel, KeepingEditor, ModelEditor, make_editor
    from lwpipe.editing.edits import alphas, blend_part, combine, interpolate_part, mask_blend
    from lwpipe.editing.settings import EditingSettings

__all__ = [
    "EditingSettings",
    "Editor",
    "FaceModel",
    "KeepingEditor",
    "MaskBlend",
    "ModelEditor",
    "Pca",
    "ProjectedMaskBlend",
    "alphas",
    "blend_part",
    "combine",
    "interpolate_part",
    "make_editor",
    "mask_blend",
]

# Reading settings must not wait for what the room computes with.
__getattr__ = lazily(
    __name__,
    {
        "EditingSettings": "lwpipe.editing.settings",
        "Editor": "lwpipe.editing.editors",
        "FaceModel": "lwpipe.editing.editors",
        "KeepingEditor": "lwpipe.editing.editors",
        "MaskBlend": "lwpipe.editing.baselines",
        "ModelEditor": "lwpipe.editing.editors",
        "Pca": "lwpipe.editing.baselines",
        "ProjectedMaskBlend": "lwpipe.editing.baselines",
        "alphas": "lwpipe.editing.edits",
        "blend_part": "lwpipe.editing.edits",
        "combine": "lwpipe.editing.edits",
        "interpolate_part": "lwpipe.editing.edits",
        "make_editor": "lwpipe.editing.editors",
        "mask_blend": "lwpipe.editing.edits",
    },
)
