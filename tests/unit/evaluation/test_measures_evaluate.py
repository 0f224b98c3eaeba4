import csv
import json
from dataclasses import replace

import numpy as np
import pytest

from lwpipe.core.errors import LwpipeError
from lwpipe.core.rounding import rounded
from lwpipe.data.store import Dataset
from lwpipe.evaluation.bench import PART_COLUMNS
from lwpipe.evaluation.evaluate import evaluate_baselines, evaluate_model
from lwpipe.evaluation.settings import EvaluationSettings
from lwpipe.evaluation.summary import COLUMNS, summarise
from lwpipe.model.settings import LatentSettings

SETTINGS = EvaluationSettings(pairs=6, composites=10)
LATENT = LatentSettings(latent_size=3)
EDITS = (
    "mask_blend",
    "mask_blend_sharp",
    "mask_blend_refined",
    "hard_paste",
    "poisson_paste",
    "poisson_paste_placed",
    "region_pca",
    "region_pca_residual",
    "mask_blend_pca",
    "mask_blend_full_span",
    "mask_blend_harmony",
)


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def results(patches, tmp_path_factory):
    """The files of an exact model, of one with a single part, and of the baselines."""
    folder = tmp_path_factory.mktemp("results")
    whole = replace(patches.model, fields=patches.model.fields.sum(axis=0, keepdims=True))
    for name, model in (("exact", patches.model), ("whole", whole)):
        files = folder / f"{name}.json", folder / f"{name}.csv"
        evaluate_model(patches.data, patches.weights, model, *files, SETTINGS)
    files = folder / "baselines.json", folder / "baselines.csv"
    evaluate_baselines(
        patches.data, patches.weights, *files, SETTINGS, LatentSettings(latent_size=3)
    )
    return folder


def test_an_exact_local_model_has_no_error_and_no_leak(results):
    measures = json.loads((results / "exact.json").read_text())
    assert measures["reconstruction"]["mean"] < 1e-4
    assert measures["reconstruction"]["train_sample"] == 20
    assert measures["locality"]["leak_max"] < 1e-5
    assert measures["locality"]["matching"] == "identity"
    # Patches of different faces are no face of the rank-6 span, the real faces are.
    assert measures["plausibility"]["outside_mm"] > 0.1
    assert measures["plausibility"]["reference"]["outside_mm"] < 1e-3
    assert measures["plausibility"]["components"] == 6
    assert measures["model"] == {"parameters": 7, "seconds": 1.5, "epochs": 3}
    assert (measures["composites"], measures["pairs"], measures["seed"]) == (10, 6, 0)
    rows = table(results / "exact.csv")
    assert [row["part"] for row in rows] == ["0", "1", "2", "3"]
    assert [row["composites"] for row in rows] == ["3", "3", "2", "2"]
    assert tuple(rows[0]) == PART_COLUMNS
    assert all(row.values() for row in rows)


def test_a_model_with_one_part_has_no_measures_of_edits(results):
    measures = json.loads((results / "whole.json").read_text())
    assert measures["reconstruction"]["mean"] < 1e-4
    for key in ("locality", "plausibility", "validity", "specificity"):
        assert measures[key] is None
    assert "one part" in measures["remark"]
    (row,) = table(results / "whole.csv")
    assert (row["edit"], row["part"], row["r"]) == ("model", "0", "")


def test_the_mask_blend_is_the_exact_models_edit(results):
    baselines = json.loads((results / "baselines.json").read_text())
    exact = json.loads((results / "exact.json").read_text())
    blend = baselines["mask_blend"]
    for section, key in (
        ("locality", "r_min"),
        ("plausibility", "outside_mm"),
        ("plausibility", "mahalanobis"),
        ("validity", "stretch_p95"),
        ("specificity", "mean_mm"),
    ):
        assert blend[section][key] == pytest.approx(exact[section][key], rel=1e-3), key
    assert blend["locality"]["leak_max"] == 0.0


def test_the_projected_blend_stays_in_the_span_and_pays_in_leak(results):
    baselines = json.loads((results / "baselines.json").read_text())
    projected, blend = baselines["mask_blend_pca"], baselines["mask_blend"]
    assert projected["plausibility"]["outside_mm"] < 1e-3 < blend["plausibility"]["outside_mm"]
    assert projected["locality"]["leak_min"] > 0.2
    assert baselines["pca"]["reconstruction"]["mean"] > 0.5
    assert baselines["pca"]["model"]["components"] == 3
    assert baselines["real_test"]["plausibility"]["outside_mm"] < 1e-3
    assert baselines["real_test"]["specificity"]["mean_mm"] > 0
    edits = [(row["edit"], row["part"]) for row in table(results / "baselines.csv")]
    assert edits == [(e, str(k)) for e in EDITS for k in range(4)]


def test_no_weighting_matches_the_parts(patches, tmp_path):
    shuffled = replace(
        patches.model,
        fields=patches.model.fields[[1, 2, 3, 0]],
        parts_match_weights=False,
    )
    files = tmp_path / "m.json", tmp_path / "p.csv"
    result = evaluate_model(patches.data, patches.weights, shuffled, *files, SETTINGS)
    assert result["locality"]["matching"] == "assignment"
    assert [part["weights_column"] for part in result["locality"]["parts"]] == [1, 2, 3, 0]
    assert result["locality"]["leak_max"] < 1e-5


def test_other_numbers_of_parts_have_no_locality_but_composites(patches, tmp_path):
    two = np.stack([patches.weights[:, :2].sum(1), patches.weights[:, 2:].sum(1)], axis=1)
    files = tmp_path / "m.json", tmp_path / "p.csv"
    result = evaluate_model(patches.data, two, patches.model, *files, SETTINGS)
    assert result["locality"] is None
    assert "4 parts" in result["remark"]
    assert result["plausibility"]["outside_mm"] > 0
    assert len(table(tmp_path / "p.csv")) == 4


def test_fewer_composites_than_parts(patches, tmp_path):
    files = tmp_path / "m.json", tmp_path / "p.csv"
    settings = EvaluationSettings(pairs=1, composites=1)
    result = evaluate_model(patches.data, patches.weights, patches.model, *files, settings)
    assert result["composites"] == 1
    assert [row["span_mm"] == "" for row in table(tmp_path / "p.csv")] == [False, True, True, True]


def test_a_rerun_gives_the_same_bytes(results, patches, tmp_path):
    files = tmp_path / "m.json", tmp_path / "p.csv"
    evaluate_baselines(
        patches.data, patches.weights, *files, SETTINGS, LatentSettings(latent_size=3)
    )
    assert files[0].read_bytes() == (results / "baselines.json").read_bytes()
    assert files[1].read_bytes() == (results / "baselines.csv").read_bytes()


def test_weights_or_model_of_other_data_are_refused_and_nothing_is_written(patches, tmp_path):
    files = tmp_path / "m.json", tmp_path / "p.csv"
    with pytest.raises(LwpipeError, match="local weights are"):
        evaluate_model(patches.data, patches.weights[1:], patches.model, *files, SETTINGS)
    small = replace(patches.model, template=patches.model.template[1:])
    with pytest.raises(LwpipeError, match="the model 255"):
        evaluate_model(patches.data, patches.weights, small, *files, SETTINGS)
    assert list(tmp_path.iterdir()) == []


def test_a_data_set_with_one_test_face_is_refused(patches, tmp_path):
    faces = patches.data.faces.copy()
    faces["split"] = ["train"] * 59 + ["test"]
    lone = Dataset(**{**vars(patches.data), "faces": faces})
    with pytest.raises(LwpipeError, match="needs two test faces and the data set has 1"):
        evaluate_baselines(
            lone, patches.weights, tmp_path / "m.json", tmp_path / "p.csv", SETTINGS, 3
        )


def test_rounding_has_no_nan_and_no_numpy():
    value = {"a": [np.float32(1 / 3), np.int64(7), float("nan")], "b": (np.inf, 123456789.0, "x")}
    result = rounded(value, 3)
    assert result == {"a": [0.333, 7, None], "b": [None, 123000000.0, "x"]}
    assert json.loads(json.dumps(result, allow_nan=False)) == result


def test_the_summary_has_a_row_for_every_model_and_baseline(results, tmp_path):
    diversity = tmp_path / "diversity.csv"
    diversity.write_text(
        "set,method,n,ellipse_area,area_ratio,covered_train\n"
        "train,pca,9,2.0,1.0,0.9\nsynthesised,pca,9,5.0,2.5,0.9\nsynthesised,tsne,9,,,\n"
    )
    rows = "edit,part,mean_mm\nsource,0,9\nsource,all,2\nmodel,0,9\nmodel,all,0.5\n"
    (tmp_path / "exact.csv").write_text(rows)
    (tmp_path / "whole.csv").write_text("edit,part,mean_mm\nsource,all,2\n")
    (tmp_path / "truth.csv").write_text("edit,part,mean_mm\nsource,all,2\nmask_blend,all,0.3\n")
    head = "edit,part,worst,border,excess,likeness\n"
    (tmp_path / "model.csv").write_text(f"{head}real,all,0.5,,,\nmodel,0,0.7,0.9,-0.1,0.8\n")
    with (tmp_path / "model.csv").open("a") as file:
        file.write("model,1,0.8,1.0,,0.9\n")
    (tmp_path / "edits.csv").write_text(f"{head}real,all,0.51,,,\nreal,0,,0.53,,\n")
    (tmp_path / "samples.csv").write_text(
        "set,part,worst,neighbour,diversity_mm,nearest_ratio\n"
        "samples,0,0.1,,,\nsamples,all,0.6,0.55,4.5,1.02\npca_gaussian,all,0.9,0.7,4.4,\n"
    )
    summarise(
        {"exact": results / "exact.json", "whole": results / "whole.json"},
        {"exact": diversity},
        results / "baselines.json",
        {"exact": tmp_path / "exact.csv", "whole": tmp_path / "whole.csv"},
        tmp_path / "truth.csv",
        {"exact": tmp_path / "model.csv"},
        tmp_path / "edits.csv",
        {"exact": tmp_path / "samples.csv"},
        tmp_path / "samples.csv",
        tmp_path / "summary.csv",
    )
    rows = table(tmp_path / "summary.csv")
    assert tuple(rows[0]) == COLUMNS
    assert [(row["variant"], row["kind"]) for row in rows] == [
        ("exact", "model"),
        ("whole", "model"),
        ("pca", "baseline"),
        ("kernel_pca", "baseline"),
        *((name, "baseline") for name in EDITS),
        ("real_test", "reference"),
    ]
    exact, whole, pca, _, blend, *_, real = rows
    assert (exact["edit_error_mm"], exact["edit_error_share"]) == ("0.5", "0.25")
    assert (whole["edit_error_mm"], whole["edit_error_share"]) == ("", "")
    assert (blend["edit_error_mm"], blend["edit_error_share"]) == ("0.3", "0.15")
    tested = ("detect_worst", "detect_border", "detect_excess", "likeness")
    assert [exact[column] for column in tested] == ["0.75", "0.95", "-0.1", "0.85"]
    assert [whole[column] for column in tested] == [blend[column] for column in tested] == [""] * 4
    assert [real[column] for column in tested] == ["0.51", "0.53", "", ""]
    drawn = ("sample_worst", "sample_neighbour", "sample_diversity_mm", "sample_nearest_ratio")
    assert [exact[column] for column in drawn] == ["0.6", "0.55", "4.5", "1.02"]
    assert [pca[column] for column in drawn] == ["0.9", "0.7", "4.4", ""]
    assert [whole[column] for column in drawn] == [real[column] for column in drawn] == [""] * 4
    assert (exact["diversity_pca_ratio"], exact["diversity_tsne_ratio"]) == ("2.5", "")
    assert (exact["parameters"], exact["seconds"], exact["epochs"]) == ("7", "1.5", "3")
    assert (whole["r_min"], whole["outside_mm"], whole["diversity_pca_ratio"]) == ("", "", "")
    assert pca["reconstruction_mean_mm"]
    assert not pca["leak_max"]
    assert blend["leak_max"] == "0.0"
    assert not blend["reconstruction_mean_mm"]
    assert real["mahalanobis"]
    assert not real["stretch"]
    assert all(len(row["mahalanobis"].replace("0.", "").replace(".", "")) <= 4 for row in rows)


def test_the_summary_names_a_file_it_cannot_use(results, tmp_path):
    broken = tmp_path / "broken.json"
    broken.write_text("{}")
    (tmp_path / "truth.csv").write_text("edit,part,mean_mm\n")
    (tmp_path / "edits.csv").write_text("edit,part,worst,border,excess,likeness\n")
    (tmp_path / "samples.csv").write_text("set,part,worst,neighbour,diversity_mm,nearest_ratio\n")
    truth = {"a": tmp_path / "truth.csv"}, tmp_path / "truth.csv", {}, tmp_path / "edits.csv"
    truth = (*truth, {}, tmp_path / "samples.csv")
    with pytest.raises(LwpipeError, match=r"broken\.json: has no key reconstruction\.mean"):
        summarise({"a": broken}, {}, results / "baselines.json", *truth, tmp_path / "s.csv")
    with pytest.raises(LwpipeError, match=r"broken\.json: has no key 'pca'"):
        summarise({}, {}, broken, *truth, tmp_path / "s.csv")
    with pytest.raises(LwpipeError, match=r"none\.csv: cannot be read"):
        summarise(
            {"a": results / "exact.json"},
            {"a": tmp_path / "none.csv"},
            results / "baselines.json",
            *truth,
            tmp_path / "s.csv",
        )
    assert not (tmp_path / "s.csv").exists()
