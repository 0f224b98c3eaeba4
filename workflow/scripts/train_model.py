"""Train one variant; a rerun continues at the last checkpoint."""

from pathlib import Path

from _job import job

with job(snakemake):
    from lwpipe.model.settings import ModelSettings
    from lwpipe.training import train
    from lwpipe.training.settings import TrainingSettings

    folder = Path(snakemake.output.model).parent
    train(
        Path(snakemake.input.dataset[0]).parent,
        snakemake.input.pyramid[0],
        snakemake.input.weights[0],
        folder,
        folder.with_name("checkpoints"),
        ModelSettings.model_validate(snakemake.params.model),
        TrainingSettings.model_validate(snakemake.params.training),
        tensorboard=folder.with_name("tensorboard"),
    )
