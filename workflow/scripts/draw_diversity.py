"""Draw the encodings in the plane (figure 6 of the paper)."""

from _job import job

with job(snakemake):
    from lwpipe.figures.diversity import draw_diversity
    from lwpipe.figures.settings import FiguresSettings

    draw_diversity(
        snakemake.input[0],
        snakemake.output[0],
        FiguresSettings.model_validate(snakemake.params.figures),
    )
