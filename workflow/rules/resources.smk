"""What jobs ask for: computed by lwpipe.run.needs from the settings and the size of the data."""

from lwpipe import resources as needs


def size_of(wildcards):
    """Return the size of the data set that a job reads or makes."""
    folder = LAYOUT.folder("make_dataset", variant_of(wildcards))
    return needs.size_of(settings_of(wildcards), folder)


def memory(stage):
    """Return a function for mem_mb: as much again with every attempt."""

    def mem_mb(wildcards, attempt):
        settings = settings_of(wildcards)
        return attempt * needs.memory_mb(stage, settings, size_of(wildcards))

    return mem_mb


def minutes(stage):
    """Return a function for runtime: as much again with every attempt."""

    def runtime(wildcards, attempt):
        settings = settings_of(wildcards)
        return attempt * needs.runtime_minutes(stage, settings, size_of(wildcards))

    return runtime


def graphics_cards(stage):
    """Return a function for gpu: how many GPUs are asked for."""

    def gpu(wildcards):
        return needs.gpus(stage, settings_of(wildcards))

    return gpu
