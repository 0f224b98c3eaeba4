# The workflow itself lies where the Snakemake catalog and `module:` look for it.
include: "workflow/Snakefile"


# Of a file that is included, Snakemake takes no default target.
rule everything:
    default_target: True
    input:
        rules.all.input,
