"""Shapes in annotations, checked at every call while tests run."""

import builtins

# Modules whose public functions say the shapes of their arrays.
MODULES = [
    "lwpipe.local_weights.blur",
    "lwpipe.local_weights.features",
    "lwpipe.local_weights.make",
    "lwpipe.mesh.topology",
    "lwpipe.model.network",
    "lwpipe.template.decimate",
    "lwpipe.template.upsample",
]


def check_shapes() -> None:
    """Check them from now on; without jaxtyping and beartype, which the product never imports, not.

    Must be called before the modules are imported.
    """
    try:
        import beartype  # noqa: F401
        import jaxtyping
    except ImportError:
        return
    # The modules import these names for type checkers alone.
    for name in ("Bool", "Float", "Float32", "Float64", "Int64"):
        setattr(builtins, name, getattr(jaxtyping, name))
    jaxtyping.install_import_hook(MODULES, "beartype.beartype")
