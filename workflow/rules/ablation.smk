rule ablation:
    input:
        f"{LAYOUT.folder('summarise')}/summary.csv",
        f"{LAYOUT.folder('summarise')}/summary.png",
        f"{LAYOUT.folder('summarise')}/tradeoff.png",


rule evaluate_model:
    input:
        dataset=made_by("make_dataset", *STORE),
        weights=made_by("make_local_weights", "local_weights.npz"),
        model=made_by("train_model", "model.safetensors", "model.json"),
    output:
        measures=f"{RUN}/variants/{{variant}}/evaluation/measures.json",
        parts=report(
            f"{RUN}/variants/{{variant}}/evaluation/parts.csv",
            caption="../report/parts.rst",
            category="5 Evaluation",
            subcategory="{variant}",
            labels={"what": "measures a part"},
        ),
    log:
        f"{RUN}/variants/{{variant}}/logs/evaluate_model.log",
    benchmark:
        f"{RUN}/variants/{{variant}}/benchmarks/evaluate_model.tsv"
    conda:
        "../../envs/lwpipe.yaml"
    threads: 1
    resources:
        mem_mb=memory("evaluate_model"),
        runtime=minutes("evaluate_model"),
    params:
        evaluation=reads("evaluate_model", "evaluation"),
    message:
        "Evaluating {wildcards.variant}"
    script:
        "../scripts/evaluate_model.py"


rule evaluate_baselines:
    input:
        dataset=made_by("make_dataset", *STORE),
        weights=made_by("make_local_weights", "local_weights.npz"),
    output:
        measures=f"{RUN}/baselines/measures.json",
        parts=report(
            f"{RUN}/baselines/parts.csv",
            caption="../report/parts.rst",
            category="5 Evaluation",
            subcategory="baselines",
            labels={"what": "measures a part"},
        ),
    log:
        f"{RUN}/logs/evaluate_baselines.log",
    benchmark:
        f"{RUN}/benchmarks/evaluate_baselines.tsv"
    conda:
        "../../envs/lwpipe.yaml"
    threads: 1
    resources:
        mem_mb=memory("evaluate_baselines"),
        runtime=minutes("evaluate_baselines"),
    params:
        evaluation=reads("evaluate_baselines", "evaluation"),
        components=BASE.model.latent_size,
    message:
        "Evaluating the closed-form baselines"
    script:
        "../scripts/evaluate_baselines.py"


rule summarise:
    input:
        measures=of_variants("evaluate_model", "measures.json"),
        diversity=of_variants("measure_diversity", "diversity.csv"),
        baselines=made_by("evaluate_baselines", "measures.json"),
    output:
        report(
            f"{RUN}/ablation/summary.csv",
            caption="../report/summary.rst",
            category="6 Ablation",
            labels={"what": "table"},
        ),
    log:
        f"{RUN}/logs/summarise.log",
    benchmark:
        f"{RUN}/benchmarks/summarise.tsv"
    conda:
        "../../envs/lwpipe.yaml"
    threads: 1
    resources:
        mem_mb=memory("summarise"),
        runtime=minutes("summarise"),
    params:
        variants=VARIANTS,
    message:
        "Comparing the variants"
    script:
        "../scripts/summarise.py"


rule draw_summary:
    input:
        made_by("summarise", "summary.csv"),
    output:
        report(
            f"{RUN}/ablation/summary.png",
            caption="../report/summary_figure.rst",
            category="6 Ablation",
            labels={"what": "picture of the table"},
        ),
    log:
        f"{RUN}/logs/draw_summary.log",
    benchmark:
        f"{RUN}/benchmarks/draw_summary.tsv"
    conda:
        "../../envs/lwpipe.yaml"
    threads: 1
    resources:
        mem_mb=memory("draw_summary"),
        runtime=minutes("draw_summary"),
    params:
        figures=reads("draw_summary", "figures"),
    message:
        "Drawing the table of variants"
    script:
        "../scripts/draw_summary.py"


rule draw_tradeoff:
    input:
        made_by("summarise", "summary.csv"),
    output:
        report(
            f"{RUN}/ablation/tradeoff.png",
            caption="../report/tradeoff.rst",
            category="6 Ablation",
            labels={"what": "leak against plausibility"},
        ),
    log:
        f"{RUN}/logs/draw_tradeoff.log",
    benchmark:
        f"{RUN}/benchmarks/draw_tradeoff.tsv"
    conda:
        "../../envs/lwpipe.yaml"
    threads: 1
    resources:
        mem_mb=memory("draw_tradeoff"),
        runtime=minutes("draw_tradeoff"),
    params:
        figures=reads("draw_tradeoff", "figures"),
    message:
        "Drawing leak against plausibility"
    script:
        "../scripts/draw_tradeoff.py"
