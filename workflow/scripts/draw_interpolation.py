"""Render part-by-part interpolations (figures 4 and 5 of the paper)."""

from pathlib import Path

from _job import job

with job(snakemake):
    from lwpipe.evaluation.settings import InterpolationSettings
    from lwpipe.figures.interpolation import draw_interpolation
    from lwpipe.figures.settings import FiguresSettings

    draw_interpolation(
        Path(snakemake.input.dataset[0]).parent,
        snakemake.input.weights[0],
        snakemake.input.model[0],
        snakemake.output[0],
        InterpolationSettings.model_validate(snakemake.params.interpolation),
        FiguresSettings.model_validate(snakemake.params.figures),
    )
