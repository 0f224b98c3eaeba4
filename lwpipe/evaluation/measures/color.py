"""How far colours are from those that are given back, and whether their edits are local."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from lwpipe.core.color import delta_e_76, delta_e_2000
from lwpipe.data.signals import COLOR
from lwpipe.editing import Editor
from lwpipe.evaluation.measure import Column, Found, OfColor, Section
from lwpipe.evaluation.measures.locality import edit_profiles, locality
from lwpipe.evaluation.sampling import draw_rows

if TYPE_CHECKING:
    from lwpipe.evaluation.bench import Bench

Faces = npt.NDArray[np.float32]

_BATCH = 32


def color_distances(
    reconstruct: Callable[[Faces], Faces], faces: Faces, rows: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return how far each vertex's colour is from its reconstruction, float32 (n, V) each.

    By CIEDE2000, and by the Euclidean distance in L*a*b* of 1976.

    Parameters
    ----------
    reconstruct : from faces (b, V, C) to faces (b, V, C)
    faces : float32 (N, V, C)
        C is 6, or 3 for colours alone, L*a*b*.
    rows : int (n,), the faces to measure
    """
    found = np.empty((2, len(rows), faces.shape[1]), np.float32)
    for start in range(0, len(rows), _BATCH):
        some = np.asarray(faces[rows[start : start + _BATCH]])
        pair = [_colors(reconstruct(some)), _colors(some)]
        for each, distance in zip(found, (delta_e_2000, delta_e_76), strict=True):
            each[start : start + _BATCH] = distance(*pair)
    return found[0], found[1]


def _colors(faces: Faces) -> Faces:
    return faces if faces.shape[-1] == 3 else faces[..., COLOR]


class Color(OfColor):
    """Delta E of reconstructed colours, and the locality of edited ones."""

    name = "color"
    place = 1.5
    optional = (
        Column("delta_e_mean", "mean", "test error of colours, Delta E", better="low"),
        Column("delta_e_p95", "p95", better="low"),
        Column("delta_e_1976_mean", "mean_1976", better="low"),
    )

    def measure(
        self, bench: Bench, reconstruct: Callable[[Faces], Faces], editor: Editor | None
    ) -> Section:
        """Return Delta E on the test faces, its mean on training faces, and what edits leak."""
        faces = bench.inputs if bench.inputs.shape[-1] > 3 else bench.data.lab
        error, plain = color_distances(reconstruct, faces, bench.test_rows)  # type: ignore[arg-type]
        rows = draw_rows(bench.train, len(bench.test), bench.settings.seed)
        train, _ = color_distances(reconstruct, faces, rows)  # type: ignore[arg-type]
        median, p95 = np.percentile(error, [50, 95])
        section: Section = {
            "mean": float(error.mean(dtype=np.float64)),
            "median": float(median),
            "p95": float(p95),
            "mean_1976": float(plain.mean(dtype=np.float64)),
            "train_mean": float(train.mean(dtype=np.float64)),
        }
        if editor is not None and editor.part_count == bench.weights.shape[1] > 1:
            profiles = edit_profiles(editor, editor.encode(bench.given), bench.pairs)
            local = locality(profiles, bench.weights)
            section |= {name: local[name] for name in ("r_min", "r_mean", "leak_max", "leak_mean")}
        return section

    def numbers(self, found: Found) -> dict[str, Any]:
        """Return the errors; nothing where the data set has no colours."""
        section = found.measures.get(self.name) if isinstance(found.measures, dict) else None
        return {} if section is None else {c.key: section[c.value] for c in self.optional}
