"""Check the meshes of a data set."""

from pathlib import Path

from _job import job

with job(snakemake):
    from lwpipe.data.check import check_dataset

    check_dataset(Path(snakemake.input[0]).parent, snakemake.output[0])
