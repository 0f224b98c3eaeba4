"""The validated configuration, the layout of the results, and what jobs need of a machine."""

import os
import re
import sys
from functools import reduce
from pathlib import Path

from lwpipe.config import merge, read_yaml, validate_run
from lwpipe.config.load import cli_value
from lwpipe.config.stages import STAGES, Layout, read_settings
from lwpipe.errors import LwpipeError
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
    return cli_value(value) if isinstance(value, str) else value


try:
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
RENDERED = list(dict.fromkeys(BASE.interpolation.variants))

# What every reader of a data set needs of it.
STORE = ["vertices.npy", "template.ply", "faces.csv", "dataset.json"]

# Training gets this many threads, whatever --cores allows: another number may round otherwise and
# end with other bytes. More for one large training: --set-threads train_model=8
TRAIN_THREADS = 2


wildcard_constraints:
    root="|".join(
        re.escape(root) for root in [RUN, *map(LAYOUT.variant_root, VARIANTS)]
    ),
    variant="|".join(map(re.escape, VARIANTS)),


def variant_of(wildcards):
    """Return the variant a job belongs to, or None for a job of the whole run."""
    if hasattr(wildcards, "variant"):
        return wildcards.variant
    return LAYOUT.variant_at(wildcards.root) if hasattr(wildcards, "root") else None


def settings_of(wildcards):
    """Return the settings of the variant a job belongs to, or those of the run."""
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


def data_size(settings):
    """Return (faces N, vertices V) as far as the settings tell them, for an estimate."""
    data = settings.data
    return {
        "synthetic": (data.faces, data.synthetic.vertices),
        "ict": (
            data.faces,
            {"narrow_face": 6706, "full_face": 9409, "head": 11248}[data.ict.region],
        ),
        "aflw2000-3d": (data.faces or 2000, 53215),
        # Unknown before the meshes are read: --set-resources make_dataset:mem_mb=... for more.
        "meshes": (data.faces or 1000, 20000),
    }[data.source]


def store_mb(settings):
    """Return the size of all faces in memory, N x V x 3 single-precision numbers."""
    faces, vertices = data_size(settings)
    return faces * vertices * 12 / 1e6


def memory(copies):
    """Return a function for mem_mb: the program and so many copies of all faces."""

    def mem_mb(wildcards):
        return round(1000 + copies * store_mb(settings_of(wildcards)))

    return mem_mb


def minutes(per_gigabyte):
    """Return a function for runtime: ten minutes, and so many for each gigabyte of faces."""

    def runtime(wildcards):
        return round(10 + per_gigabyte * store_mb(settings_of(wildcards)) / 1000)

    return runtime


def weights_memory(wildcards):
    """Return mem_mb of the factorisation: eight copies of the double-precision features."""
    settings = settings_of(wildcards)
    faces, vertices = data_size(settings)
    columns = min(faces, settings.local_weights.max_faces or faces)
    columns *= 6 if settings.local_weights.features == "signed" else 1
    return round(1000 + store_mb(settings) + 8 * vertices * columns * 8 / 1e6)


def weights_runtime(wildcards):
    """Return runtime of the factorisation: with a wide margin, a minute for 1e9 products."""
    settings = settings_of(wildcards)
    columns = (weights_memory(wildcards) - 1000) * 1e6 / 64
    return round(10 + columns * settings.local_weights.iterations / 1e9)


def passes(settings):
    """Return how often a training step runs the network: three times with the cycle loss."""
    return 3 if settings.training.cycle_weight > 0 else 1


def train_memory(wildcards):
    """Return mem_mb of training: the faces, and the activations of a batch at full resolution."""
    settings = settings_of(wildcards)
    vertices = data_size(settings)[1]
    model, training = settings.model, settings.training
    # Measured are 330 bytes a vertex and face with 16 channels; torch's backend needs more.
    activations = 50 * max(model.channels[:2]) * vertices / 1e6
    faces = training.batch_size / training.accumulate
    return round(
        training.processes * (2000 + store_mb(settings))
        + passes(settings) * faces * activations
    )


def train_runtime(wildcards):
    """Return runtime of training: measured on two cores are 3e7 vertices a minute; half of it."""
    settings = settings_of(wildcards)
    faces, vertices = data_size(settings)
    work = passes(settings) * settings.training.epochs * faces * vertices
    return round(10 + work / 1.5e7)


def train_gpu(wildcards):
    """Return how many GPUs training asks a cluster for; --set-resources train_model:gpu=0: none."""
    training = settings_of(wildcards).training
    return 0 if training.device == "cpu" else training.processes
