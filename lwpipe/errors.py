"""The errors that a user can act on, and the exit codes that they end a command with."""

from __future__ import annotations

# EX_TEMPFAIL of sysexits.h: nothing is wrong, try again.
_TRY_AGAIN = 75


class LwpipeError(Exception):
    """Input or settings that cannot be used.

    The message is one sentence for the person who has to act: what was wrong, in which file
    or key, and what to do. The command line and the workflow print it without a traceback and
    exit with `exit_code`. Every other exception is a defect of lwpipe itself.

    Attributes
    ----------
    exit_code : what the command or the job ends with
    """

    exit_code = 1


class StoppedError(LwpipeError):
    """A signal has stopped the work, which is saved: the same command goes on from there."""

    exit_code = _TRY_AGAIN
