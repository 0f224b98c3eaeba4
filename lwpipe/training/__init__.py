"""Training: data batches, losses, schedule, checkpoints, several processes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lwpipe.training.loop import choose_device, train

__all__ = ["choose_device", "train"]


def __getattr__(name: str) -> Any:
    """Import a public name at its first use: the agent of several processes needs none of them."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lwpipe.training import loop

    return getattr(loop, name)
