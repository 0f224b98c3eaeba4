"""Convert the faces of the configured source into the store."""

from pathlib import Path

from _job import job

with job(snakemake):
    from lwpipe.data.make import make_dataset
    from lwpipe.data.settings import DataSettings

    make_dataset(
        DataSettings.model_validate(snakemake.params.data),
        Path(snakemake.output.dataset).parent,
    )
