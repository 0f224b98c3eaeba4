rule interpolation:
    input:
        [LAYOUT.folder("draw_interpolation", variant) for variant in RENDERED],


rule draw_interpolation:
    input:
        dataset=made_by("make_dataset", *STORE),
        weights=made_by("make_local_weights", "local_weights.npz"),
        model=made_by("train_model", "model.safetensors", "model.json"),
    output:
        # A folder, because how many files it has depends on the variant's parts and pairs.
        report(
            directory(f"{RUN}/variants/{{variant}}/interpolation"),
            patterns=["pair_{figure}.png", "pair_{figure}.gif", "pair_{figure}.csv"],
            caption="../report/interpolation.rst",
            category="7 Interpolation",
            subcategory="{variant}",
            labels={"pair": "{figure}"},
        ),
    log:
        f"{RUN}/variants/{{variant}}/logs/draw_interpolation.log",
    benchmark:
        f"{RUN}/variants/{{variant}}/benchmarks/draw_interpolation.tsv"
    conda:
        "../../envs/lwpipe.yaml"
    threads: 1
    resources:
        mem_mb=memory("draw_interpolation"),
        runtime=minutes("draw_interpolation"),
    params:
        interpolation=reads("draw_interpolation", "interpolation"),
        figures=reads("draw_interpolation", "figures"),
    message:
        "Rendering the interpolations of {wildcards.variant}"
    script:
        "../scripts/draw_interpolation.py"
