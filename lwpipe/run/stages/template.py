"""The stage of the template pyramid."""

from lwpipe.core.stage import Needs, Output, Stage, Target
from lwpipe.run.stages.data import DATA
from lwpipe.template.settings import TemplateSettings

TARGET = Target(
    "template",
    2,
    "Template",
    "Each level keeps a subset of the vertices of the one before. The model pools by that "
    "selection and unpools by barycentric interpolation.",
)

MAKE = Stage(
    name="make_template",
    target="template",
    does="make the mesh pyramid of the template",
    function="lwpipe.template.pyramid:make_template",
    inputs={"data": DATA},
    reads={"template": TemplateSettings},
    outputs={
        "pyramid": Output("pyramid.npz"),
        "table": Output(
            "pyramid.csv",
            "Levels of the template pyramid. Quadric edge collapse keeps a subset of the vertices.",
            "table",
            "levels of the pyramid",
        ),
    },
    scope="shared",
    needs=Needs(program=160, of_vertex=6, minutes_of_gigabyte=10),
)
