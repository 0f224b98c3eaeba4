# What the rules of all stages share: one script, which calls the function of the stage. The parts of
# a rule are read from the declaration of its stage in lwpipe/run/stages.
rule stage:
    log:
        f"{RUN}/logs/stage.log",
    conda:
        ENVIRONMENT
    script:
        SCRIPT
