"""Tell what a file or folder is: `lwpipe inspect`."""

from lwpipe.inspection.detect import inspect
from lwpipe.inspection.finding import Finding

__all__ = ["Finding", "inspect"]
