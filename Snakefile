from snakemake.utils import min_version

min_version("9.0")


configfile: "config.yaml"


report: "workflow/report/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/resources.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/template.smk"
include: "workflow/rules/weights.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/ablation.smk"
include: "workflow/rules/interpolation.smk"
include: "workflow/rules/diversity.smk"
include: "workflow/rules/sweep.smk"
include: "workflow/rules/report.smk"


localrules:
    all,
    data,
    template,
    weights,
    train,
    ablation,
    interpolation,
    diversity,
    sweep,
    report,


rule all:
    default_target: True
    input:
        rules.data.input,
        rules.template.input,
        rules.weights.input,
        rules.train.input,
        rules.ablation.input,
        rules.interpolation.input,
        rules.diversity.input,
        rules.sweep.input,
        rules.report.input,
