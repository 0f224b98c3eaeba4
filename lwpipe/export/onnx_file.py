"""Write a trained model as ONNX."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

import lwpipe
from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import write_bytes

if TYPE_CHECKING:
    from onnx import ModelProto

    from lwpipe.model import PartModel

# What the runtimes of the time read, in browsers too.
OPSET = 25
IR_VERSION = 13
GRAPHS = ("edit", "encode", "project", "decode")
_DIALS = {
    "part": "which part is exchanged, from 0",
    "alpha": "0: the source, 1: the target's part",
    "keep": "how far what lies outside the part is held, from 0 to 1; 1 moves nothing there",
    "harmony": "how far the rest follows as faces do, from 0 to 1; with keep below 1",
}
_DOES = {
    "edit": "exchange a part of faces for that of others, keeping what the model cannot represent",
    "encode": "encode faces to codes and part encodings",
    "project": "project codes to part encodings",
    "decode": "decode part encodings to faces",
}
# Protocol Buffers hold no larger message.
_LARGEST = 2**31 - 1


def make_onnx(
    model: PartModel, graph: str = "edit", part_names: Sequence[str] | None = None
) -> ModelProto:
    """Return a model as an ONNX graph; the number of faces is free.

    - `edit`: `source`, `target` (batch, V, 3), `part` (int64), `alpha`, `keep` and `harmony`
      (batch, or 1 for all) to `edited` (batch, V, 3)
    - `encode`: `faces` (batch, V, 3) to `z` (batch, Z) and `parts` (batch, K, Z)
    - `project`: `z` to `parts`
    - `decode`: `parts` to `faces`

    Faces are float32 in mm. The metadata say units, dials, names of the parts, and the SHA-256 of
    the template: of V x 3 float32 and F x 3 int64.

    Parameters
    ----------
    model : PartModel
    graph : one of `GRAPHS`
    part_names : of each part; None: by their numbers

    Raises
    ------
    LwpipeError
        If the package onnx is missing.
    """
    try:
        from onnx import TensorProto, checker, helper
    except ImportError as error:
        raise LwpipeError(
            "the package onnx is missing: install it, or lwpipe with its extra 'export'."
        ) from error
    from lwpipe.export.onnx_edit import add_edit
    from lwpipe.export.onnx_graph import Graph, Network

    made = Graph()
    network = Network(model, made)
    faces = ("batch", model.vertex_count, model.channels)
    codes = ("batch", model.latent_size)
    parts = ("batch", model.part_count, model.latent_size)
    inputs: dict[str, tuple[Any, ...]] = {}
    outputs: dict[str, tuple[Any, ...]] = {}
    if graph == "edit":
        inputs = {"source": faces, "target": faces, **dict.fromkeys(_DIALS, ("dials",))}
        outputs = {"edited": faces}
        add_edit(made, model, "edited")
    elif graph == "encode":
        inputs, outputs = {"faces": faces}, {"z": codes, "parts": parts}
        z = made.op("Identity", network.encode("faces"), name="z")
        made.op("Identity", network.parts(z), name="parts")
    elif graph == "project":
        inputs, outputs = {"z": codes}, {"parts": parts}
        made.op("Identity", network.parts("z"), name="parts")
    elif graph == "decode":
        inputs, outputs = {"parts": parts}, {"faces": faces}
        made.op("Identity", network.decode("parts"), name="faces")
    else:
        raise ValueError(f"graph {graph!r} is not one of {', '.join(GRAPHS)}")

    def told(shapes: dict[str, tuple[Any, ...]]) -> list[Any]:
        kinds = {"part": TensorProto.INT64}
        return [
            helper.make_tensor_value_info(name, kinds.get(name, TensorProto.FLOAT), shape)
            for name, shape in shapes.items()
        ]

    proto = helper.make_model(
        helper.make_graph(
            made.nodes, f"lwpipe_{graph}", told(inputs), told(outputs), [*made.constants.values()]
        ),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="lwpipe",
        producer_version=lwpipe.__version__,
        doc_string=f"A locally weighted model of faces: {_DOES[graph]}.",
    )
    helper.set_model_props(proto, _metadata(model, graph, part_names))
    checker.check_model(proto)
    return proto


def write_onnx(
    model: PartModel,
    output: str | Path,
    graph: str = "edit",
    part_names: Sequence[str] | None = None,
) -> None:
    """Write what `make_onnx` makes, atomically; equal models give equal bytes.

    Raises
    ------
    LwpipeError
        If the package onnx is missing, the graph has more than 2 GB, or it cannot be written.
    """
    proto = make_onnx(model, graph, part_names)
    if proto.ByteSize() > _LARGEST:
        raise LwpipeError(f"{output}: the graph takes more than the 2 GB that ONNX can hold.")
    write_bytes(output, proto.SerializeToString(deterministic=True))


def _metadata(model: PartModel, graph: str, part_names: Sequence[str] | None) -> dict[str, str]:
    template = np.ascontiguousarray(model.template, "<f4").tobytes()
    triangles = np.ascontiguousarray(model.triangles, "<i8").tobytes()
    names = part_names or [f"part {part}" for part in range(model.part_count)]
    told = {
        "graph": graph,
        "units": "mm" if model.channels == 3 else "mm, and L*a*b* (D65)",
        "vertices": str(model.vertex_count),
        "triangles": str(len(model.triangles)),
        "template_sha256": hashlib.sha256(template + triangles).hexdigest(),
        "part_names": json.dumps(list(names), ensure_ascii=False),
    }
    return told | ({"dials": json.dumps(_DIALS)} if graph == "edit" else {})
