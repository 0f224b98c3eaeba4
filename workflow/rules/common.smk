"""The validated configuration and the layout of the results."""

import os
import re
import sys
from functools import reduce
from pathlib import Path

from lwpipe.run import merge, read_yaml, validate_run
from lwpipe.run.layout import Layout
from lwpipe.run.load import cli_value
from lwpipe.run.stages import STAGES, read_settings
from lwpipe.core.errors import LwpipeError
from lwpipe.report import report_files


def configuration_layers():
    """Return (file, values) of each configuration file and of --config, lowest first."""
    # Snakemake lists the files of the command line first, and lays them over the Snakefile's.
    above = [os.path.abspath(file) for file in workflow.overwrite_configfiles]
    below = [os.path.abspath(file) for file in workflow.configfiles]
    files = [*(file for file in below if file not in above), *above]
    here = os.getcwd() + os.sep
    names = [file.removeprefix(here) for file in files]
    return [
        *((name, read_yaml(name)) for name in names),
        ("command line", typed(dict(workflow.config_settings.config))),
    ]


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
    # Leaving here, and not by an exception of Snakemake, is what spares the user a traceback.
    print(f"lwpipe: error: {error}", file=sys.stderr)
    sys.exit(1)

RUN = LAYOUT.base
BASE = LAYOUT.run.base
VARIANTS = list(LAYOUT.run.variants)
POINTS = LAYOUT.run.points
RENDERED = list(dict.fromkeys(BASE.interpolation.variants))

# What every reader of a data set needs of it.
STORE = ["vertices.npy", "template.ply", "faces.csv", "dataset.json", "regions.npz"]

# Training gets this many threads, whatever --cores allows: another number may round otherwise and
# end with other bytes. More for one large training: --set-threads train_model=8
TRAIN_THREADS = 2


# A list of a thousand points would take seconds to compile: of their names only the form counts.
NAMED = "|".join(map(re.escape, VARIANTS))
POINT = "[^/]+=[^/]+"


wildcard_constraints:
    root=f"{re.escape(RUN)}(/variants/({NAMED})|/sweep/shared/{POINT})?",
    variant=NAMED,
    point=POINT,


def variant_of(wildcards):
    """Return the variant or point a job belongs to, or None for a job of the whole run."""
    for name in ("variant", "point"):
        if hasattr(wildcards, name):
            return getattr(wildcards, name)
    return LAYOUT.variant_at(wildcards.root) if hasattr(wildcards, "root") else None


def settings_of(wildcards):
    """Return the settings of the variant or point a job belongs to, or those of the run."""
    return LAYOUT.settings(variant_of(wildcards))


def made_by(stage, *files):
    """Return an input function: the files of `stage` that the job's variant uses."""

    def paths(wildcards):
        folder = LAYOUT.folder(stage, variant_of(wildcards))
        return [f"{folder}/{file}" for file in files]

    return paths


def reads(stage, section):
    """Return a params function: the keys of a section that `stage` reads, as plain values."""

    def values(wildcards):
        return read_settings(stage, settings_of(wildcards))[section]

    return values


def of_variants(stage, *files, variants=None):
    """Return the files of `stage` for every variant."""
    return [
        f"{LAYOUT.folder(stage, variant)}/{file}"
        for variant in (VARIANTS if variants is None else variants)
        for file in files
    ]


def of_roots(stage, *files):
    """Return the files of `stage` for the run and for every variant that has its own."""
    folder = STAGES[stage].folder
    return [f"{root}/{folder}/{file}" for root in LAYOUT.roots(stage) for file in files]


def source_files(wildcards):
    """Return the user's own files that the data are made from, so that a changed one counts.

    A path that does not exist gives no file: the conversion then says what is wrong with it.
    """
    data = settings_of(wildcards).data
    named = {
        "synthetic": [],
        "ict": [data.ict.path],
        "aflw2000-3d": [data.aflw2000_3d.model_dir, data.aflw2000_3d.faces_dir],
        "meshes": [data.meshes.path, data.meshes.table],
    }[data.source]
    files = []
    for path in (Path(name) for name in named if name is not None):
        if path.is_dir():
            files += sorted(str(file) for file in path.rglob("*") if file.is_file())
        elif path.exists():
            files.append(str(path))
    return files
