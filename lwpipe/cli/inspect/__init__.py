"""Tell what a file or folder is: `lwpipe inspect`."""

from lwpipe.cli.inspect.detect import inspect
from lwpipe.cli.inspect.finding import Finding

__all__ = ["Finding", "inspect"]
