"""Numbers as the result files hold them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


def rounded(value: Any, digits: int = 6) -> Any:
    """Round every real number in nested dicts and lists to `digits` significant digits.

    Numbers that are not finite become None: JSON has no word for them, and a measure that is not
    defined is not a number. NumPy scalars become Python's.

    Examples
    --------
    >>> rounded({"r": 0.123456789, "leak": float("nan"), "faces": 220})
    {'r': 0.123457, 'leak': None, 'faces': 220}
    """
    if isinstance(value, dict):
        return {key: rounded(item, digits) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(item, digits) for item in value]
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, (float, np.floating)):
        number = float(value)
        return float(f"{number:.{digits}g}") if math.isfinite(number) else None
    return value
