rule data:
    input:
        of_roots("make_dataset", "dataset.json"),
        of_roots("check_dataset", "qc.csv"),
        of_roots("draw_contact_sheet", "contact_sheet.png"),


rule make_dataset:
    input:
        source_files,
    output:
        vertices="{root}/data/vertices.npy",
        template="{root}/data/template.ply",
        faces="{root}/data/faces.csv",
        dataset="{root}/data/dataset.json",
        regions="{root}/data/regions.npz",
    log:
        "{root}/logs/make_dataset.log",
    benchmark:
        "{root}/benchmarks/make_dataset.tsv"
    conda:
        "../../envs/lwpipe.yaml"
    threads: 1
    resources:
        mem_mb=memory("make_dataset"),
        runtime=minutes("make_dataset"),
    params:
        data=reads("make_dataset", "data"),
    message:
        "Making the data set {output.dataset}"
    script:
        "../scripts/make_dataset.py"


rule check_dataset:
    input:
        made_by("make_dataset", *STORE),
    output:
        report(
            "{root}/data/qc.csv",
            caption="../report/qc.rst",
            category="1 Data",
            labels={"run": "{root}", "what": "checks of the meshes"},
        ),
    log:
        "{root}/logs/check_dataset.log",
    benchmark:
        "{root}/benchmarks/check_dataset.tsv"
    conda:
        "../../envs/lwpipe.yaml"
    threads: 1
    resources:
        mem_mb=memory("check_dataset"),
        runtime=minutes("check_dataset"),
    message:
        "Checking the meshes of {wildcards.root}"
    script:
        "../scripts/check_dataset.py"


rule draw_contact_sheet:
    input:
        made_by("make_dataset", *STORE),
    output:
        report(
            "{root}/data/contact_sheet.png",
            caption="../report/contact_sheet.rst",
            category="1 Data",
            labels={"run": "{root}", "what": "faces"},
        ),
    log:
        "{root}/logs/draw_contact_sheet.log",
    benchmark:
        "{root}/benchmarks/draw_contact_sheet.tsv"
    conda:
        "../../envs/lwpipe.yaml"
    threads: 1
    resources:
        mem_mb=memory("draw_contact_sheet"),
        runtime=minutes("draw_contact_sheet"),
    params:
        figures=reads("draw_contact_sheet", "figures"),
    message:
        "Drawing faces of {wildcards.root}"
    script:
        "../scripts/draw_contact_sheet.py"
