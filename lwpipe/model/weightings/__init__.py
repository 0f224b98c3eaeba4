"""The weightings, one module each."""

from lwpipe.core.plugins import classes
from lwpipe.model.weighting import Weighting

WEIGHTINGS: dict[str, Weighting] = {
    weighting.name: weighting
    for weighting in sorted(
        (found() for found in classes(__name__, Weighting)),  # type: ignore[type-abstract]
        key=lambda weighting: (weighting.place, weighting.name),
    )
}
