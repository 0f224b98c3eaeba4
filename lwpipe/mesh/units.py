"""Units of length: millimetres in one unit, and the unit that a size suggests."""

from __future__ import annotations

MM_PER_UNIT = {"mm": 1.0, "cm": 10.0, "m": 1000.0, "um": 0.001}


def guess_unit(diagonal: float) -> str | None:
    """Guess the unit of the coordinates of a face from the diagonal of its bounding box.

    Faces, heads and bodies measure 60 to 3,000 mm. What would also be a face in another unit (a
    body of 180 cm has the numbers of a face in mm) is taken for a face.

    Parameters
    ----------
    diagonal : in the unknown unit

    Returns
    -------
    unit : 'm', 'cm', 'mm' or 'um'; None where no unit gives a face or a body

    Examples
    --------
    >>> guess_unit(0.25), guess_unit(25.0), guess_unit(250.0), guess_unit(10_000.0)
    ('m', 'cm', 'mm', None)
    """
    if 0.05 <= diagonal < 3:
        return "m"
    if 3 <= diagonal < 60:
        return "cm"
    if 60 <= diagonal <= 3_000:
        return "mm"
    if 30_000 < diagonal <= 3_000_000:
        return "um"
    return None
