"""Edit a face part by part: with a trained model, or in closed form for comparison."""

from typing import TYPE_CHECKING

from lwpipe.core.lazy import lazily

if TYPE_CHECKING:
    from lwpipe.editing.baselines import HarmonisedMaskBlend, MaskBlend, ProjectedMaskBlend
    from lwpipe.editing.channels import ChannelEditor
    from lwpipe.editing.editors import (
        Editor,
        FaceModel,
        KeepingEditor,
        ModelEditor,
        edit_part,
        make_editor,
    )
    from lwpipe.editing.edits import alphas, blend_part, combine, interpolate_part, mask_blend
    from lwpipe.editing.linear_model import LinearModel
    from lwpipe.editing.pca import Pca
    from lwpipe.editing.poisson import PoissonPaste
    from lwpipe.editing.region_pca import RegionExchange, RegionPca
    from lwpipe.editing.settings import EditingSettings

__all__ = [
    "ChannelEditor",
    "EditingSettings",
    "Editor",
    "FaceModel",
    "HarmonisedMaskBlend",
    "KeepingEditor",
    "LinearModel",
    "MaskBlend",
    "ModelEditor",
    "Pca",
    "PoissonPaste",
    "ProjectedMaskBlend",
    "RegionExchange",
    "RegionPca",
    "alphas",
    "blend_part",
    "combine",
    "edit_part",
    "interpolate_part",
    "make_editor",
    "mask_blend",
]

# Reading settings must not wait for what the room computes with.
__getattr__ = lazily(
    __name__,
    {
        "ChannelEditor": "lwpipe.editing.channels",
        "EditingSettings": "lwpipe.editing.settings",
        "Editor": "lwpipe.editing.editors",
        "FaceModel": "lwpipe.editing.editors",
        "HarmonisedMaskBlend": "lwpipe.editing.baselines",
        "KeepingEditor": "lwpipe.editing.editors",
        "LinearModel": "lwpipe.editing.linear_model",
        "MaskBlend": "lwpipe.editing.baselines",
        "ModelEditor": "lwpipe.editing.editors",
        "Pca": "lwpipe.editing.pca",
        "PoissonPaste": "lwpipe.editing.poisson",
        "ProjectedMaskBlend": "lwpipe.editing.baselines",
        "RegionExchange": "lwpipe.editing.region_pca",
        "RegionPca": "lwpipe.editing.region_pca",
        "alphas": "lwpipe.editing.edits",
        "blend_part": "lwpipe.editing.edits",
        "combine": "lwpipe.editing.edits",
        "edit_part": "lwpipe.editing.editors",
        "interpolate_part": "lwpipe.editing.edits",
        "make_editor": "lwpipe.editing.editors",
        "mask_blend": "lwpipe.editing.edits",
    },
)
