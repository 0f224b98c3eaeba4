"""Shapes in annotations are checked in tests, and cost the product nothing."""

import subprocess
import sys

import numpy as np
import pytest

from lwpipe.template.decimate import vertex_normals

SCRIPT = """
import sys
import lwpipe.mesh.topology, lwpipe.model.network, lwpipe.local_weights.make
import lwpipe.template.decimate, lwpipe.template.upsample
assert not {"jaxtyping", "beartype"} & set(sys.modules)
"""


def test_a_wrong_shape_is_refused_where_it_comes_in():
    jaxtyping = pytest.importorskip("jaxtyping")
    pytest.importorskip("beartype")
    with pytest.raises(jaxtyping.TypeCheckError, match="vertices"):
        vertex_normals(np.zeros((3, 2)), np.array([[0, 1, 2]]))
    with pytest.raises(jaxtyping.TypeCheckError, match="triangles"):
        vertex_normals(np.zeros((3, 3)), np.array([[0, 1, 2, 2]]))


def test_the_product_does_not_import_what_checks_them():
    subprocess.run([sys.executable, "-c", SCRIPT], check=True)
