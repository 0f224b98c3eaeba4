"""The report: everything that a run made on one HTML page."""

from lwpipe.report.page import Figure, Section, Table, versions, write_report

__all__ = [
    "Figure",
    "Section",
    "Table",
    "versions",
    "write_report",
]
