"""Coverage-guided fuzzing of what reads files of users; `python -m tests.fuzz --seconds 60`."""

import sys
from pathlib import Path

# The helpers of the tests are modules beside this package.
sys.path.insert(0, str(Path(__file__).parents[1]))
