"""Encode training, test and synthesised faces and measure their spread."""

from pathlib import Path

from _job import job

with job(snakemake):
    from lwpipe.data.store import Dataset
    from lwpipe.evaluation.diversity import measure_diversity
    from lwpipe.evaluation.settings import DiversitySettings
    from lwpipe.model import load

    measure_diversity(
        Dataset.open(Path(snakemake.input.dataset[0]).parent),
        load(snakemake.input.model[0]),
        snakemake.output.points,
        snakemake.output.table,
        DiversitySettings.model_validate(snakemake.params.diversity),
    )
