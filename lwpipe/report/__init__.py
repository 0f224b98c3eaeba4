"""The report: everything that a run made on one HTML page."""

from lwpipe.report.page import Figure, Section, Table, versions, write_report
from lwpipe.report.run import report_files, write_run_report

__all__ = [
    "Figure",
    "Section",
    "Table",
    "report_files",
    "versions",
    "write_report",
    "write_run_report",
]
