rule report:
    input:
        f"{LAYOUT.folder('write_report')}/report.html",


rule write_report:
    input:
        dataset=of_roots("make_dataset", "dataset.json"),
        qc=of_roots("check_dataset", "qc.csv"),
        contact_sheets=of_roots("draw_contact_sheet", "contact_sheet.png"),
        pyramids=of_roots("make_pyramid", "pyramid.csv"),
        local_weights=of_roots("draw_local_weights", "local_weights.png"),
        models=of_variants("train_model", "model.json"),
        learning_curves=of_variants("draw_learning_curve", "learning_curve.png"),
        interpolations=rules.interpolation.input,
        diversity=of_variants("measure_diversity", "diversity.csv"),
        diversity_figures=of_variants("draw_diversity", "diversity.png"),
        summary=made_by("summarise", "summary.csv"),
        summary_figure=made_by("draw_summary", "summary.png"),
        tradeoff=made_by("draw_tradeoff", "tradeoff.png"),
    output:
        report(
            f"{RUN}/report/report.html",
            caption="../report/report.rst",
            category="9 Report",
            labels={"what": "everything on one page"},
        ),
    log:
        f"{RUN}/logs/write_report.log",
    benchmark:
        f"{RUN}/benchmarks/write_report.tsv"
    conda:
        "../../envs/lwpipe.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        name=LAYOUT.run.name,
        variants=VARIANTS,
        rendered=RENDERED,
    message:
        "Writing the report"
    script:
        "../scripts/write_report.py"
