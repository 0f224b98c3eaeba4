"""One file in the folder of a plugin is one more source."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = '''
"""Source 'noise-blobs': a square with bumps, its lowest point read from a file."""

from pathlib import Path

import numpy as np

from lwpipe.core.settings import Positive, Section
from lwpipe.core.stage import Size
from lwpipe.data.source import Made, Source, numbered

SIDE = 20


class BlobsSettings(Section):
    """Bumps; read with source 'noise-blobs'."""

    file: str | None = None
    """File with the lowest point. Unit: mm."""
    height: Positive = 30.0
    """Standard deviation. Unit: mm."""


class Blobs(Source[BlobsSettings]):
    """A square a face."""

    name = "noise-blobs"
    Settings = BlobsSettings
    required = ("file",)
    alignment = "on request"
    endless = True

    def inputs(self):
        return [Path(self.own.file)]

    def size(self):
        return Size(self.faces, SIDE**2)

    def check(self):
        return f"blobs above {Path(self.own.file).read_text()}"

    def open(self):
        index = np.arange(SIDE**2).reshape(SIDE, SIDE)
        a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
        pairs = [np.stack(each, -1).reshape(-1, 3) for each in ((a, b, d), (a, d, c))]
        ids = numbered("blob", self.faces)
        drawn = Drawn(
            ids=ids, subjects=ids, expressions=[""] * self.faces,
            triangles=np.concatenate(pairs), vertex_count=SIDE**2, at_once=3,
        )
        noise = np.random.default_rng(self.seed).normal(size=(self.faces, SIDE**2))
        drawn.z = float(Path(self.own.file).read_text()) + self.own.height * np.abs(noise)
        return drawn


class Drawn(Made):
    def make(self, rows):
        y, x = np.divmod(np.arange(SIDE**2) * 10.0, SIDE * 10.0)
        z = self.z[rows]
        return np.stack([np.broadcast_to(x, z.shape), np.broadcast_to(y, z.shape), z], -1)

    def provenance(self):
        return {"licence": "none", "alignment": None}
'''

PROGRAM = """
import json, sys
from lwpipe.data.make import make_dataset
from lwpipe.data.settings import SOURCES, DataSettings
from lwpipe.data.store import Dataset

file, folder = sys.argv[1:]
own = {"file": file, "height": 5.0}
data = DataSettings(source="noise-blobs", faces=8, seed=3, noise_blobs=own)
source = data.make_source()
make_dataset(data, folder)
store = Dataset.open(folder)
print(json.dumps({
    "sources": list(SOURCES),
    "schema": DataSettings.model_json_schema(),
    "keys": DataSettings.keys("noise-blobs"),
    "aligned": data.aligned,
    "inputs": [str(each) for each in source.inputs()],
    "size": [source.size().faces, source.size().vertices],
    "check": source.check(),
    "shape": store.vertices.shape,
    "lowest": float(store.vertices[..., 2].min()),
    "ids": list(store.faces["id"]),
    "info": json.loads(open(f"{folder}/dataset.json").read()),
}))
"""


def plugin(folder: Path, text: str, name: str = "blobs") -> Path:
    (folder / "data/sources").mkdir(parents=True)
    (folder / f"data/sources/{name}.py").write_text(text)
    return folder


def python(program: str, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *words],
        env={**os.environ, "LWPIPE_PLUGINS": str(folder)},
        capture_output=True,
        text=True,
    )


def test_a_file_is_a_source(tmp_path: Path) -> None:
    lowest = tmp_path / "lowest.txt"
    lowest.write_text("70")
    ended = python(
        PROGRAM, plugin(tmp_path / "plugin", SOURCE), str(lowest), str(tmp_path / "store")
    )
    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    names = ["synthetic", "ict", "makehuman", "aflw2000-3d", "meshes", "noise-blobs"]
    assert found["sources"] == names
    schema = found["schema"]
    assert schema["properties"]["source"]["enum"] == names
    assert schema["properties"]["noise_blobs"]["default"] == {"file": None, "height": 30.0}
    own = schema["$defs"]["BlobsSettings"]
    assert own["description"] == "Bumps; read with source 'noise-blobs'."
    assert own["properties"]["height"]["description"] == "Standard deviation. Unit: mm."
    # It is neither aligned by default nor ever at an end.
    for key in ("align", "faces"):
        assert "noise-blobs" not in schema["properties"][key]["description"]
    shared = ["source", "faces", "test_fraction", "split_by", "seed"]
    assert found["keys"] == [*shared, "align", "scale", "noise_blobs"]
    assert found["aligned"] is False
    assert found["inputs"] == [str(lowest)]
    assert found["size"] == [8, 400]
    assert found["check"] == "blobs above 70"
    assert found["shape"] == [8, 400, 3]
    assert 70 <= found["lowest"] < 71
    assert found["ids"] == [f"blob_{row:05d}" for row in range(8)]
    assert found["info"]["source"] == "noise-blobs"
    assert found["info"]["licence"] == "none"
    assert found["info"]["seed"] == 3
    assert found["info"]["alignment"] is None


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ("source='noise-blobs'", "source 'noise-blobs' needs data.noise_blobs.file"),
        (
            "source='noise-blobs', faces=None, noise_blobs={'file': 'x'}",
            "source 'noise-blobs' needs a number for data.faces",
        ),
    ],
)
def test_what_it_declares_is_checked(tmp_path: Path, values: str, words: str) -> None:
    program = f"from lwpipe.data.settings import DataSettings\nDataSettings({values})"
    ended = python(program, plugin(tmp_path, SOURCE))
    assert ended.returncode == 1
    assert words in ended.stderr


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ict", "`data.ict` is the section of "),
        ("aflw2000_3d", "`data.aflw2000_3d` is the section of lwpipe.data.sources.aflw."),
        ("own", "`data.own` is a key of all sources"),
        ("seed", "`data.seed` is a key of all sources"),
        ("test-fraction", "`data.test_fraction` is a key of all sources"),
    ],
)
def test_a_source_does_not_take_the_place_of_another(tmp_path: Path, name: str, words: str) -> None:
    folder = plugin(tmp_path, SOURCE.replace('name = "noise-blobs"', f'name = "{name}"'))
    program = (
        "from lwpipe.core.errors import LwpipeError\n"
        "try: import lwpipe.data.settings\n"
        "except LwpipeError as error: print(error)"
    )
    ended = python(program, folder)
    assert ended.returncode == 0, ended.stderr
    assert words in ended.stdout
    assert "lwpipe.data.sources.blobs" in ended.stdout
