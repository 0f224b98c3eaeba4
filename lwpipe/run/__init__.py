"""A run: its configuration, where its files lie, its stages, and what their jobs need."""

from lwpipe.run.faults import all_keys
from lwpipe.run.load import load_run, merge, read_yaml, validate_run
from lwpipe.run.run import Point, Run
from lwpipe.run.schema import Settings

__all__ = [
    "Point",
    "Run",
    "Settings",
    "all_keys",
    "load_run",
    "merge",
    "read_yaml",
    "validate_run",
]
