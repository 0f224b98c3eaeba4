"""Draw loss and errors over the epochs."""

from _job import job

with job(snakemake):
    from lwpipe.figures.learning_curve import draw_learning_curve
    from lwpipe.figures.settings import FiguresSettings

    draw_learning_curve(
        snakemake.input[0],
        snakemake.output[0],
        FiguresSettings.model_validate(snakemake.params.figures),
    )
