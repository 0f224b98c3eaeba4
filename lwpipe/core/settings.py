"""The base of every section of settings, and the types of their values.

One class a section, in the room that reads it. The text under each key is its documentation in
`config.yaml` and in the JSON schema.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model


def _parse_exponent(value: Any) -> Any:
    """Read `8e-3`, which YAML 1.1 takes for text because it has no decimal point."""
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+", value.strip()):
        return float(value)
    return value


EXPONENT = BeforeValidator(_parse_exponent)

# The validator stands last: before the range it would hide the range from the JSON schema.
Real = Annotated[float, Field(allow_inf_nan=False), EXPONENT]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), EXPONENT]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False), EXPONENT]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), EXPONENT]
ProperShare = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False), EXPONENT]
Count = Annotated[int, Field(ge=1)]
# Nothing here is sensible by the million, and a number too many must not end in a full memory.
Bounded = Annotated[int, Field(ge=1, le=1_000_000)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
# A name becomes a folder, whose name has at most 255 characters on most file systems.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]


Shape = TypeVar("Shape", bound=BaseModel)


class Section(BaseModel):
    """A section: unknown keys are errors, types are not converted."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True
    )

    @classmethod
    def keys(cls, choice: str | None = None) -> tuple[str, ...]:
        """Return the keys of the section that are read.

        Parameters
        ----------
        choice : where one key decides which of the others are read, as `data.source` does: its
            value; None: all keys
        """
        return tuple(cls.model_fields)


def composed(name: str, base: type[Shape], fields: Mapping[str, Any]) -> type[Shape]:
    """Return a section with the fields of `base` and others, which are known at run time only.

    Parameters
    ----------
    name : of the class
    base : its documentation and its methods are those of this section
    fields : (type, default) of each field; one of `base` is replaced in its place
    """
    made: type[Shape] = create_model(name, __base__=base, __doc__=base.__doc__, **dict(fields))
    return made


class KeyFaultError(ValueError):
    """A fault of one key that a check of several has found.

    Parameters
    ----------
    key : below the section whose check it is
    reason : the end of a sentence that starts with the key
    """

    def __init__(self, key: str, reason: str) -> None:
        super().__init__(reason)
        self.key = key
