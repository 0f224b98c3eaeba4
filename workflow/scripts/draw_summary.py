"""Draw the table of all variants and baselines."""

from _job import job

with job(snakemake):
    from lwpipe.figures.ablation import draw_summary
    from lwpipe.figures.settings import FiguresSettings

    draw_summary(
        snakemake.input[0],
        snakemake.output[0],
        FiguresSettings.model_validate(snakemake.params.figures),
    )
