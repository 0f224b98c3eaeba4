"""Measure PCA and the closed-form edits on the test faces."""

from pathlib import Path

from _job import job

with job(snakemake):
    from lwpipe.data.store import Dataset
    from lwpipe.evaluation.evaluate import evaluate_baselines
    from lwpipe.evaluation.settings import EvaluationSettings
    from lwpipe.local_weights import load_local_weights

    evaluate_baselines(
        Dataset.open(Path(snakemake.input.dataset[0]).parent),
        load_local_weights(snakemake.input.weights[0])[0],
        snakemake.output.measures,
        snakemake.output.parts,
        EvaluationSettings.model_validate(snakemake.params.evaluation),
        components=snakemake.params.components,
    )
