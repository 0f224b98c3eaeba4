rule sweep:
    input:
        [
            f"{LAYOUT.folder('collect_sweep')}/{file}"
            for file in ["sweep.csv", "sweep.png"]
            if POINTS
        ],
    message:
        f"The sweep has {len(POINTS)} points"


# Training and evaluation of a point are one job of a cluster: the group. They stay two rules, so
# that another evaluation does not train again.
use rule train_model as train_point with:
    output:
        model=f"{RUN}/sweep/{{point}}/train/model.safetensors",
        info=f"{RUN}/sweep/{{point}}/train/model.json",
        history=f"{RUN}/sweep/{{point}}/train/history.csv",
    log:
        f"{RUN}/sweep/{{point}}/logs/train_point.log",
    benchmark:
        f"{RUN}/sweep/{{point}}/benchmarks/train_point.tsv"
    group:
        "point"
    message:
        "Training at {wildcards.point}"


use rule evaluate_model as evaluate_point with:
    input:
        dataset=made_by("make_dataset", *STORE),
        weights=made_by("make_local_weights", "local_weights.npz"),
        model=made_by("train_point", "model.safetensors", "model.json"),
    output:
        measures=f"{RUN}/sweep/{{point}}/evaluation/measures.json",
        parts=f"{RUN}/sweep/{{point}}/evaluation/parts.csv",
    log:
        f"{RUN}/sweep/{{point}}/logs/evaluate_point.log",
    benchmark:
        f"{RUN}/sweep/{{point}}/benchmarks/evaluate_point.tsv"
    group:
        "point"
    message:
        "Evaluating {wildcards.point}"


rule collect_sweep:
    input:
        [f"{LAYOUT.folder('evaluate_point', point)}/measures.json" for point in POINTS],
    output:
        report(
            f"{RUN}/sweep/sweep.csv",
            caption="../report/sweep.rst",
            category="9 Sweep",
            labels={"what": "table"},
        ),
    log:
        f"{RUN}/logs/collect_sweep.log",
    benchmark:
        f"{RUN}/benchmarks/collect_sweep.tsv"
    conda:
        "../../envs/lwpipe.yaml"
    threads: 1
    resources:
        mem_mb=memory("summarise"),
        runtime=minutes("summarise"),
    params:
        points={name: point.values for name, point in POINTS.items()},
    message:
        "Collecting the points of the sweep"
    script:
        "../scripts/collect_sweep.py"


rule draw_sweep:
    input:
        made_by("collect_sweep", "sweep.csv"),
    output:
        report(
            f"{RUN}/sweep/sweep.png",
            caption="../report/sweep_figure.rst",
            category="9 Sweep",
            labels={"what": "measures over the swept keys"},
        ),
    log:
        f"{RUN}/logs/draw_sweep.log",
    benchmark:
        f"{RUN}/benchmarks/draw_sweep.tsv"
    conda:
        "../../envs/lwpipe.yaml"
    threads: 1
    resources:
        mem_mb=memory("draw_summary"),
        runtime=minutes("draw_summary"),
    params:
        figures=reads("draw_sweep", "figures"),
    message:
        "Drawing the sweep"
    script:
        "../scripts/draw_sweep.py"
