"""Call the function of the stage that the rule names, with the files and settings of the job."""

from pathlib import Path

from _job import job

with job(snakemake):
    from lwpipe.run.call import call
    from lwpipe.run.stages import STAGES

    stage = STAGES[snakemake.params.stage]
    members = snakemake.params.members
    inputs = {}
    for name in stage.inputs:
        files = snakemake.input.get(name)
        files = [files] if isinstance(files, str) else list(files)
        # One file a member, or all the files of the one that the job is of.
        inputs[name] = {"": files}
        if name in members:
            inputs[name] = {k: [file] for k, file in zip(members[name], files, strict=True)}
    call(
        stage,
        inputs,
        Path(snakemake.output[0]).parent,
        snakemake.params.settings,
        snakemake.params.about,
    )
