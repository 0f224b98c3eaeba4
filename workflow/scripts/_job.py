"""What every job does around its one function: a log, the threads, and faults in one sentence."""

import logging
import re
import sys
import time
import traceback
from contextlib import contextmanager
from pathlib import Path

# A job in another environment than Snakemake's finds lwpipe where the workflow lies.
sys.path.append(str(Path(__file__).resolve().parents[2]))

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class _Tee:
    """Write to the terminal, and to the log what is left once a progress bar has been redrawn."""

    def __init__(self, terminal, log):
        self._terminal, self._log, self._line = terminal, log, ""

    def write(self, text):
        self._terminal.write(text)
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._log.write(self._clean(line) + "\n")
        self._log.flush()
        return len(text)

    @staticmethod
    def _clean(line):
        return _CONTROL.sub("", line.rstrip("\r").rsplit("\r", 1)[-1])

    def close_line(self):
        """Write what is left of a line without an end."""
        if self._clean(self._line):
            self._log.write(self._clean(self._line) + "\n")
        self._line = ""

    def __getattr__(self, name):
        return getattr(self._terminal, name)


@contextmanager
def job(snakemake):
    """Run the block as a job: what it prints also goes to the log; a user's fault is a sentence.

    Snakemake has set OMP_NUM_THREADS and its kin to the job's threads.
    """
    path = Path(snakemake.log[0])
    path.parent.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    terminals = sys.stdout, sys.stderr
    with path.open("w", encoding="utf-8") as log:
        sys.stdout, sys.stderr = (_Tee(terminal, log) for terminal in terminals)
        logging.basicConfig(stream=sys.stderr, level=logging.INFO, force=True)
        failed = True
        try:
            yield
            failed = False
        except Exception as error:
            # By its name: importing lwpipe here would time and log nothing of the import.
            if type(error).__name__ == "LwpipeError":
                sys.stderr.write(f"lwpipe: error: {error}\n")
            else:
                traceback.print_exc()
        finally:
            for tee in (sys.stdout, sys.stderr):
                tee.close_line()
            sys.stdout, sys.stderr = terminals
            log.write(f"{'failed' if failed else 'done'} in {time.monotonic() - started:.1f} s\n")
    if failed:
        sys.exit(1)
