"""Put the measures of all points of the sweep into one table."""

from _job import job

with job(snakemake):
    from lwpipe.evaluation.sweep import collect_sweep

    points = snakemake.params.points
    collect_sweep(
        points,
        dict(zip(points, snakemake.input, strict=True)),
        snakemake.output[0],
    )
