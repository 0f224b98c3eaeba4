"""Draw leak against plausibility of all variants and baselines."""

from _job import job

with job(snakemake):
    from lwpipe.figures.ablation import draw_tradeoff
    from lwpipe.figures.settings import FiguresSettings

    draw_tradeoff(
        snakemake.input[0],
        snakemake.output[0],
        FiguresSettings.model_validate(snakemake.params.figures),
    )
