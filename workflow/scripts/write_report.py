"""Gather all figures and tables of the run on one page."""

from _job import job

with job(snakemake):
    from lwpipe.report import write_run_report

    write_run_report(
        snakemake.params.name,
        {name: list(files) for name, files in snakemake.input.items()},
        snakemake.output[0],
    )
