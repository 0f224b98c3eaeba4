"""The errors that a user can act on, and the exit codes that they end a command with."""

from __future__ import annotations

# EX_TEMPFAIL of sysexits.h: nothing is wrong, try again.
_TRY_AGAIN = 75


class LwpipeError(Exception):
    """Input or settings that cannot be used.

    The message is one sentence for the person who has to act: what was wrong, in which file
    or key, and what to do. The command line and the workflow print it without a traceback and
    exit with `exit_code`. Every other exception is a defect of lwpipe itself.

    Parameters
    ----------
    *sentences : one, or one for each of several faults, such as of several files

    Attributes
    ----------
    exit_code : what the command or the job ends with
    """

    exit_code = 1

    @property
    def sentences(self) -> tuple[str, ...]:
        """The sentences, as they were given."""
        return tuple(map(str, self.args))

    def __str__(self) -> str:
        """Return the sentences, a line each."""
        return "\n".join(self.sentences)


class StoppedError(LwpipeError):
    """A signal has stopped the work, which is saved: the same command goes on from there."""

    exit_code = _TRY_AGAIN


def printable(text: str) -> str:
    """Return text on one line: keys and file names can hold line ends and control characters."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in text)


def short_reason(error: BaseException) -> str:
    """Return what the error of a library says, for the end of a sentence.

    It is one line of at most 200 printable letters, since libraries quote what they have read; the
    type of the error where it says nothing.
    """
    shown = printable(" ".join(str(error).split()) or type(error).__name__)
    return shown if len(shown) <= 200 else f"{shown[:200]}..."
