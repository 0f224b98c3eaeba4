"""A trained model in files that other programs open: glTF, ONNX, a web page, USD."""

from typing import TYPE_CHECKING

from lwpipe.core.lazy import lazily

if TYPE_CHECKING:
    from lwpipe.export.glb import write_glb
    from lwpipe.export.morphs import Morphs, exchanges, principal_directions
    from lwpipe.export.onnx_file import make_onnx, write_onnx
    from lwpipe.export.page import write_html
    from lwpipe.export.usd import write_usd

__all__ = [
    "Morphs",
    "exchanges",
    "make_onnx",
    "principal_directions",
    "write_glb",
    "write_html",
    "write_onnx",
    "write_usd",
]

__getattr__ = lazily(
    __name__,
    {
        "Morphs": "lwpipe.export.morphs",
        "exchanges": "lwpipe.export.morphs",
        "make_onnx": "lwpipe.export.onnx_file",
        "principal_directions": "lwpipe.export.morphs",
        "write_glb": "lwpipe.export.glb",
        "write_html": "lwpipe.export.page",
        "write_onnx": "lwpipe.export.onnx_file",
        "write_usd": "lwpipe.export.usd",
    },
)
