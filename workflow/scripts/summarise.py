"""Put the measures of all variants and baselines into one table."""

from _job import job

with job(snakemake):
    from lwpipe.evaluation.summary import summarise

    variants = snakemake.params.variants
    summarise(
        dict(zip(variants, snakemake.input.measures, strict=True)),
        dict(zip(variants, snakemake.input.diversity, strict=True)),
        snakemake.input.baselines[0],
        snakemake.output[0],
    )
