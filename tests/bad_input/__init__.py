"""Inputs that lwpipe must refuse: cases by group, and the harness that runs them."""

import sys
from pathlib import Path

# The helpers of the tests are modules beside this package.
sys.path.insert(0, str(Path(__file__).parents[1]))
