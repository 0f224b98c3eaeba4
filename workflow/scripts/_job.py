"""What every job does around its one function: a log, the threads, and faults in one sentence."""

import logging
import re
import sys
import time
import traceback
from contextlib import closing, contextmanager, suppress
from pathlib import Path

# A job in another environment than Snakemake's finds lwpipe where the workflow lies.
sys.path.append(str(Path(__file__).resolve().parents[2]))

_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


class _Log:
    """The log of a job; on a full or read-only disk the job goes on without it and says so once."""

    def __init__(self, path, terminal):
        self._path, self._terminal, self._file = path, terminal, None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # Unbuffered: a line that failed must not be tried again when the file is closed.
            self._file = path.open("wb", buffering=0)
        except OSError as error:
            self._give_up(error)

    def write(self, text):
        if self._file is not None and text:
            try:
                self._file.write(text.encode(errors="backslashreplace"))
            except OSError as error:
                self._give_up(error)

    def _give_up(self, error):
        self.close()
        self._terminal.write(
            f"lwpipe: warning: {self._path}: cannot be written: {error.strerror}.\n"
        )

    def close(self):
        if self._file is not None:
            # A network file system may only now tell that its disk is full.
            with suppress(OSError):
                self._file.close()
            self._file = None


class _Tee:
    """Write to the terminal, and to the log what is left once a progress bar has been redrawn."""

    def __init__(self, terminal, log):
        self._terminal, self._log, self._line = terminal, log, ""

    def write(self, text):
        self._terminal.write(text)
        *lines, self._line = (self._line + text).split("\n")
        self._log.write("".join(self._clean(line) + "\n" for line in lines))
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


def _peak():
    """Return what to say of the peak memory of this process, where Linux tells it."""
    try:
        status = Path("/proc/self/status").read_text(encoding="utf-8")
    except OSError:
        return ""
    peak = re.search(r"VmHWM:\s*(\d+) kB", status)
    return f", at most {int(peak[1]) / 1000:.0f} MB" if peak else ""


@contextmanager
def job(snakemake):
    """Run the block as a job: what it prints also goes to the log; a user's fault is a sentence.

    Snakemake has set OMP_NUM_THREADS and its kin to the job's threads.
    """
    started = time.monotonic()
    terminals = sys.stdout, sys.stderr
    with closing(_Log(Path(snakemake.log[0]), sys.stderr)) as log:
        sys.stdout, sys.stderr = (_Tee(terminal, log) for terminal in terminals)
        logging.basicConfig(stream=sys.stderr, level=logging.INFO, force=True)
        failed, code = True, None
        try:
            yield
            failed = False
        except Exception as error:
            # By its code: importing lwpipe here would time and log nothing of the import.
            code = getattr(error, "exit_code", None)
            if code is not None:
                sys.stderr.write(f"lwpipe: error: {error}\n")
            else:
                traceback.print_exc()
        finally:
            for tee in (sys.stdout, sys.stderr):
                tee.close_line()
            sys.stdout, sys.stderr = terminals
            seconds = time.monotonic() - started
            log.write(f"{'failed' if failed else 'done'} in {seconds:.1f} s{_peak()}\n")
    if failed:
        sys.exit(code or 1)
