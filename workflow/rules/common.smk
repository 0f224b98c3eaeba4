"""The validated configuration, and what rules are made of: the declarations of lwpipe's stages."""

import os
import re
import sys
from functools import reduce
from pathlib import Path

from lwpipe.core import plugins
from lwpipe.core.errors import LwpipeError
from lwpipe.core.files import write_text


def leave(error):
    """End with one sentence: by an exception of Snakemake it would be a traceback."""
    print(f"lwpipe: error: {error}", file=sys.stderr)
    sys.exit(1)


try:
    from lwpipe.run import merge, needs, read_yaml, validate_run
    from lwpipe.run.call import about_run
    from lwpipe.run.layout import Layout
    from lwpipe.run.load import cli_value
    from lwpipe.run.stages import STAGES, TARGETS, of_target, read_settings
except LwpipeError as error:
    # Of a plugin, which is found when these are imported.
    leave(error)


def path_of_source(file):
    """Return the path of a file of the workflow, named from this folder."""
    return workflow.current_basedir.join(file).get_path_or_uri(secret_free=True)


def configuration_layers():
    """Return (file, values) of each layer of the configuration, lowest first.

    The workflow's own config.yaml lies below that of the working folder, the files of the command
    line and --config. As a module, the workflow has its own and the `config` that it is given.
    """
    own = os.path.realpath(path_of_source("../../config.yaml"))
    if workflow.modifier.skip_configfile:
        return [(shown(own), read_yaml(own)), ("config of the module", dict(config))]
    files = [own]
    if os.path.exists("config.yaml"):
        files.append(os.path.realpath("config.yaml"))
    files += [os.path.realpath(file) for file in workflow.overwrite_configfiles]
    # A file that is named again counts where it is named last.
    once = [file for place, file in enumerate(files) if file not in files[place + 1 :]]
    return [
        *((shown(file), read_yaml(file)) for file in once),
        ("command line", typed(dict(workflow.config_settings.config))),
    ]


def shown(file):
    """Return a file as messages name it: relative to the working folder where it lies in it."""
    return file.removeprefix(os.path.realpath(os.getcwd()) + os.sep)


def typed(value):
    """Return --config with numbers, truth values and null for what Snakemake leaves as text."""
    if isinstance(value, dict):
        return {key: typed(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [typed(inner) for inner in value]
    try:
        return cli_value(value) if isinstance(value, str) else value
    except ValueError as error:
        raise LwpipeError(
            f"command line: --config has {value!r}, which is not YAML ({error})."
        )


def check_records():
    """Raise an error where Snakemake could not keep its records: it would give a traceback."""
    folder = ".snakemake" if os.path.isdir(".snakemake") else "."
    if not os.access(folder, os.W_OK):
        raise LwpipeError(
            f"{os.path.abspath(folder)}: cannot be written, and Snakemake keeps its records there."
        )


try:
    check_records()
    LAYERS = configuration_layers()
    # Merged here, lowest first, so that the variants stand in the order of config.yaml.
    CONFIG = reduce(merge, (values for _, values in LAYERS), {})
    LAYOUT = Layout(validate_run(CONFIG, LAYERS))
except LwpipeError as error:
    leave(error)

RUN = LAYOUT.base
POINTS = {name: dict(point.values) for name, point in LAYOUT.run.points.items()}
# For Snakemake's report.
config["name"] = LAYOUT.run.name

# A list of a thousand points would take seconds to compile: of their names only the form counts.
NAMED = "|".join(map(re.escape, LAYOUT.run.variants))
POINT = "[^/]+=[^/]+"


wildcard_constraints:
    root=f"{re.escape(RUN)}(/variants/({NAMED})|/sweep/shared/{POINT})?",
    variant=NAMED,
    point=POINT,


# Named whole: rules of plugins, in other folders, inherit it.
SCRIPT = path_of_source("../scripts/stage.py")
ENVIRONMENT = path_of_source("../../envs/lwpipe.yaml")

# Where the files of a stage lie, by its scope, and who a job of it is of.
ROOTS = {
    "shared": "{root}",
    "run": RUN,
    "variant": f"{RUN}/variants/{{variant}}",
    "point": f"{RUN}/sweep/{{point}}",
    "sweep": RUN,
}
OWNERS = {
    "shared": ": {wildcards.root}",
    "variant": ": {wildcards.variant}",
    "point": ": {wildcards.point}",
}


def rules_of_plugins():
    """Return the files of rules that plugins bring."""
    folders = map(Path, plugins.folders("workflow/rules"))
    return [str(file) for folder in folders for file in sorted(folder.glob("*.smk"))]


def member_of(wildcards):
    """Return the variant or point a job belongs to, or None for a job of the whole run."""
    for name in ("variant", "point"):
        if hasattr(wildcards, name):
            return getattr(wildcards, name)
    return LAYOUT.variant_at(wildcards.root) if hasattr(wildcards, "root") else None


def settings_of(wildcards):
    """Return the settings of the variant or point a job belongs to, or those of the run."""
    return LAYOUT.settings(member_of(wildcards))


def files_of(target):
    """Return the files of a target; those of points come in as inputs of the others."""
    return [
        LAYOUT.file(stage.name, name, member)
        for stage in of_target(target)
        if stage.scope != "point"
        for member in LAYOUT.members(stage.name)
        for name in stage.outputs
    ]


def user_files(section):
    """Return what finds the user's own files that a section names, so that a changed one counts."""

    def of_job(wildcards):
        try:
            files = getattr(settings_of(wildcards), section).user_files()
        except LwpipeError as error:
            leave(error)
        for file in map(str, files):
            if "{" in file or "}" in file:
                leave(
                    f"{file}: Snakemake cannot have {{ or }} in the path of a file: rename it."
                )
        return list(map(str, files))

    return of_job


def inputs(stage):
    """Return the inputs of a stage: functions of the job, or the files of all members."""

    def of_job(name):
        return lambda wildcards: LAYOUT.inputs(stage, member_of(wildcards))[name][""]

    return {
        name: all_members(stage, name) if wanted.take == "each" else of_job(name)
        for name, wanted in STAGES[stage].inputs.items()
    }


def all_members(stage, name):
    """Return the files of an input that a stage takes of each variant, point or root."""
    members = LAYOUT.inputs(stage)[name]
    return [file for files in members.values() for file in files]


def outputs(stage):
    """Return the outputs of a stage, with captions for those that reports show."""
    declared = STAGES[stage]
    return {
        name: (
            shown_output(declared, name)
            if output.caption
            else path_of(declared, output)
        )
        for name, output in declared.outputs.items()
    }


def path_of(stage, output):
    """Return the path of an output, a folder where it is one."""
    path = f"{ROOTS[stage.scope]}/{stage.place}/{output.file.rstrip('/')}"
    return directory(path) if output.file.endswith("/") else path


def shown_output(stage, name):
    """Return an output that Snakemake's report shows."""
    output, target = stage.outputs[name], TARGETS[stage.target]
    labels = {"what": output.label}
    if output.patterns:
        labels = {output.label: "{figure}"}
    elif stage.scope == "shared":
        labels = {"run": "{root}", **labels}
    return report(
        path_of(stage, output),
        caption=caption_file(stage, name),
        category=f"{list(TARGETS).index(target.name) + 1:02} {target.title}",
        subcategory="{variant}" if stage.scope == "variant" else None,
        labels=labels,
        patterns=list(output.patterns),
    )


def caption_file(stage, name):
    """Write a caption where Snakemake's report reads it, and return the path."""
    path = Path(".snakemake/lwpipe/captions", f"{stage.name}.{name}.rst").absolute()
    variant = "``{{ snakemake.wildcards.variant }}``"
    text = stage.outputs[name].caption.replace("{variant}", variant)
    # Jobs read the workflow too, many at a time: only who finds another text writes.
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_text(path, text)
    return str(path)


def log_of(stage):
    """Return the log of a stage."""
    return f"{ROOTS[STAGES[stage].scope]}/logs/{stage}.log"


def benchmark_of(stage):
    """Return the file with Snakemake's measurements of a stage."""
    return f"{ROOTS[STAGES[stage].scope]}/benchmarks/{stage}.tsv"


def message_of(stage):
    """Return what is told when a job of a stage starts."""
    declared = STAGES[stage]
    words = f"{declared.does[:1].upper()}{declared.does[1:]}"
    return words + OWNERS.get(declared.scope, "")


def params_of(stage):
    """Return what a job is told: its stage, the settings that it reads, whose files its inputs are."""
    declared = STAGES[stage]
    return {
        "stage": stage,
        "settings": lambda wildcards: read_settings(stage, settings_of(wildcards)),
        "members": {
            name: list(LAYOUT.inputs(stage)[name])
            for name, wanted in declared.inputs.items()
            if wanted.take == "each"
        },
        "about": about_run(declared, LAYOUT.run.name, POINTS),
    }


def resources_of(stage):
    """Return what jobs of a stage ask for: memory and time as much again with every attempt."""

    def mem_mb(wildcards, attempt):
        settings, size = settings_of(wildcards), size_of(wildcards)
        return attempt * needs.memory_mb(stage, settings, size)

    def runtime(wildcards, attempt):
        settings, size = settings_of(wildcards), size_of(wildcards)
        return attempt * needs.runtime_minutes(stage, settings, size)

    def gpu(wildcards):
        return needs.gpus(stage, settings_of(wildcards))

    asked = {"mem_mb": mem_mb, "runtime": runtime}
    return {**asked, "gpu": gpu} if needs.may_ask_for_gpus(stage) else asked


def threads_of(stage):
    """Return how many threads jobs of a stage get."""
    return lambda wildcards: needs.threads(stage, settings_of(wildcards))


def size_of(wildcards):
    """Return the size of the data set that a job reads or makes."""
    folder = LAYOUT.folder("make_dataset", member_of(wildcards))
    return needs.size_of(settings_of(wildcards), folder)
