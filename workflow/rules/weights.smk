rule weights:
    input:
        of_roots("make_local_weights", "local_weights.npz", "local_weights.json"),
        of_roots("draw_local_weights", "local_weights.png"),


rule make_local_weights:
    input:
        made_by("make_dataset", *STORE),
    output:
        weights="{root}/weights/local_weights.npz",
        info="{root}/weights/local_weights.json",
    log:
        "{root}/logs/make_local_weights.log",
    benchmark:
        "{root}/benchmarks/make_local_weights.tsv"
    conda:
        "../../envs/lwpipe.yaml"
    threads: 1
    resources:
        mem_mb=memory("make_local_weights"),
        runtime=minutes("make_local_weights"),
    params:
        local_weights=reads("make_local_weights", "local_weights"),
    message:
        "Factorising the faces of {wildcards.root} into parts"
    script:
        "../scripts/make_local_weights.py"


rule draw_local_weights:
    input:
        dataset=made_by("make_dataset", *STORE),
        weights=made_by("make_local_weights", "local_weights.npz"),
    output:
        report(
            "{root}/weights/local_weights.png",
            caption="../report/local_weights.rst",
            category="3 Local weights",
            labels={"run": "{root}", "what": "local weights"},
        ),
    log:
        "{root}/logs/draw_local_weights.log",
    benchmark:
        "{root}/benchmarks/draw_local_weights.tsv"
    conda:
        "../../envs/lwpipe.yaml"
    threads: 1
    resources:
        mem_mb=memory("draw_local_weights"),
        runtime=minutes("draw_local_weights"),
    params:
        figures=reads("draw_local_weights", "figures"),
    message:
        "Drawing the local weights of {wildcards.root}"
    script:
        "../scripts/draw_local_weights.py"
