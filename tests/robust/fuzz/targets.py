"""What is fuzzed: a reader, good inputs to begin with, and the words of its format.

A reader may take any bytes and has two answers: a value that holds what it promises, or one
sentence. Everything else that a target raises is a defect, warnings included.
"""

from __future__ import annotations

import io
import struct
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io

from lwpipe.core.errors import LwpipeError
from lwpipe.data.sources.aflw.mat import read_mat
from lwpipe.data.sources.meshes.items import list_meshes
from lwpipe.data.sources.meshes.places import find
from lwpipe.data.sources.meshes.table import read_table
from lwpipe.local_weights.painted import read_painted
from lwpipe.mesh.faults import MeshError
from lwpipe.mesh.read import check_mesh, parse_mesh
from lwpipe.run.load import merge, read_yaml, validate_run
from tests.helpers.gltf_scene import Scene, skinned, smile
from tests.helpers.mesh_files import TRIANGLES, VERTICES, WRITERS, shapes, write_obj

SEEDS = Path(__file__).parent / "seeds"
ROOT = Path(__file__).parents[3]
MAX_SENTENCE = 700


@dataclass(frozen=True)
class Target:
    """A reader under test.

    Attributes
    ----------
    read : callable
        Reads bytes; raises MeshError or LwpipeError for what is no valid input.
    examples : callable
        Returns good inputs.
    words : tuple of bytes
        What a mutation may put in.
    """

    read: Callable[[bytes], object]
    examples: Callable[[], list[bytes]]
    words: tuple[bytes, ...] = ()


def run(name: str, content: bytes) -> bool:
    """Read `content`; return whether it was valid, and raise for a defect of the reader."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            TARGETS[name].read(content)
        except (MeshError, LwpipeError) as error:
            sentence = str(error)
            if not sentence.isprintable() or len(sentence) > MAX_SENTENCE:
                raise AssertionError(f"not one short sentence: {sentence!r}") from error
            return False
    return True


# In memory where that is, since each input becomes a file.
_SHARED = Path("/dev/shm")
_FOLDER = tempfile.TemporaryDirectory(
    prefix="lwpipe_fuzz_", dir=_SHARED if _SHARED.is_dir() else None
)


def _file(content: bytes, suffix: str) -> Path:
    """Return a file of that content, which the next one replaces."""
    path = Path(_FOLDER.name) / f"input{suffix}"
    path.write_bytes(content)
    return path


def _mesh(suffix: str) -> Callable[[bytes], object]:
    def read(content: bytes) -> None:
        parse_mesh(content, suffix)

    return read


def _written(*kinds: str) -> Callable[[], list[bytes]]:
    def examples() -> list[bytes]:
        found = []
        for kind in kinds:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / f"a{WRITERS[kind][0]}"
                WRITERS[kind][1](path, VERTICES[:6], np.array([[0, 1, 5], [1, 2, 5]]))
                found.append(path.read_bytes())
        return found

    return examples


def _plys() -> list[bytes]:
    head = (
        "ply\nformat ascii 1.0\nelement vertex 4\nproperty float x\nproperty list uchar float w\n"
        "property float y\nproperty float z\nelement tristrips 1\nproperty list int int vertices\n"
        "end_header\n"
    )
    text = head + "0 1 7 0 0\n1 0 0 0\n0 2 7\n7 1 0\n1 0 1 0\n5 0 1 2 -1 3\n"
    body = b"".join(
        struct.pack(f"<fB{n}f2f", n, n, *[0.5] * n, 2 * n, 1) for n in (0, 2, 1, 0)
    ) + struct.pack("<6i", 5, 0, 1, 2, 3, -1)
    binary = head.replace("ascii", "binary_little_endian").encode() + body
    return [*_written("ply", "text ply")(), text.encode(), binary]


def _gltfs() -> list[bytes]:
    found = []
    for change in (smile, skinned):
        scene = Scene()
        change(scene)
        scene.header["nodes"][0].setdefault("weights", [0.5, 1, 1])
        found.append(scene.content())
    return [*_written("gltf")(), *found]


def _painted(suffix: str) -> Callable[[bytes], object]:
    def read(content: bytes) -> None:
        weights = read_painted(_file(content, f".painted{suffix}"), 6, _SIX).weights
        assert weights.shape[0] == 6
        assert np.isfinite(weights).all()
        assert np.allclose(weights.sum(axis=1), 1)

    return read


_SIX = np.array([[0, 1, 5], [1, 2, 5], [3, 4, 5]])


def _painted_arrays(suffix: str) -> list[bytes]:
    weights, file = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]] + 0.1, io.BytesIO()
    if suffix == ".npy":
        np.save(file, weights)
    else:
        np.savez(file, weights=weights, names=["a", "b", "c"])
    return [file.getvalue()]


def _painted_plys() -> list[bytes]:
    found = []
    for kind, full in (("uchar", 255), ("float", 1)):
        head = "ply\nformat ascii 1.0\nelement vertex 6\nproperty float x\nproperty float y\n"
        head += "property float z\n"
        head += "".join(f"property {kind} {name}\n" for name in ("red", "green", "blue"))
        head += "element face 3\nproperty list uchar int vertex_indices\nend_header\n"
        body = "".join(f"{i} {i} 0 {full * (i % 2)} 0 {full}\n" for i in range(6))
        body += "".join(f"3 {a} {b} {c}\n" for a, b, c in _SIX)
        found.append((head + body).encode())
    return found


def _mat(content: bytes) -> None:
    for array in read_mat(_file(content, ".mat"), ("Shape_Para", "Exp_Para")).values():
        assert array.dtype.kind in "iuf"


def _mats() -> list[bytes]:
    found = []
    for compressed in (False, True):
        file = io.BytesIO()
        values = {"Shape_Para": np.ones((3, 1)), "Exp_Para": np.ones((2, 1), np.float32)}
        scipy.io.savemat(file, values, do_compression=compressed)
        found.append(file.getvalue())
    return found


def _array(suffix: str) -> Callable[[bytes], object]:
    def read(content: bytes) -> None:
        path = _file(content, suffix)
        template = path.with_name("template.obj")
        if not template.exists():
            write_obj(template, VERTICES)
        for item in list_meshes(find(path))[:100]:
            check_mesh(*item.read())

    return read


def _arrays(suffix: str) -> Callable[[], list[bytes]]:
    def examples() -> list[bytes]:
        file = io.BytesIO()
        if suffix == ".npy":
            np.save(file, shapes(2).astype(np.float32))
        else:
            np.savez(file, vertices=shapes(2).astype(np.float32), triangles=TRIANGLES[:2])
        return [file.getvalue()]

    return examples


def _table(content: bytes) -> None:
    read_table(_file(content, ".csv"), ["a.obj", "b.obj"])


@cache
def _defaults() -> dict[str, Any]:
    return read_yaml(ROOT / "config.yaml")


def _config(content: bytes) -> None:
    path = _file(content, ".yaml")
    layer = read_yaml(path)
    layers = [("config.yaml", _defaults()), (str(path), layer)]
    validate_run(merge(_defaults(), layer), layers)


def _configs() -> list[bytes]:
    own = (
        b"name: x\ndata: {faces: 40, seed: 1}\nvariants: {a: {model: {latent_size: 8}}, b: null}\n"
    )
    return [own, *(path.read_bytes() for path in sorted(ROOT.glob("presets/*.yaml")))]


TARGETS = {
    "obj": Target(
        _mesh(".obj"),
        _written("obj"),
        (b"\nv ", b"\nf ", b" -1", b"/", b"nan", b"\\", b"#", b"\xef\xbb\xbf", b"\xff\xfe", b"1,5"),
    ),
    "ply": Target(
        _mesh(".ply"),
        _plys,
        (
            b"\nelement ",
            b"\nproperty ",
            b"list uchar int ",
            b"ascii",
            b"binary_big_endian",
            b"-1",
            b"tristrips",
            b"vertices",
            b"\r",
            b"1,5",
        ),
    ),
    "stl": Target(
        _mesh(".stl"),
        _written("stl", "text stl"),
        (b"solid", b"vertex", b"endsolid", b"facet normal ", b"\r"),
    ),
    "off": Target(
        _mesh(".off"), _written("off"), (b"OFF", b"COFF", b"#", b"-1", b"off4 ", b"\r", b"3.0")
    ),
    "glb": Target(_mesh(".glb"), _written("glb"), (b"BIN\0", b"JSON", b"byteStride")),
    "gltf": Target(
        _mesh(".gltf"),
        _gltfs,
        (
            b'"children":[',
            b'"mode":5',
            b'"byteStride":',
            b'"sparse":',
            b'"matrix":[',
            b"null",
            b'"weights":[',
            b'"targets":[',
            b'"skin":0',
            b'"normalized":true',
        ),
    ),
    "npy": Target(_array(".npy"), _arrays(".npy"), (b"'>f8'", b"'|O'", b"True", b"-1", b"(", b"[")),
    "npz": Target(_array(".npz"), _arrays(".npz"), (b"PK\1\2", b"PK\3\4", b"PK\5\6", b"'|O'")),
    "mat": Target(_mat, _mats, (b"\x0e\0\0\0", b"\x0f\0\0\0", b"\xff\xff\xff\xff", b"Exp_Para")),
    "table": Target(
        _table,
        lambda: [b"file,split,subject\na.obj,train,x\nb.obj,test,y\n"],
        (b"expression", b'"', b"\r\n", b"\xef\xbb\xbf", b"\\", b"A.OBJ", b"a"),
    ),
    "painted csv": Target(
        _painted(".csv"),
        lambda: [
            b"a,b\n" + b"1,0\n0.5,0.5\n" * 3,
            b"region\nnose\nchin\nnose\nchin\nnose\nchin\n",
        ],
        (b",", b";", b'"', b"\r\n", b"\t", b"nan", b"-1", b"1e999", b"\xef\xbb\xbf"),
    ),
    "painted ply": Target(
        _painted(".ply"),
        _painted_plys,
        (b"red", b"uchar", b"float", b"ushort", b"nan", b"-1", b"256", b"\nelement "),
    ),
    "painted npy": Target(
        _painted(".npy"), lambda: _painted_arrays(".npy"), (b"'|b1'", b"'|O'", b"'<i8'", b"(")
    ),
    "painted npz": Target(
        _painted(".npz"), lambda: _painted_arrays(".npz"), (b"PK\1\2", b"names", b"'<U1'", b"'|O'")
    ),
    "config": Target(
        _config,
        _configs,
        (b"&a ", b"*a", b"<<: ", b"!!python/name:os.system", b"- ", b"{", b"1e9999", b".nan"),
    ),
}
