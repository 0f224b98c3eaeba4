"""Draw the measures of the sweep over its keys."""

from _job import job

with job(snakemake):
    from lwpipe.figures.settings import FiguresSettings
    from lwpipe.figures.sweep import draw_sweep

    draw_sweep(
        snakemake.input[0],
        snakemake.output[0],
        FiguresSettings.model_validate(snakemake.params.figures),
    )
