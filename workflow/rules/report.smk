rule report:
    input:
        f"{LAYOUT.folder('write_report')}/report.html",


rule write_report:
    input:
        **report_files(LAYOUT),
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
        mem_mb=memory("write_report"),
        runtime=minutes("write_report"),
    params:
        name=LAYOUT.run.name,
        variants=VARIANTS,
        rendered=RENDERED,
    message:
        "Writing the report"
    script:
        "../scripts/write_report.py"
