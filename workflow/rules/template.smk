rule template:
    input:
        of_roots("make_pyramid", "pyramid.npz", "pyramid.csv"),


rule make_pyramid:
    input:
        made_by("make_dataset", *STORE),
    output:
        pyramid="{root}/template/pyramid.npz",
        table=report(
            "{root}/template/pyramid.csv",
            caption="../report/pyramid.rst",
            category="2 Template",
            labels={"run": "{root}", "what": "levels of the pyramid"},
        ),
    log:
        "{root}/logs/make_pyramid.log",
    benchmark:
        "{root}/benchmarks/make_pyramid.tsv"
    conda:
        "../../envs/lwpipe.yaml"
    threads: 1
    resources:
        mem_mb=memory("make_pyramid"),
        runtime=minutes("make_pyramid"),
    params:
        template=reads("make_pyramid", "template"),
    message:
        "Simplifying the template of {wildcards.root}"
    script:
        "../scripts/make_pyramid.py"
