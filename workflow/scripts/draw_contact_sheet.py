"""Draw some faces of a data set."""

from pathlib import Path

from _job import job

with job(snakemake):
    from lwpipe.figures.contact_sheet import draw_contact_sheet
    from lwpipe.figures.settings import FiguresSettings

    draw_contact_sheet(
        Path(snakemake.input[0]).parent,
        snakemake.output[0],
        FiguresSettings.model_validate(snakemake.params.figures),
    )
