"""Stages of the data set."""

from lwpipe.core.stage import Input, Needs, Output, Stage, Target
from lwpipe.data.settings import DataSettings
from lwpipe.figures.settings import CameraSettings

TARGET = Target(
    "data", 1, "Data", "Faces of one topology, held out by seed for testing, in millimetres."
)

# What every reader of a data set needs of it.
DATA = Input("make_dataset", ("vertices", "template", "faces", "dataset", "regions"), "folder")

MAKE = Stage(
    name="make_dataset",
    target="data",
    does="make the data set from the configured source",
    function="lwpipe.data.make:make_dataset",
    reads={"data": DataSettings},
    outputs={
        "vertices": Output("vertices.npy"),
        "template": Output("template.ply", show="viewer"),
        "faces": Output("faces.csv"),
        "dataset": Output("dataset.json", "The data set.", "facts", "about the data set"),
        "regions": Output("regions.npz"),
    },
    gives="folder",
    scope="shared",
    needs=Needs(program=300, copies=2, minutes_of_gigabyte=30),
)
CHECK = Stage(
    name="check_dataset",
    target="data",
    does="check the meshes of the data set",
    function="lwpipe.data.check:check_dataset",
    inputs={"data": DATA},
    outputs={
        "table": Output(
            "check.csv",
            "Checks of the meshes: non-manifold edges, boundary loops, components, degenerate "
            "triangles and duplicates, and a guess of the unit that the coordinates are in.",
            "table",
            "checks of the meshes",
        )
    },
    scope="shared",
    needs=Needs(program=200, copies=1, minutes_of_gigabyte=30),
)
CONTACT_SHEET = Stage(
    name="draw_contact_sheet",
    target="data",
    does="draw faces of the data set",
    function="lwpipe.figures.contact_sheet:draw_contact_sheet",
    inputs={"data": DATA},
    reads={"figures": CameraSettings},
    outputs={
        "picture": Output(
            "contact_sheet.png",
            "Faces of the data set, as they are after conversion and alignment.",
            "figure",
            "faces",
        )
    },
    scope="shared",
    needs=Needs(program=420, copies=1, minutes_of_gigabyte=10),
)
