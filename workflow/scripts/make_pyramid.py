"""Simplify the template level by level."""

from pathlib import Path

from _job import job

with job(snakemake):
    from lwpipe.template import make_pyramid
    from lwpipe.template.settings import TemplateSettings

    make_pyramid(
        Path(snakemake.input[0]).parent,
        snakemake.output.pyramid,
        snakemake.output.table,
        TemplateSettings.model_validate(snakemake.params.template),
    )
