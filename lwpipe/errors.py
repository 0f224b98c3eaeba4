"""The error that a user can act on."""

from __future__ import annotations


class LwpipeError(Exception):
    """Input or settings that cannot be used.

    The message is one sentence for the person who has to act: what was wrong, in which file
    or key, and what to do. The command line and the workflow print it without a traceback and
    exit with code 1. Every other exception is a defect of lwpipe itself.
    """
