rule train:
    input:
        of_variants("train_model", "model.safetensors", "model.json", "history.csv"),
        of_variants("draw_learning_curve", "learning_curve.png"),


rule train_model:
    input:
        dataset=made_by("make_dataset", *STORE),
        pyramid=made_by("make_pyramid", "pyramid.npz"),
        weights=made_by("make_local_weights", "local_weights.npz"),
    output:
        model=f"{RUN}/variants/{{variant}}/train/model.safetensors",
        info=f"{RUN}/variants/{{variant}}/train/model.json",
        history=report(
            f"{RUN}/variants/{{variant}}/train/history.csv",
            caption="../report/history.rst",
            category="4 Training",
            subcategory="{variant}",
            labels={"what": "history"},
        ),
    log:
        f"{RUN}/variants/{{variant}}/logs/train_model.log",
    benchmark:
        f"{RUN}/variants/{{variant}}/benchmarks/train_model.tsv"
    conda:
        "../../envs/lwpipe.yaml"
    threads: TRAIN_THREADS
    resources:
        mem_mb=memory("train_model"),
        runtime=minutes("train_model"),
        gpu=graphics_cards("train_model"),
    params:
        model=reads("train_model", "model"),
        training=reads("train_model", "training"),
    message:
        "Training {wildcards.variant}"
    script:
        "../scripts/train_model.py"


rule draw_learning_curve:
    input:
        made_by("train_model", "history.csv"),
    output:
        report(
            f"{RUN}/variants/{{variant}}/train/learning_curve.png",
            caption="../report/learning_curve.rst",
            category="4 Training",
            subcategory="{variant}",
            labels={"what": "learning curve"},
        ),
    log:
        f"{RUN}/variants/{{variant}}/logs/draw_learning_curve.log",
    benchmark:
        f"{RUN}/variants/{{variant}}/benchmarks/draw_learning_curve.tsv"
    conda:
        "../../envs/lwpipe.yaml"
    threads: 1
    resources:
        mem_mb=memory("draw_learning_curve"),
        runtime=minutes("draw_learning_curve"),
    params:
        figures=reads("draw_learning_curve", "figures"),
    message:
        "Drawing the learning curve of {wildcards.variant}"
    script:
        "../scripts/draw_learning_curve.py"
