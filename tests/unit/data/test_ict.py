from __future__ import annotations

import gzip
import hashlib
import io
import os
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from lwpipe.core.errors import LwpipeError
from lwpipe.data import archives
from lwpipe.data.make import make_dataset
from lwpipe.data.settings import DataSettings
from lwpipe.data.sources.ict import Expressions, IctSettings
from lwpipe.data.sources.ict import kit as ict
from lwpipe.data.sources.ict.draw import draw_faces, expression_label
from lwpipe.data.sources.ict.files import known_hashes, read_files
from lwpipe.data.sources.ict.jaw import fit_jaw
from lwpipe.data.sources.ict.kit import (
    make_faces,
    parse_triangles,
    parse_vertices,
    read_kit,
)
from lwpipe.mesh.topology import triangle_normals

REGION = 8  # vertices of the fake kit's region, of 12
SOURCE = os.environ.get("LWPIPE_ICT_SOURCE")
needs_kit = pytest.mark.skipif(
    not SOURCE, reason="LWPIPE_ICT_SOURCE does not name ICT-FaceKit Light"
)


def obj(points: np.ndarray) -> bytes:
    lines = ["# a comment", "mtllib some.mtl", *(f"v {x} {y} {z}" for x, y, z in points.tolist())]
    lines += ["vt 0 0", "usemtl M_Face", "f 1/1 2/1 3/1 4/1", "f 4/1 5/1 6/1", "f 8/1 9/1 10/1 7/1"]
    return ("\n".join(lines) + "\n").encode()


class FakeKit:
    """Three identity modes and four expressions on twelve vertices, in centimetres."""

    def __init__(self, folder: Path) -> None:
        random = np.random.default_rng(4)
        self.neutral = random.normal(size=(12, 3)).round(5) * 10
        self.offsets = {}
        for name in ("identity000", "identity001", "identity002", "jawOpen", "smile", "mouthClose"):
            self.offsets[name] = random.normal(size=(12, 3)).round(5)
        # Moves only vertices outside of the region.
        self.offsets["PupilDilate_L"] = np.r_[np.zeros((REGION, 3)), np.ones((4, 3))]
        self.files = {"generic_neutral_mesh.obj": obj(self.neutral)}
        for name, offset in self.offsets.items():
            self.files[f"{name}.obj"] = obj(self.neutral + offset)
        self.hashes = {n: hashlib.sha256(c).hexdigest() for n, c in self.files.items()}
        self.folder = folder / "kit"
        (self.folder / "FaceXModel").mkdir(parents=True)
        for name, content in self.files.items():
            (self.folder / "FaceXModel" / name).write_bytes(content)

    def read(self, path: Path | None = None, **more: object) -> ict.IctKit:
        settings = IctSettings(path=str(path or self.folder), **{"identities": 3, **more})
        return read_kit(settings, hashes=self.hashes, vertex_count=REGION)


@pytest.fixture
def fake(tmp_path: Path) -> FakeKit:
    return FakeKit(tmp_path)


def test_kit_is_cut_to_the_region_in_millimetres(fake: FakeKit) -> None:
    kit = fake.read()
    np.testing.assert_allclose(kit.neutral, fake.neutral[:REGION] * 10)
    np.testing.assert_allclose(
        kit.identities[1], fake.offsets["identity001"][:REGION] * 10, atol=1e-9
    )
    # The quad a b c d is cut from a to c; the quad with vertices outside falls away.
    np.testing.assert_array_equal(kit.triangles, [[0, 1, 2], [0, 2, 3], [3, 4, 5]])
    assert kit.expression_names == ("jawOpen", "mouthClose", "smile")


def test_fewer_identities_and_no_expressions_read_fewer_files(fake: FakeKit) -> None:
    for name in ("identity002", "smile", "jawOpen"):
        (fake.folder / "FaceXModel" / f"{name}.obj").unlink()
    kit = fake.read(identities=2, max_expressions=0)
    assert kit.identities.shape == (2, REGION, 3)
    assert kit.expressions.shape == (0, REGION, 3)
    assert make_faces(kit, np.ones((4, 2)), np.ones((4, 0))).shape == (4, REGION, 3)


def test_a_face_is_the_sum_of_the_formula(fake: FakeKit) -> None:
    face = make_faces(fake.read(), [[1.5, 0.0, -2.0]], [[0.5, 0.0, 0.25]])[0]
    offset = fake.offsets
    expected = (
        fake.neutral
        + 1.5 * offset["identity000"]
        - 2 * offset["identity002"]
        + 0.5 * offset["jawOpen"]
        + 0.25 * offset["smile"]
    )
    np.testing.assert_allclose(face, expected[:REGION] * 10, atol=1e-9)


def test_coefficients_have_the_stated_distribution(fake: FakeKit) -> None:
    kit = fake.read()
    settings = IctSettings(max_expressions=2, expression_min=0.3, expression_max=0.6)
    drawn = draw_faces(kit, settings, 4000, (1, 1), 1)
    identity, expression = drawn.identity, drawn.expression
    assert identity.mean() == pytest.approx(0, abs=0.03)
    assert identity.std() == pytest.approx(1, abs=0.03)
    active = expression[expression > 0]
    assert active.min() >= 0.3
    assert active.max() <= 0.6
    close, jaw, smile = (kit.expression_names.index(n) for n in ("mouthClose", "jawOpen", "smile"))
    assert (expression[:, jaw] >= expression[:, close]).all()
    neutral = (expression == 0).all(axis=1).mean()
    assert neutral == pytest.approx(1 / 3, abs=0.03)
    # 0, 1 or 2 of three: one of them is active in a third of all faces.
    assert (expression[:, smile] > 0).mean() == pytest.approx(1 / 3, abs=0.03)


def test_more_faces_begin_with_the_same(fake: FakeKit) -> None:
    kit = fake.read()
    for settings in (IctSettings(), IctSettings(people=3)):
        few, many = (draw_faces(kit, settings, n, (7, 1), 7) for n in (5, 50))
        np.testing.assert_array_equal(few.identity, many.identity[:5])
        np.testing.assert_array_equal(few.expression, many.expression[:5])
        other = draw_faces(kit, settings, 5, (8, 1), 8)
        assert not np.array_equal(few.identity, other.identity)


def test_people_perform_the_same_sequences_in_their_own_way(fake: FakeKit) -> None:
    kit = fake.read()
    settings = IctSettings(
        identities=3, people=4, sequences=2, max_expressions=1, expression_min=0.5
    )
    drawn = draw_faces(kit, settings, 400, (3, 1), 3)
    assert len(np.unique(drawn.identity, axis=0)) == 4
    np.testing.assert_array_equal(drawn.persons, np.arange(400) % 4)
    np.testing.assert_array_equal(drawn.identity[:4], drawn.identity[4:8])
    shown = (drawn.expression > 0).sum(axis=1)
    assert shown.max() <= 2, "one, and the jaw that mouthClose needs"
    assert (drawn.expression.max(axis=0) > 0).sum() <= 3
    strongest = [drawn.expression[drawn.persons == person].max() for person in range(4)]
    assert len(set(strongest)) == 4
    assert 0.4 < min(strongest) <= max(strongest) <= 0.8


def test_frames_of_the_same_people_are_their_factors(fake: FakeKit) -> None:
    kit = fake.read()
    settings = IctSettings(identities=3, people=4, sequences=2)
    person, source, target = Expressions(kit, settings, 3).draw(40, 5)
    data = draw_faces(kit, settings, 40, (3, 1), 3)
    np.testing.assert_array_equal(person, data.identity)
    for drawn in (source, target):
        assert not {tuple(row) for row in drawn} & {tuple(row) for row in data.expression}
    assert not np.array_equal(source, target)


def test_people_have_expressions_to_perform() -> None:
    with pytest.raises(ValueError, match="max_expressions must be at least 1"):
        IctSettings(people=2, max_expressions=0)


def test_a_jaw_that_turns_keeps_its_distance_from_the_hinge() -> None:
    rng = np.random.default_rng(0)
    neutral = rng.uniform(-50, 50, (80, 3)) + np.array([0, -60, 80])
    turn = np.radians(20)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    hinge = np.array([10.0, -5.0])
    displacement = np.zeros((80, 3))
    displacement[:, 1:] = (neutral[:, 1:] - hinge) @ (rotation - np.eye(2)).T
    displacement[60:] = 0
    jaw = fit_jaw(neutral, displacement)
    np.testing.assert_allclose(jaw.hinge, hinge)
    np.testing.assert_allclose(jaw.angles[:60], turn)
    np.testing.assert_allclose(jaw.rest, 0, atol=1e-9)
    faces = np.stack([neutral, neutral, neutral + 5])
    jaw.open(faces, np.array([0.5, 1.0, 0.7]))
    np.testing.assert_allclose(faces[1], neutral + displacement)
    for face, before in zip(faces, (neutral, neutral, neutral + 5), strict=True):
        np.testing.assert_allclose(
            np.linalg.norm(face[:, 1:] - hinge, axis=1),
            np.linalg.norm(before[:, 1:] - hinge, axis=1),
        )
    np.testing.assert_allclose(faces[:, 60:], np.stack([neutral, neutral, neutral + 5])[:, 60:])


def test_a_turning_jaw_opens_by_the_shape_of_the_kit() -> None:
    rng = np.random.default_rng(1)
    neutral = rng.uniform(-50, 50, (40, 3)) + np.array([0, -60, 80])
    expressions = rng.normal(0, 2, (2, 40, 3))
    expressions[0, :, 1] -= np.linspace(0, 40, 40)
    straight = ict.IctKit(
        neutral=neutral,
        triangles=np.array([[0, 1, 2]]),
        identities=rng.normal(0, 1, (1, 40, 3)),
        expressions=expressions,
        expression_names=("jawOpen", "smile"),
    )
    turning = replace(straight, jaw=fit_jaw(neutral, expressions[0]))
    nobody = np.zeros((2, 1))
    whole, half = (
        [make_faces(kit, nobody, share * np.eye(2)) for kit in (straight, turning)]
        for share in (1.0, 0.5)
    )
    np.testing.assert_allclose(whole[0], whole[1])
    assert np.abs(half[0][0] - half[1][0]).max() > 0.1, "on an arc"
    np.testing.assert_allclose(half[0][1], half[1][1])


def test_labels_of_expressions() -> None:
    assert expression_label(("a", "b", "c"), np.array([0.434, 0, 0.2])) == "a:0.43+c:0.20"
    assert expression_label(("a", "b"), np.zeros(2)) == "neutral"


def test_store_of_a_fake_kit(
    fake: FakeKit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ict, "known_hashes", lambda: fake.hashes)
    monkeypatch.setitem(ict.REGION_VERTICES, "narrow_face", REGION)
    monkeypatch.setattr("lwpipe.data.sources.ict.AT_ONCE", 7)
    settings = DataSettings(
        source="ict",
        faces=20,
        test_fraction=0.2,
        align=False,
        ict=IctSettings(path=str(fake.folder), identities=3),
    )
    data = make_dataset(settings, tmp_path / "plain")
    kit = fake.read()
    drawn = draw_faces(kit, settings.ict, 20, (0, 1), 0)
    expected = make_faces(kit, drawn.identity, drawn.expression)
    np.testing.assert_allclose(data.vertices, expected, atol=1e-4)
    assert (data.faces["split"] == "test").sum() == 4
    assert data.faces["id"][3] == "ict_00003"
    assert data.faces["subject"].is_unique
    assert "neutral" in set(data.faces["expression"])
    assert data.info["alignment"] is None
    assert "MIT" in data.info["licence"]

    aligned = make_dataset(settings.model_copy(update={"align": None}), tmp_path / "aligned")
    assert aligned.info["alignment"]["converged"]
    assert aligned.info["alignment"]["rms_from_mean_after_mm"] < data.template.max()
    np.testing.assert_allclose(aligned.vertices.mean(axis=1), 0, atol=1e-3)


def archive(fake: FakeKit, path: Path, extra: dict[str, bytes] | None = None) -> Path:
    members = {f"kit/FaceXModel/{n}": c for n, c in fake.files.items()} | (extra or {})
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, content in members.items():
                file.writestr(name, content)
    else:
        with tarfile.open(path, f"w:{path.suffix[1:]}" if path.suffix != ".tar" else "w") as file:
            for name, content in members.items():
                member = tarfile.TarInfo(name)
                member.size = len(content)
                file.addfile(member, io.BytesIO(content))
    return path


@pytest.mark.parametrize("name", ["kit.tar.xz", "kit.tar.gz", "kit.tar", "kit.zip"])
def test_archives_give_the_same_as_the_folder(fake: FakeKit, tmp_path: Path, name: str) -> None:
    path = archive(fake, tmp_path / name, {"kit/../../evil.obj": b"v 1 2 3", "README": b"x"})
    before = sorted(tmp_path.rglob("*"))
    kit, folder = fake.read(path), fake.read()
    np.testing.assert_array_equal(kit.expressions, folder.expressions)
    np.testing.assert_array_equal(kit.identities, folder.identities)
    assert sorted(tmp_path.rglob("*")) == before, "nothing is unpacked"


def test_environment_variable_names_the_source(
    fake: FakeKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LWPIPE_ICT_SOURCE", str(fake.folder))
    kit = read_kit(IctSettings(identities=3), hashes=fake.hashes, vertex_count=REGION)
    assert kit.identities.shape == (3, REGION, 3)
    monkeypatch.setenv("LWPIPE_ICT_SOURCE", str(fake.folder / "nowhere"))
    with pytest.raises(LwpipeError, match=r"LWPIPE_ICT_SOURCE: .*nowhere is neither"):
        read_kit(IctSettings(identities=3), hashes=fake.hashes, vertex_count=REGION)


def test_the_config_key_goes_before_the_environment(
    fake: FakeKit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LWPIPE_ICT_SOURCE", "/nowhere")
    assert fake.read().neutral.shape == (REGION, 3)


def test_a_changed_file_is_named(fake: FakeKit) -> None:
    file = fake.folder / "FaceXModel" / "smile.obj"
    file.write_bytes(file.read_bytes().replace(b"v 1", b"v 2", 1) + b"\n")
    with pytest.raises(LwpipeError, match=r"smile\.obj is not the file of ICT-FaceKit at commit"):
        fake.read()


def test_missing_files_are_named(fake: FakeKit) -> None:
    (fake.folder / "FaceXModel" / "identity001.obj").unlink()
    (fake.folder / "FaceXModel" / "smile.obj").unlink()
    with pytest.raises(LwpipeError, match=r"identity001\.obj is missing \(and 1 more file"):
        fake.read()


@pytest.mark.parametrize("name", ["kit.tar.xz", "kit.tar.gz", "kit.zip"])
def test_a_cut_off_archive_is_one_sentence(fake: FakeKit, tmp_path: Path, name: str) -> None:
    path = archive(fake, tmp_path / name)
    content = path.read_bytes()
    for share in (0.0, 0.3, 0.6, 0.9):
        path.write_bytes(content[: int(len(content) * share)])
        with pytest.raises(LwpipeError, match=r"kit\..* archive|missing"):
            fake.read(path)


def test_a_member_too_large_or_there_twice_is_refused(
    fake: FakeKit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    twice = archive(fake, tmp_path / "a.tar", {"other/jawOpen.obj": fake.files["jawOpen.obj"]})
    names = {n: fake.hashes[n] for n in ("jawOpen.obj", "generic_neutral_mesh.obj")}
    with pytest.raises(LwpipeError, match=r"holds jawOpen\.obj twice"):
        dict(read_files(twice, names | {"absent.obj": ""}))
    monkeypatch.setattr(archives, "MAX_FILE_BYTES", 100)
    for name in ("b.tar.gz", "b.zip"):
        with pytest.raises(LwpipeError, match="is larger than"):
            fake.read(archive(fake, tmp_path / name))
    with pytest.raises(LwpipeError, match="is larger than"):
        fake.read()


def test_an_archive_of_too_much_is_refused(
    fake: FakeKit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive(fake, tmp_path / "a.tar.gz", {"other": bytes(3000)})
    fake.read(path)
    monkeypatch.setattr(archives, "MAX_MEMBERS", 3)
    with pytest.raises(LwpipeError, match="holds more than 3 members"):
        fake.read(path)
    monkeypatch.undo()
    monkeypatch.setattr(archives, "MAX_ARCHIVE_BYTES", 2000)
    with pytest.raises(LwpipeError, match=r"or 0 MB|announces"):
        fake.read(path)


def test_other_files_are_no_source(fake: FakeKit, tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "one.gz").write_bytes(gzip.compress(b"hello"))
    for name in ("notes.txt", "one.gz"):
        with pytest.raises(LwpipeError, match=r"data\.ict\.path: .* is not a \.zip or \.tar"):
            fake.read(tmp_path / name)


def test_download_is_pinned_and_checked(
    fake: FakeKit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pooch

    monkeypatch.delenv("LWPIPE_ICT_SOURCE", raising=False)
    asked = []

    def fetch(url: str, output_file: str, _: object) -> None:
        asked.append(url)
        name = url.rsplit("/", 1)[1]
        content = fake.files[name] if name != "smile.obj" else b"something else"
        Path(output_file).write_bytes(content)

    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache" / name)
    monkeypatch.setattr(pooch.core, "choose_downloader", lambda url, **_: fetch)
    names = dict(list(fake.hashes.items())[:3])
    assert dict(read_files(None, names)) == {n: fake.files[n] for n in names}
    assert len(asked) == 3
    assert all(
        url.startswith(
            "https://raw.githubusercontent.com/ICT-VGL/ICT-FaceKit/"
            "da5f95a607f5e6b37755b38d3385d7f2853732e5/FaceXModel/"
        )
        for url in asked
    )
    assert dict(read_files(None, names)) == {n: fake.files[n] for n in names}
    assert len(asked) == 3, "the cache serves the second time"
    monkeypatch.setattr("time.sleep", lambda _: None)
    with pytest.raises(LwpipeError, match=r"smile\.obj of ICT-FaceKit cannot be downloaded"):
        dict(read_files(None, {"smile.obj": fake.hashes["smile.obj"]}))


def test_hash_list_holds_the_whole_kit() -> None:
    hashes = known_hashes()
    assert len(hashes) == 158
    assert {f"identity{i:03d}.obj" for i in range(100)} | {"generic_neutral_mesh.obj"} < set(hashes)
    assert all(len(digest) == 64 for digest in hashes.values())


def test_vertices_are_the_first_block() -> None:
    content = b"# v 9 9 9\nvt 1 1\nv 1 2 3\nv 4 5 6e-1\nv 7 8 9\nf 1 2 3\n"
    np.testing.assert_array_equal(parse_vertices(content, 2, "a.obj"), [[1, 2, 3], [4, 5, 0.6]])
    np.testing.assert_array_equal(parse_vertices(content[10 + 7 :], 1, "a"), [[1, 2, 3]])
    for bad in (b"", b"v 1 2\nv 3 4 5\n", b"v 1 2 3\nvn 4 5 6\n", b"v 1 2 3\n"):
        with pytest.raises(LwpipeError, match=r"a\.obj: does not start with 2 vertices"):
            parse_vertices(bad, 2, "a.obj")


def test_triangles_of_polygons() -> None:
    content = b"f 1/5 2/6 3/7 4/8\nf 5//1 6//1 7//1\nf 1 2 3 8\n"
    triangles = parse_triangles(content, 7)
    # No half of the last quad stays.
    np.testing.assert_array_equal(triangles, [[0, 1, 2], [0, 2, 3], [4, 5, 6]])


@needs_kit
def test_real_faces(tmp_path: Path) -> None:
    settings = DataSettings(source="ict", faces=40, test_fraction=0.1)
    data = make_dataset(settings, tmp_path / "data")
    assert data.vertices.shape == (40, 6706, 3)
    assert data.triangles.shape == (13120, 3)
    box = np.ptp(data.template, axis=0)
    assert (np.array([130, 180, 90]) < box).all()
    assert (box < np.array([170, 220, 130])).all()
    # Faces look along +z: the summed normal of an open face mesh points there.
    normals = triangle_normals(data.template, data.triangles).sum(axis=0)
    assert normals[2] > 0.9 * np.linalg.norm(normals)
    distance = np.linalg.norm(data.vertices - data.template, axis=2)
    assert 2 < distance.mean() < 6
    assert data.info["alignment"]["converged"]
    names = data.info["expressions"]
    assert "jawOpen" in names
    assert "PupilDilate_L" not in names
    assert "PupilDilate_R" not in names
    assert len(names) == 55


@needs_kit
@pytest.mark.parametrize(
    ("region", "vertices", "triangles"), [("full_face", 9409, 18460), ("head", 11248, 22288)]
)
def test_real_regions(region: str, vertices: int, triangles: int) -> None:
    kit = read_kit(IctSettings(region=region, identities=1, max_expressions=0))
    assert kit.neutral.shape == (vertices, 3)
    assert len(np.unique(kit.triangles)) == vertices
    assert len(kit.triangles) == triangles
