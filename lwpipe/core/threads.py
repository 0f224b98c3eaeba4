"""Threads of the libraries below."""

from __future__ import annotations

from contextlib import AbstractContextManager


def one_blas_thread() -> AbstractContextManager[object]:
    """Run BLAS on one thread, so that the digits do not depend on the number of cores.

    On matrices of the sizes here little is lost, and two busy processes no longer wait for each
    other. The threads of a model are torch's: they stay.
    """
    from threadpoolctl import threadpool_limits

    limits: AbstractContextManager[object] = threadpool_limits(limits=1, user_api="blas")
    return limits
