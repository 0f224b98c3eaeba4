"""Write synthetic faces in the layout of AFLW2000-3D on the Basel Face Model.

The files have the names, variables, shapes, units and index base of the published ones, at any
number of vertices. Used by tests and benchmarks; as a script, it writes the layout into a folder:

    python tests/aflw_layout.py FOLDER --vertices 53215 --faces 2000
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.io

from lwpipe.data.sources.synthetic.faces import draw_parameters, shape_names, synthesize
from lwpipe.data.sources.synthetic.grid import FaceGrid, make_grid

SHAPE_COMPONENTS = 199
EXPRESSION_COMPONENTS = 29
UM_PER_MM = 1000.0


@dataclass(frozen=True)
class Layout:
    """Where the files are, and the truth of the first faces.

    Attributes
    ----------
    model_dir, faces_dir : Path
    first_faces : float64 (n, V, 3), mm
        The first faces by name, from the matrices as written, in MATLAB's order of elements.
    triangles : int64 (F, 3), from 0
    """

    model_dir: Path
    faces_dir: Path
    first_faces: np.ndarray
    triangles: np.ndarray


def write_aflw_layout(
    folder: str | Path,
    vertices: int = 1500,
    faces: int = 12,
    seed: int = 0,
    samples: int = 120,
    truths: int = 8,
) -> Layout:
    """Write `faces` faces on exactly `vertices` vertices into `folder`/model and `folder`/faces.

    The bases are the principal components of `samples` synthetic faces and of their expressions,
    filled up with random orthogonal columns where there are fewer than 199 and 29.
    """
    model_dir, faces_dir = Path(folder) / "model", Path(folder) / "faces"
    model_dir.mkdir(parents=True)
    faces_dir.mkdir(parents=True)
    grid, kept, triangles = _cut(vertices)
    random = np.random.default_rng([seed, 2])

    neutral, expressive = _draw(grid, kept, samples, seed)
    mu_shape, w = _components(neutral, SHAPE_COMPONENTS, random)
    mu_exp, w_exp = _components(expressive - neutral, EXPRESSION_COMPONENTS, random)
    scipy.io.savemat(
        model_dir / "Model_Shape.mat",
        {
            "mu_shape": mu_shape[:, None],
            "w": w,
            "sigma": np.ones((SHAPE_COMPONENTS, 1)),
            "tri": (triangles.T + 1).astype(np.uint32),
            "keypoints": np.arange(1, 69, dtype=np.uint32)[None],
        },
    )
    scipy.io.savemat(
        model_dir / "Model_Exp.mat",
        {"mu_exp": mu_exp[:, None], "w_exp": w_exp, "sigma_exp": np.ones((29, 1))},
    )
    first = []
    for start in range(0, faces, samples):
        count = min(samples, faces - start)
        neutral, expressive = _draw(grid, kept, count, seed + 1000 + start)
        shape = (neutral - mu_shape) @ w
        expression = (expressive - neutral - mu_exp) @ w_exp
        for row in range(count):
            scipy.io.savemat(
                faces_dir / f"image{start + row + 2:05d}.mat",
                {
                    "Shape_Para": shape[row][:, None],
                    "Exp_Para": expression[row][:, None],
                    "Pose_Para": random.normal(size=(1, 7)),
                    "Illum_Para": random.normal(size=(1, 10)),
                    "Color_Para": random.normal(size=(1, 7)),
                    "Tex_Para": random.normal(size=(199, 1)),
                    "pt2d": random.normal(size=(2, 21)),
                    "pt3d_68": random.normal(size=(3, 68)),
                    "roi": np.array([[1, 1, 450, 450]], dtype=np.uint16),
                },
            )
            if len(first) < truths:
                flat = mu_shape + mu_exp + w @ shape[row] + w_exp @ expression[row]
                first.append(flat.reshape((3, -1), order="F").T / UM_PER_MM)
    return Layout(model_dir, faces_dir, np.array(first), triangles)


def _cut(vertices: int) -> tuple[FaceGrid, np.ndarray, np.ndarray]:
    """Return a grid of at least `vertices`, those nearest its middle, and their triangles."""
    asked = vertices
    grid = make_grid(asked)
    while len(grid.points) < vertices:
        asked = int(asked * 1.1) + 1
        grid = make_grid(asked)
    middle = grid.points.mean(axis=0)
    distance = np.linalg.norm(grid.points - middle, axis=1)
    kept = np.sort(np.argsort(distance, kind="stable")[:vertices])
    number = np.full(len(grid.points), -1)
    number[kept] = np.arange(vertices)
    triangles = number[grid.triangles]
    return grid, kept, triangles[(triangles >= 0).all(axis=1)]


def _draw(grid: FaceGrid, kept: np.ndarray, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the same people neutral and with an expression, float64 (count, 3V), micrometres."""
    parameters = draw_parameters(count, seed)
    calm = parameters.copy()
    calm[:, len(shape_names()) :] = 0
    neutral, expressive = (
        synthesize(p, grid)[:, kept].reshape(count, -1).astype(np.float64) * UM_PER_MM
        for p in (calm, parameters)
    )
    return neutral, expressive


def _components(
    samples: np.ndarray, count: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Return the mean (3V,) and `count` orthonormal columns (3V, count)."""
    mean = samples.mean(axis=0)
    centred = samples - mean
    values, vectors = np.linalg.eigh(centred @ centred.T)
    good = np.flatnonzero(values > 1e-6 * values.max())[::-1][:count]
    columns = centred.T @ (vectors[:, good] / np.sqrt(values[good]))
    fill = random.normal(size=(len(mean), count - columns.shape[1]))
    fill -= columns @ (columns.T @ fill)
    return mean, np.concatenate([columns, np.linalg.qr(fill)[0]], axis=1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--vertices", type=int, default=53_215)
    parser.add_argument("--faces", type=int, default=2_000)
    arguments = parser.parse_args()
    write_aflw_layout(arguments.folder, arguments.vertices, arguments.faces)
