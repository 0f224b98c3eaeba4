rule diversity:
    input:
        of_variants("measure_diversity", "points.csv", "diversity.csv"),
        of_variants("draw_diversity", "diversity.png"),


rule measure_diversity:
    input:
        dataset=made_by("make_dataset", *STORE),
        model=made_by("train_model", "model.safetensors", "model.json"),
    output:
        points=f"{RUN}/variants/{{variant}}/diversity/points.csv",
        table=report(
            f"{RUN}/variants/{{variant}}/diversity/diversity.csv",
            caption="../report/diversity.rst",
            category="8 Diversity",
            subcategory="{variant}",
            labels={"what": "areas of the ellipses"},
        ),
    log:
        f"{RUN}/variants/{{variant}}/logs/measure_diversity.log",
    benchmark:
        f"{RUN}/variants/{{variant}}/benchmarks/measure_diversity.tsv"
    conda:
        "../../envs/lwpipe.yaml"
    threads: 1
    resources:
        mem_mb=memory("measure_diversity"),
        runtime=minutes("measure_diversity"),
    params:
        diversity=reads("measure_diversity", "diversity"),
    message:
        "Measuring the diversity of {wildcards.variant}"
    script:
        "../scripts/measure_diversity.py"


rule draw_diversity:
    input:
        made_by("measure_diversity", "points.csv"),
    output:
        report(
            f"{RUN}/variants/{{variant}}/diversity/diversity.png",
            caption="../report/diversity_figure.rst",
            category="8 Diversity",
            subcategory="{variant}",
            labels={"what": "encodings"},
        ),
    log:
        f"{RUN}/variants/{{variant}}/logs/draw_diversity.log",
    benchmark:
        f"{RUN}/variants/{{variant}}/benchmarks/draw_diversity.tsv"
    conda:
        "../../envs/lwpipe.yaml"
    threads: 1
    resources:
        mem_mb=memory("draw_diversity"),
        runtime=minutes("draw_diversity"),
    params:
        figures=reads("draw_diversity", "figures"),
    message:
        "Drawing the diversity of {wildcards.variant}"
    script:
        "../scripts/draw_diversity.py"
