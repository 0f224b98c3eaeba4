"""Convert the faces of the configured source into the store."""

from pathlib import Path

from _job import job

with job(snakemake):
    from lwpipe.config import DataSettings
    from lwpipe.data.convert import make_dataset

    make_dataset(
        DataSettings.model_validate(snakemake.params.data),
        Path(snakemake.output.dataset).parent,
    )
