"""Stages that compare all variants and baselines."""

from lwpipe.core.stage import Input, Needs, Output, Stage, Target
from lwpipe.figures.settings import PlotSettings

TARGET = Target(
    "ablation",
    9,
    "Ablation",
    "Every variant and the closed-form baselines. Distances are in mm. r: correlation of an edit "
    "with the local weight of its part; leak: mean edit where the weight is below 0.1 over that "
    "where it is above 0.5. An edit must be local and plausible: either alone is trivial.",
)

SUMMARISE = Stage(
    name="summarise",
    target="ablation",
    does="compare all variants and baselines",
    function="lwpipe.evaluation.summary:summarise",
    inputs={
        "measures": Input("evaluate_model", ("measures",), "each"),
        "diversity": Input("measure_diversity", ("table",), "each"),
        "baselines": Input("evaluate_baselines", ("measures",)),
        "truth": Input("measure_truth", ("table",), "each"),
        "truth_of_baselines": Input("measure_truth_of_baselines", ("table",)),
        "detection": Input("measure_detection", ("edits",), "each"),
        "detection_of_baselines": Input("measure_detection_of_baselines", ("edits",)),
        "sampling": Input("measure_samples", ("table",), "each"),
        "sampling_of_baselines": Input("measure_samples_of_baselines", ("table",)),
    },
    outputs={
        "table": Output(
            "summary.csv",
            "All variants and the closed-form baselines: reconstruction (mm), correlation r and "
            "leak of edits, their distance from the truth where it is known (mm, and as a share of "
            "that of the source left as it is), how surely a classifier tells them from real faces "
            "(accuracy, mean over the parts), likeness, diversity ratios, specificity and "
            "plausibility of composites, how surely samples are told from real faces, how they "
            "differ and how near they are to training faces, parameters, seconds of training.",
            "table",
            "table",
        )
    },
    scope="run",
    needs=Needs(program=220),
)
DRAW = Stage(
    name="draw_tradeoff",
    target="ablation",
    does="draw leak against truth and plausibility",
    function="lwpipe.figures.ablation:draw_tradeoff",
    inputs={
        "table": Input("summarise", ("table",)),
        "dials": Input("measure_dials", ("table",), "each"),
        "dials_of_baselines": Input("measure_dials_of_baselines", ("table",)),
    },
    reads={"figures": PlotSettings},
    outputs={
        "picture": Output(
            "tradeoff.png",
            "Leak of part edits against their distance from the truth, where it is known, against "
            "plausibility of the edited faces, and against how surely a classifier tells them from "
            "real faces, for every variant and baseline. Curves are the dials of edits.",
            "figure",
            "leak against truth and plausibility",
        ),
        # The first thing that the report shows.
        "front": Output("front.png", show="viewer"),
    },
    scope="run",
    needs=Needs(program=200),
)
