"""Encode training, test and synthesised faces and measure their spread."""

from pathlib import Path

from _job import job

with job(snakemake):
    from lwpipe.config import DiversitySettings
    from lwpipe.data.store import Dataset
    from lwpipe.measures.diversity import measure_diversity
    from lwpipe.model import load

    measure_diversity(
        Dataset.open(Path(snakemake.input.dataset[0]).parent),
        load(snakemake.input.model[0]),
        snakemake.output.points,
        snakemake.output.table,
        DiversitySettings.model_validate(snakemake.params.diversity),
    )
