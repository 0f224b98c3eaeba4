"""Measure one variant on the test faces."""

from pathlib import Path

from _job import job

with job(snakemake):
    from lwpipe.data.store import Dataset
    from lwpipe.evaluation.evaluate import evaluate_model
    from lwpipe.evaluation.settings import EvaluationSettings
    from lwpipe.local_weights import load_local_weights
    from lwpipe.model import load

    evaluate_model(
        Dataset.open(Path(snakemake.input.dataset[0]).parent),
        load_local_weights(snakemake.input.weights[0])[0],
        load(snakemake.input.model[0]),
        snakemake.output.measures,
        snakemake.output.parts,
        EvaluationSettings.model_validate(snakemake.params.evaluation),
    )
