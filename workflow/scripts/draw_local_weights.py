"""Draw the local weights on the template (figure 2 of the paper)."""

from pathlib import Path

from _job import job

with job(snakemake):
    from lwpipe.figures.local_weights import draw_local_weights
    from lwpipe.figures.settings import FiguresSettings

    draw_local_weights(
        Path(snakemake.input.dataset[0]).parent,
        snakemake.input.weights[0],
        snakemake.output[0],
        FiguresSettings.model_validate(snakemake.params.figures),
    )
