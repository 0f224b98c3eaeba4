"""Simplify the template level by level."""

from pathlib import Path

from _job import job

with job(snakemake):
    from lwpipe.config import TemplateSettings
    from lwpipe.pyramid import make_pyramid

    make_pyramid(
        Path(snakemake.input[0]).parent,
        snakemake.output.pyramid,
        snakemake.output.table,
        TemplateSettings.model_validate(snakemake.params.template),
    )
