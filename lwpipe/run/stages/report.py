"""The stage of the report. Its inputs are all that the other stages show."""

from lwpipe.core.stage import Needs, Output, Stage, Target

TARGET = Target("report", 11, "Report", "Everything on one page.")

WRITE = Stage(
    name="write_report",
    target="report",
    does="gather everything on one HTML page",
    function="lwpipe.report.stage:write_report_of_run",
    outputs={
        "page": Output(
            "report.html",
            "All figures and tables of this run on one self-contained page.",
            label="everything on one page",
        )
    },
    scope="run",
    about=("name",),
    needs=Needs(program=200, of_vertex=4),
    shows=True,
)
