"""The measures, one module each, and the tables' columns that they come to."""

from lwpipe.core.plugins import classes
from lwpipe.evaluation.measure import Column, Measure

MEASURES: list[Measure] = sorted(
    (found() for found in classes(__name__, Measure)),
    key=lambda measure: (measure.place, measure.name),
)
COLUMNS: list[Column] = [column for measure in MEASURES for column in measure.columns]
