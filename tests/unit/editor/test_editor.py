"""The editor: exchange, drag, measure, sample; sessions that reopen with the same bytes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lwpipe
from lwpipe.cli.main import main
from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import write_json
from lwpipe.data.sources.synthetic.anatomy import mean_face
from lwpipe.data.sources.synthetic.grid import make_grid
from lwpipe.data.store import Dataset, DatasetWriter
from lwpipe.editing import EditingSettings, edit_part
from lwpipe.editor import Editor, Handle, Session
from lwpipe.editor.draws import Drawn, drawn_of
from lwpipe.editor.measures import read_measures, shipped
from lwpipe.editor.solver import least_change
from lwpipe.mesh.ply_file import read_ply, write_ply
from lwpipe.model import save_model
from lwpipe.sampling import fit_prior, save_prior
from tests.unit.editing.test_keeping import MODEL, SOURCES, TARGETS, WEIGHTS, bits, trained
from tests.unit.model.test_base import FACES

OUTSIDE = [np.flatnonzero(WEIGHTS[:, part] == 0) for part in range(3)]
INSIDE = [np.flatnonzero(WEIGHTS[:, part] > 0.9) for part in range(3)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with a data set, one trained variant, and a file of measures."""
    folder = tmp_path_factory.mktemp("run")
    rows = [
        {"id": f"face_{i}", "split": "train" if i < 26 else "test", "subject": i, "source": "bump"}
        for i in range(len(FACES))
    ]
    with DatasetWriter(folder / "data", len(FACES), MODEL.triangles, FACES.shape[1]) as writer:
        writer[:] = FACES
        writer.close(rows, {"source": "bump", "licence": "none", "seed": 3, "alignment": None})
    save_model(MODEL, folder / "variants/on_pca/training", {"epochs": 1})
    (folder / "own.yaml").write_text(
        f"measures:\n  width: [{INSIDE[0][0]}, {INSIDE[0][1]}]\n  across: [0, {len(WEIGHTS) - 1}]\n"
    )
    return folder


@pytest.fixture(scope="module")
def editor(run: Path) -> Editor:
    return lwpipe.Editor.load(run, measures=run / "own.yaml")


def test_a_run_a_variant_and_a_model_are_found(run: Path, editor: Editor) -> None:
    variant = run / "variants/on_pca"
    places = [variant, variant / "training", variant / "training/model.safetensors"]
    for place in places:
        found = Editor.load(place)
        assert found.digest == editor.digest
        assert found.names == [f"face_{i}" for i in range(len(FACES))]
    np.testing.assert_array_equal(editor.face("face_3"), FACES[3])


@pytest.mark.parametrize("dials", [{}, {"keep": 0.3}, {"keep": 0.2, "harmony": 0.7}])
def test_one_part_is_the_edit_of_the_library_and_of_the_shell(
    dials: dict[str, float], run: Path, editor: Editor, tmp_path: Path
) -> None:
    source, target = FACES[1], FACES[2]
    edited = editor.edit(source, {1: (target, 0.7)}, **dials)
    settings = EditingSettings(residual=True, **{"keep": 1.0, "harmony": 0.0} | dials)
    expected = edit_part(editor.model, source, target, 1, 0.7, settings)
    assert edited.tobytes() == expected.tobytes()
    words = ["edit", str(run), "--source", "face_1", "--output", str(tmp_path / "out.ply")]
    words += [word for name, value in dials.items() for word in (f"--{name}", str(value))]
    for more in (["--target", "face_2", "--alpha", "0.7", "--part", "1"], ["--part=1=face_2:0.7"]):
        assert main([*words, *more]) == 0
        shell = read_ply(tmp_path / "out.ply")[0].astype(np.float32)
        assert shell.tobytes() == expected.tobytes()


def test_plain_is_the_edit_of_the_paper(editor: Editor) -> None:
    edited = editor.edit(FACES[1], {0: (FACES[2], 1.0)}, plain=True)
    expected = edit_part(editor.model, FACES[1], FACES[2], 0, 1.0, EditingSettings())
    assert edited.tobytes() == expected.tobytes()


def test_several_parts_are_exchanged_at_once(editor: Editor) -> None:
    parts = {0: (TARGETS[0], 0.8), 2: (TARGETS[1], 1.0)}
    edited = editor.edit(SOURCES[0], parts)
    assert edited.tobytes() == editor.edit(SOURCES[0], dict(reversed(parts.items()))).tobytes()
    for part, (target, alpha) in parts.items():
        alone = WEIGHTS[:, part] == 1
        assert alone.any()
        expected = SOURCES[0] + np.float32(alpha) * (target - SOURCES[0])
        np.testing.assert_allclose(edited[alone], expected[alone], atol=1e-3)
    still = (WEIGHTS[:, 0] == 0) & (WEIGHTS[:, 2] == 0)
    np.testing.assert_array_equal(bits(edited[still]), bits(SOURCES[0][still]))


def test_all_parts_of_a_face_are_the_face(editor: Editor) -> None:
    whole = editor.edit(SOURCES[0], dict.fromkeys(range(3), (TARGETS[0], 1.0)), keep=0.0)
    np.testing.assert_allclose(whole, TARGETS[0], atol=1e-3)


@settings(deadline=None, max_examples=20, derandomize=True)
@given(keep=st.floats(0, 1), harmony=st.floats(0, 1), parts=st.sets(st.integers(0, 2), min_size=1))
def test_alpha_0_is_the_source_bit_for_bit(keep: float, harmony: float, parts: set[int]) -> None:
    targets = dict.fromkeys(parts, (TARGETS[1], 0.0))
    edited = Editor(MODEL).edit(SOURCES[0], targets, keep, harmony)
    np.testing.assert_array_equal(bits(edited), bits(SOURCES[0]))


@settings(deadline=None, max_examples=20, derandomize=True)
@given(
    alpha=st.floats(-2, 2),
    harmony=st.floats(0, 1),
    parts=st.sets(st.integers(0, 2), min_size=1, max_size=2),
)
def test_keep_1_leaves_the_outside_bit_for_bit(
    alpha: float, harmony: float, parts: set[int]
) -> None:
    targets = dict.fromkeys(parts, (TARGETS[1], alpha))
    edited = Editor(MODEL).edit(SOURCES[0], targets, 1.0, harmony)
    outside = (WEIGHTS[:, sorted(parts)] == 0).all(axis=1)
    np.testing.assert_array_equal(bits(edited[outside]), bits(SOURCES[0][outside]))


@settings(deadline=None, max_examples=30, derandomize=True)
@given(
    part=st.integers(0, 2),
    which=st.integers(0, 5),
    move=st.tuples(*[st.floats(-5, 5)] * 3),
    tolerance=st.floats(0.01, 3),
)
def test_a_handle_arrives_but_for_what_the_prior_withholds(
    part: int, which: int, move: tuple[float, float, float], tolerance: float
) -> None:
    vertex = int(INSIDE[part][which])
    goal = SOURCES[0][vertex] + np.array(move)
    face = Editor(MODEL).drag(SOURCES[0], {vertex: goal}, part, tolerance_mm=tolerance)
    np.testing.assert_array_equal(bits(face[OUTSIDE[part]]), bits(SOURCES[0][OUTSIDE[part]]))
    path = MODEL.linear_path
    effects = (path.basis[:, 3 * vertex : 3 * vertex + 3].T * path.deviation).astype(np.float64)
    variance = effects @ effects.T * path.weights[vertex, part] ** 2
    withheld = np.linalg.solve(variance / tolerance**2 + np.eye(3), np.array(move))
    np.testing.assert_allclose(face[vertex], goal - withheld, atol=2e-3)
    assert np.linalg.norm(withheld) <= np.linalg.norm(move) + 1e-9


def test_a_handle_at_its_place_moves_nothing() -> None:
    vertex = int(INSIDE[1][0])
    face = Editor(MODEL).drag(SOURCES[0], {vertex: SOURCES[0][vertex]}, 1)
    np.testing.assert_array_equal(face, SOURCES[0])


def test_pins_hold_what_would_follow() -> None:
    editor, (pulled, pinned) = Editor(MODEL), (int(vertex) for vertex in INSIDE[0][:2])
    goal = {pulled: SOURCES[1][pulled] + [1.0, 0.5, 0.0]}
    free, held = (editor.drag(SOURCES[1], goal, 0, pins) for pins in ((), (pinned,)))
    moved = [np.linalg.norm(face[pinned] - SOURCES[1][pinned]) for face in (free, held)]
    assert moved[0] > 0.05
    assert moved[1] < 0.1 * moved[0]


def test_the_change_is_the_minimum_of_what_it_is_said_to_be() -> None:
    random = np.random.default_rng(1)
    effects, wanted = random.normal(size=(5, 9)), random.normal(size=5)
    change = least_change(effects, wanted, 0.3)

    def cost(d: np.ndarray) -> float:
        return float(d @ d + np.sum((wanted - effects @ d) ** 2) / 0.09)

    for _ in range(50):
        assert cost(change) < cost(change + 0.01 * random.normal(size=9))


@settings(deadline=None, max_examples=20, derandomize=True)
@given(share=st.floats(0.9, 1.1), row=st.integers(0, 3))
def test_a_measure_is_what_it_was_set_to(share: float, row: int) -> None:
    editor = Editor(MODEL, measures=_measures())
    before = editor.measure(SOURCES[row])["width"]
    face = editor.set_measure(SOURCES[row], "width", share * before)
    assert editor.measure(face)["width"] == pytest.approx(share * before, abs=0.01)
    np.testing.assert_array_equal(bits(face[OUTSIDE[0]]), bits(SOURCES[row][OUTSIDE[0]]))


def test_measures_are_set_together(run: Path, editor: Editor) -> None:
    goal = {name: 1.02 * mm for name, mm in editor.measure(FACES[2]).items()}
    made = editor.measure(editor.set_measures(FACES[2], goal))
    assert made == pytest.approx(goal, abs=0.01)


def test_a_measure_out_of_reach_is_a_sentence(editor: Editor) -> None:
    with pytest.raises(LwpipeError, match=r"width 50 mm: cannot be reached, but .* mm can"):
        _stiff().set_measure(SOURCES[0], "width", 50.0)
    for mm in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(LwpipeError, match="is no length in mm"):
            editor.set_measure(SOURCES[0], "width", mm)


def _measures() -> Path:
    file = Path(__file__).parent / "bump.yaml"
    return file


def _stiff() -> Editor:
    """An editor of a model in which the ends of the measure do not move."""
    model = trained()
    basis = model.components.basis
    for vertex in INSIDE[0][:2]:
        basis = basis.copy()
        basis[:, 3 * vertex : 3 * vertex + 3] = 0
    object.__setattr__(model.components, "basis", basis)
    return Editor(model, measures=_measures())


def test_a_drawn_part_is_its_seeds(editor: Editor) -> None:
    faces = [editor.sample_part(FACES[0], 1, seed) for seed in (1, 1, 2)]
    assert faces[0].tobytes() == faces[1].tobytes() != faces[2].tobytes()
    np.testing.assert_array_equal(bits(faces[0][OUTSIDE[1]]), bits(FACES[0][OUTSIDE[1]]))
    # A part of nobody's fits the rest: it is the draw of `lwpipe.sample_part`, and of the session.
    prior = editor.draws.prior
    for dials in ({}, {"keep": 0.4, "harmony": 0.7}):
        settings = EditingSettings(residual=True, **({"keep": 1.0} | dials))
        expected = lwpipe.sample_part(MODEL, prior, FACES[0], 1, 1, 7, 2.5, settings)[0]
        made = editor.sample_part(FACES[0], 1, 7, temperature=2.5, **dials)
        np.testing.assert_allclose(made, expected, atol=1e-4)
        session = Session("face_0", {1: ("given-rest:7@2.5", 1.0)}, **dials)
        assert editor.vertices(session).tobytes() == made.tobytes()
    assert (
        editor.sample_part(FACES[3], 1, 7).tobytes() != editor.sample_part(FACES[0], 1, 7).tobytes()
    )


def test_a_drawn_face_is_that_of_the_prior(editor: Editor, run: Path, tmp_path: Path) -> None:
    expected = lwpipe.sample(MODEL, editor.draws.prior, 1, 5, 0.5)[0]
    np.testing.assert_array_equal(editor.face("random:5@0.5"), expected)
    np.testing.assert_array_equal(editor.random_face(5, 0.5), expected)
    # Fitted to the data of the run where there is no file, and the file's where there is one.
    fitted = fit_prior(MODEL, FACES, np.arange(26))
    np.testing.assert_array_equal(lwpipe.sample(MODEL, fitted, 1, 5, 0.5)[0], expected)
    copy = shutil.copytree(run, tmp_path / "run")
    save_prior(copy / "variants/on_pca/sampling/prior.npz", replace(fitted, noise=2 * fitted.noise))
    other = lwpipe.Editor.load(copy, measures=run / "own.yaml")
    assert other.draws.prior.noise == 2 * fitted.noise
    # A session says which prior it was made with.
    session = Session("random:5@0.5")
    value = json.loads(json.dumps(editor.session(session)))
    np.testing.assert_array_equal(editor.vertices(editor.reopen(value)), expected)
    with pytest.raises(LwpipeError, match="drawn from another prior"):
        other.reopen(value)
    other.reopen(editor.session(Session("face_0")))


def test_names_of_draws() -> None:
    for drawn in (Drawn(3), Drawn(0, True), Drawn(999_999_999, True, 2.5), Drawn(4, False, 0.0)):
        assert drawn_of(drawn.name) == drawn
    wrong = "random random: random:-1 random:x random:1@ random:1@11 random:1@nan other:1"
    for name in (*wrong.split(), "random:1234567890", "given-rest:1:2", "random:\u0663"):
        assert drawn_of(name) is None


def test_what_cannot_be_drawn_is_a_sentence(editor: Editor, run: Path) -> None:
    with pytest.raises(LwpipeError, match="has no prior beside it"):
        Editor(MODEL).random_face(0)
    with pytest.raises(LwpipeError, match="is no face, but a part given the rest"):
        editor.face("given-rest:3")
    with pytest.raises(LwpipeError, match="names the face 'given-rest:3'"):
        editor.reopen(editor.session(Session("face_0")) | {"source": "given-rest:3"})


def test_a_model_without_a_base_draws_faces_but_has_no_handles(run: Path) -> None:
    from tests.unit.model.test_model import make_model

    assert make_model().vertex_count == FACES.shape[1]
    editor = Editor(make_model(), Dataset.open(run / "data"))
    assert np.isfinite(editor.random_face(0)).all()
    made = editor.sample_part(FACES[0], 0, 3)
    still = editor.weights[:, 0] == 0
    np.testing.assert_array_equal(bits(made[still]), bits(FACES[0][still]))
    with pytest.raises(LwpipeError, match=r"model\.base: pca"):
        editor.drag(FACES[0], {0: FACES[0][0]}, 0)


def whole_session() -> Session:
    vertex = int(INSIDE[2][0])
    x, y, z = (float(each) for each in FACES[0][vertex] + 0.7)
    return Session(
        source="face_0",
        parts={0: ("face_4", 0.8), 1: ("given-rest:7", 1.0), 2: ("mine", -0.25)},
        keep=0.35,
        harmony=0.6,
        handles=(Handle(vertex, (x, y, z), 2),),
        pins=(int(INSIDE[2][1]),),
        measures={"across": 191.0},
        locked=(1,),
        faces={"mine": TARGETS[0]},
    )


def test_a_session_reopens_with_the_same_bytes(editor: Editor, run: Path, tmp_path: Path) -> None:
    face = editor.vertices(whole_session())
    write_json(tmp_path / "session.json", editor.session(whole_session()))
    other = Editor.load(run, measures=run / "own.yaml")
    opened = other.reopen(tmp_path / "session.json")
    assert other.vertices(opened).tobytes() == face.tobytes()
    assert other.session(opened) == editor.session(whole_session())
    plain = editor.vertices(Session(source="face_0"))
    assert plain.tobytes() == FACES[0].tobytes()


def test_what_is_locked_stays(editor: Editor) -> None:
    face = editor.vertices(whole_session())
    locked = WEIGHTS[:, 1] == 1
    assert locked.any()
    np.testing.assert_array_equal(bits(face[locked]), bits(FACES[0][locked]))


def test_a_measure_of_locked_parts_is_a_sentence(editor: Editor) -> None:
    session = Session(measures={"width": 30.0}, locked=(0, 1, 2))
    with pytest.raises(LwpipeError, match="width: belongs to parts that are locked"):
        editor.vertices(session)


BAD_SESSIONS = [
    ([], "is no session"),
    ({"format": "x"}, "is no session"),
    ({"version": 1}, "has the version 1"),
    ({"model": "0"}, "made with another model"),
    ({"source": 3}, "`source` has 3, which is no name"),
    ({"source": ""}, "is no name"),
    ({"source": "nobody"}, "names the face 'nobody'"),
    ({"source": "/etc/passwd"}, "names the face '/etc/passwd'"),
    ({"parts": {"7": {"target": "mean", "alpha": 1}}}, "no number from 0 to 2"),
    ({"parts": {"x": {"target": "mean", "alpha": 1}}}, "which is no part"),
    ({"parts": {"0": {"target": "mean"}}}, "has no `alpha`"),
    ({"parts": {"0": {"target": "mean", "alpha": 99}}}, "not between -10 and 10"),
    ({"parts": {"0": {"target": "mean", "alpha": True}}}, "is no number"),
    ({"parts": [1]}, "`parts` is no mapping"),
    ({"keep": 1.5}, "not between 0 and 1"),
    ({"keep": float("nan")}, "not between 0 and 1"),
    ({"harmony": "1"}, "is no number"),
    ({"handles": [{"vertex": 10**6, "place": [0, 0, 0], "part": 0}]}, "`handles.vertex` has"),
    ({"handles": [{"vertex": 1, "place": [0, 0], "part": 0}]}, "not three numbers"),
    ({"handles": [{"vertex": 1, "place": [0, 0, 10**400], "part": 0}]}, "not between"),
    ({"handles": [{}] * 500}, "no list of at most"),
    ({"pins": [-1]}, "`pins` has -1"),
    ({"measures": {"across": 10**400}}, "not between"),
    ({"measures": {"nose": 3}}, "names the measurement 'nose'"),
    ({"locked": [7]}, "no number from 0 to 2"),
    ({"faces": {"mine": "???"}}, "no base 64"),
    ({"faces": {"mine": 3}}, "no base 64"),
    ({"faces": {"mine": "AAAA"}}, "is no face of"),
    ({"more": 1}, "unknown key 'more'"),
]


@pytest.mark.parametrize(("change", "said"), BAD_SESSIONS)
def test_a_bad_session_is_a_sentence(change: object, said: str, editor: Editor) -> None:
    good = editor.session(Session(source="face_0"))
    value = good | change if isinstance(change, dict) else change
    with pytest.raises(LwpipeError, match=said) as raised:
        editor.reopen(value)
    assert len(raised.value.sentences) == 1
    assert len(str(raised.value)) < 200


def test_coordinates_of_a_session_are_checked(editor: Editor) -> None:
    for wrong in (np.nan, np.inf, 1e9):
        face = FACES[0].copy()
        face[3, 1] = wrong
        value = editor.session(Session(faces={"mine": face}))
        with pytest.raises(LwpipeError, match="coordinates that no face has"):
            editor.reopen(json.loads(json.dumps(value)))


BAD_MEASURES = {
    "[1, 2]": "expected keys and values",
    "measures: {}": "has no key `measures`",
    "other: {a: [1, 2]}": "has no key `measures`",
    "measures: {a: [1, 2]}\nmore: 1": "unknown key `more`",
    "vertices: 3\nmeasures: {a: [1, 2]}": "is for meshes of 3 vertices",
    "measures: {a: 3}": "`measures.a` is not a pair",
    "measures: {a: [1, 2, 3]}": "`measures.a` is not a pair",
    "measures: {a: [1, 1]}": "begins and ends at vertex 1",
    "measures: {a: [1, 99999]}": "names vertex 99999",
    "measures: {a: [-1, 2]}": "names vertex -1",
    "measures: {a: [1, true]}": "neither a vertex nor a place",
    "measures: {a: [1, [1, 2]]}": "neither a vertex nor a place",
    "measures: {a: [1, [1, 2, x]]}": "neither a vertex nor a place",
    "measures: {a: [1, [1, 2, .nan]]}": "within a kilometre",
    f"measures: {{a: [1, [1, 2, 1{'0' * 400}]]}}": "within a kilometre",
    "measures: {' ': [1, 2]}": "is not 1 to",
    "measures: {a: [1, 2], a: [1, 3]}": "twice",
    "measures: {a: [1, 2]": "is not valid YAML",
    "!!python/object:os.system {}": "is not valid YAML",
}


@pytest.mark.parametrize("text", BAD_MEASURES)
def test_a_bad_file_of_measures_is_a_sentence(text: str, tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(text)
    with pytest.raises(LwpipeError, match=BAD_MEASURES[text]) as raised:
        Editor(MODEL, measures=file)
    assert str(raised.value).startswith(str(file))
    assert len(raised.value.sentences) == 1


def test_a_place_is_its_nearest_vertex(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    near = (MODEL.template[[4, 9]] + 0.01).tolist()
    file.write_text(f"measures: {{a: {near}}}")
    assert read_measures(file, MODEL.template)["a"].ends == (4, 9)


def test_what_cannot_be_done_is_a_sentence(editor: Editor, tmp_path: Path) -> None:
    face, vertex = FACES[0], int(INSIDE[0][0])
    short, wild = face[:-1], face * np.float32(np.inf)
    write_ply(tmp_path / "short.ply", short, MODEL.triangles[:5])
    calls = {
        "part 3: the model has": lambda: editor.edit(face, {3: (face, 1.0)}),
        "part -1: the model has": lambda: editor.sample_part(face, -1, 0),
        "keep 1.5: must lie": lambda: editor.edit(face, {}, keep=1.5),
        "harmony nan: must lie": lambda: editor.edit(face, {}, harmony=float("nan")),
        "alpha inf: is not": lambda: editor.edit(face, {0: (face, float("inf"))}),
        "the source: has .* vertices": lambda: editor.edit(short, {}),
        "the target of part 0: is no array": lambda: editor.edit(face, {0: (face[0], 1.0)}),
        "the face: has coordinates": lambda: editor.measure(wild),
        "has no face with the id 'x'": lambda: editor.face("x"),
        "short.ply: has .* vertices": lambda: editor.face(str(tmp_path / "short.ply")),
        "none.ply: cannot be read": lambda: editor.face(str(tmp_path / "none.ply")),
        "vertex -1: the model has": lambda: editor.drag(face, {-1: face[0]}, 0),
        "vertex 999999: the model": lambda: editor.drag(face, {}, 0, [999999]),
        "vertex .* does not belong": lambda: editor.drag(face, {int(OUTSIDE[0][0]): face[0]}, 0),
        "cannot be pulled": lambda: editor.drag(face, {vertex: [np.nan, 0, 0]}, 0),
        "tolerance_mm 0": lambda: editor.drag(face, {}, 0, tolerance_mm=0),
        "nose: is no measurement: there are width, across": lambda: editor.set_measure(
            face, "nose", 3.0
        ),
    }
    for said, call in calls.items():
        with pytest.raises(LwpipeError, match=said):
            call()


def test_a_model_and_data_of_other_vertices(run: Path) -> None:
    data = replace(Dataset.open(run / "data"), vertices=FACES[:, :100])
    with pytest.raises(LwpipeError, match="has 100 vertices, the model has 256"):
        Editor(MODEL, data)


@pytest.mark.parametrize(
    ("source", "vertices"),
    [("ict", 6706), ("ict", 11248), ("makehuman", 3158), ("makehuman", 4246), ("synthetic", 2496)],
)
def test_measures_are_shipped(source: str, vertices: int) -> None:
    file = shipped(source, vertices)
    template = 100 * np.random.default_rng(0).normal(size=(vertices, 3))
    names = list(read_measures(file, template))
    assert {"face height", "nose width", "mouth width", "inner eye distance"} <= set(names)


def test_bodies_and_meshes_have_no_measures_of_faces() -> None:
    assert shipped("makehuman", 13380) is None
    assert shipped("meshes", 3158) is None


def test_measures_of_the_synthetic_face_lie_where_they_say() -> None:
    """On the faces themselves, at two resolutions: each is as long as in the canonical plane."""
    for resolution in (1500, 6000):
        mean = mean_face(make_grid(resolution).points)
        read = read_measures(shipped("synthetic", len(mean)), mean)
        lengths = {name: measure.of(mean) for name, measure in read.items()}
        assert lengths["inner eye distance"] == pytest.approx(2 * 16.0, abs=4)
        assert lengths["mouth width"] == pytest.approx(2 * 26.5, abs=5)
        assert 30 < lengths["nose width"] < 45
        for name in ("nose width", "mouth width", "jaw width", "face width"):
            ends = mean[list(read[name].ends)]
            assert ends[0, 0] < 0 < ends[1, 0]
            assert ends[0] * [-1, 1, 1] == pytest.approx(ends[1], abs=2)
