"""Check the installation, the machine and a run before hours are spent on it: `lwpipe doctor`."""

from lwpipe.cli.doctor.check import Check
from lwpipe.cli.doctor.examine import examine

__all__ = ["Check", "examine"]
