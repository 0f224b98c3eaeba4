"""Factorise the training faces into parts."""

from pathlib import Path

from _job import job

with job(snakemake):
    from lwpipe.local_weights import make_local_weights
    from lwpipe.local_weights.settings import LocalWeightsSettings

    make_local_weights(
        Path(snakemake.input[0]).parent,
        snakemake.output.weights,
        snakemake.output.info,
        LocalWeightsSettings.model_validate(snakemake.params.local_weights),
    )
