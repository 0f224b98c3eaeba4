"""`python -m lwpipe` is the command line `lwpipe`."""

import sys

from lwpipe.cli.main import main

sys.exit(main())
