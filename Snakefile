# The workflow itself is where the Snakemake catalog and `module:` look for it.
include: "workflow/Snakefile"
