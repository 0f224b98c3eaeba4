"""Every setting, with its meaning, type, range and default.

One class a section of `config.yaml`. A stage function takes the sections it reads and no others,
so the workflow can rerun exactly what a changed key concerns. The text under each key is its
documentation in `config.yaml` and in the JSON schema.
"""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator, model_validator


def _parse_exponent(value: Any) -> Any:
    """Read `8e-3`, which YAML 1.1 takes for text because it has no decimal point."""
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+", value.strip()):
        return float(value)
    return value


_EXPONENT = BeforeValidator(_parse_exponent)

# The validator stands last: before the range it would hide the range from the JSON schema.
Real = Annotated[float, Field(allow_inf_nan=False), _EXPONENT]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False), _EXPONENT]
NonNegative = Annotated[float, Field(ge=0, allow_inf_nan=False), _EXPONENT]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False), _EXPONENT]
ProperShare = Annotated[float, Field(gt=0, lt=1, allow_inf_nan=False), _EXPONENT]
Count = Annotated[int, Field(ge=1)]
# Nothing here is sensible by the million, and a number too many must not end in a full memory.
Bounded = Annotated[int, Field(ge=1, le=1_000_000)]
Seed = Annotated[int, Field(ge=0, le=2**31 - 1)]
# A name becomes a folder, whose name has at most 255 characters on most file systems.
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)]


class Section(BaseModel):
    """A section: unknown keys are errors, types are not converted."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True
    )


class SyntheticSettings(Section):
    """The embedded parametric face; read with source 'synthetic'."""

    vertices: Annotated[int, Field(ge=1500, le=250_000)] = 2500
    """Resolution of the mesh; the nearest grid is taken. Unit: vertices."""
    expressions: bool = True
    """Add expressions (smile, open jaw, raised brows ...) to the identities."""


class IctSettings(Section):
    """ICT-FaceKit Light, a real morphable model; read with source 'ict'."""

    path: str | None = None
    """Folder or archive with the model; null: the environment variable LWPIPE_ICT_SOURCE,
    or else a download of some 100 files, each checked against its sha256."""
    region: Literal["narrow_face", "full_face", "head"] = "narrow_face"
    """Which vertices: 6,706 of the narrow face, 9,409 of the full face, 11,248 of the head."""
    identities: Annotated[int, Field(ge=1, le=100)] = 100
    """How many identity modes are drawn, each from N(0, 1)."""
    max_expressions: Annotated[int, Field(ge=0, le=10)] = 3
    """At most so many expressions are active in one face; 0: all faces are neutral."""
    expression_min: Share = 0.2
    """Smallest strength of an active expression. Unit: share of the full expression."""
    expression_max: Share = 0.8
    """Largest strength of an active expression. Unit: share of the full expression."""

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.expression_min > self.expression_max:
            raise ValueError("expression_min must not exceed expression_max")
        return self


class AflwSettings(Section):
    """AFLW2000-3D on the Basel Face Model, both brought by you; read with source 'aflw2000-3d'."""

    model_dir: str | None = None
    """Folder with Model_Shape.mat and Model_Exp.mat."""
    faces_dir: str | None = None
    """Folder with one .mat a face (Shape_Para, Exp_Para)."""


class MeshesSettings(Section):
    """Your own registered meshes; read with source 'meshes'."""

    path: str | None = None
    """Folder of OBJ, PLY, STL, OFF or GLB files, or one NPY or NPZ file."""
    table: str | None = None
    """CSV with the splits and subjects of the meshes; null: the split is drawn by data.seed."""
    units: Literal["auto", "mm", "cm", "m", "um"] = "auto"
    """Unit of the coordinates in the files; auto: guessed from the size, assuming a face."""


class DataSettings(Section):
    """Which faces, how many, and how they are split."""

    source: Literal["synthetic", "ict", "aflw2000-3d", "meshes"] = "synthetic"
    """Where the faces come from."""
    faces: Annotated[int, Field(ge=4, le=1_000_000)] | None = 300
    """How many faces; null: all there are (sources aflw2000-3d and meshes)."""
    test_fraction: ProperShare = 0.11
    """Share of the faces held out for testing."""
    seed: Seed = 0
    """Draws the faces and the split."""
    align: bool | None = None
    """Rigid alignment of all faces to their mean; null: for the sources ict and meshes."""
    scale: bool = False
    """Let the alignment also scale every face to the size of the mean."""
    synthetic: SyntheticSettings = SyntheticSettings()
    ict: IctSettings = IctSettings()
    aflw2000_3d: AflwSettings = AflwSettings()
    meshes: MeshesSettings = MeshesSettings()

    @model_validator(mode="after")
    def _source_is_described(self) -> Self:
        if self.source == "aflw2000-3d":
            for key in ("model_dir", "faces_dir"):
                if getattr(self.aflw2000_3d, key) is None:
                    raise ValueError(f"source 'aflw2000-3d' needs data.aflw2000_3d.{key}")
        if self.source == "meshes" and self.meshes.path is None:
            raise ValueError("source 'meshes' needs data.meshes.path")
        if self.source in ("synthetic", "ict") and self.faces is None:
            raise ValueError(f"source '{self.source}' needs a number for data.faces")
        return self


# No level of the pyramid may have fewer vertices: of three, there is nothing left to simplify.
SMALLEST_LEVEL = 4


class TemplateSettings(Section):
    """The mesh pyramid."""

    factors: Annotated[
        list[Annotated[int, Field(ge=2, le=64)]], Field(min_length=1, max_length=16)
    ] = [4, 4, 4, 4]
    """Each level has so many times fewer vertices than the one before; one entry a level."""


class LocalWeightsSettings(Section):
    """Sparse non-negative matrix factorisation, which finds the parts."""

    parts: Annotated[int, Field(ge=1, le=64)] = 4
    """Number of parts K."""
    features: Literal["signed", "magnitude", "magnitude_std"] = "signed"
    """Features of a vertex: positive and negative displacements over its standard deviation
    (signed), length of the displacement (magnitude), length over its standard deviation
    (magnitude_std)."""
    sparsity: NonNegative = 7.5
    """beta: weight of the sparsity of the columns of H."""
    eta: NonNegative | None = None
    """eta: weight of the norm of W, squared in the objective; null: the largest feature."""
    iterations: Bounded = 60
    """Iterations of the solver."""
    max_faces: Count | None = 400
    """Factorise at most so many training faces, drawn by seed; null: all."""
    solver: Literal["fast", "nimfa"] = "fast"
    """Implementation of the factorisation: nimfa's, or the same steps to the same factors faster,
    also on a GPU (fast)."""
    seed: Seed = 0
    """Draws the start of the solver and the faces."""


class ModelSettings(Section):
    """The network."""

    latent_size: Annotated[int, Field(ge=1, le=4096)] = 64
    """Z: size of the latent code and of each part encoding."""
    channels: Annotated[
        list[Annotated[int, Field(ge=1, le=1024)]], Field(min_length=1, max_length=16)
    ] = [16, 16, 16, 32]
    """Channels of the convolution of each level; one entry a level, as template.factors."""
    order: Annotated[int, Field(ge=1, le=25)] = 6
    """Order of the Chebyshev filters."""
    activation: Literal["elu", "relu", "leaky_relu", "tanh"] = "elu"
    """Activation after each convolution but the last."""
    weighting: Literal["vertex", "outer", "none"] = "vertex"
    """How local weights act: on the decoded features of each vertex (vertex), as an outer
    product with the encodings (outer: the literal reading of the paper), not at all (none)."""
    projection: bool = True
    """Project the latent code to one encoding a part; false with weighting none is CoMA."""
    standardise: Literal["scalar", "vertex"] = "scalar"
    """Divide by one standard deviation, or by one a vertex."""


class TrainingSettings(Section):
    """Optimisation."""

    epochs: Bounded = 10
    """Passes over the training faces."""
    batch_size: Bounded = 16
    """Faces a step."""
    optimizer: Literal["adam", "sgd"] = "adam"
    """Optimiser."""
    learning_rate: Positive = 4e-3
    """Learning rate at the start, or at the top of one_cycle."""
    schedule: Literal["one_cycle", "exponential", "constant"] = "one_cycle"
    """Course of the learning rate over the epochs."""
    decay: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False), _EXPONENT] = 0.99
    """Factor of the learning rate an epoch; read with schedule exponential."""
    momentum: Annotated[float, Field(ge=0, lt=1, allow_inf_nan=False), _EXPONENT] = 0.9
    """Momentum; read with optimizer sgd."""
    weight_decay: NonNegative = 0.0
    """Weight of the squared parameters."""
    cycle_weight: NonNegative = 0.5
    """lambda: weight of the cycle loss, which shuffles parts between faces; 0.0: none."""
    cycle_share: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False), _EXPONENT] = 0.5
    """Share of each batch that goes through the cycle, which costs most of a step's time."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """Where to train; auto: on the GPU if there is one."""
    backend: Literal["auto", "numba", "triton", "torch", "pyg"] = "auto"
    """Implementation of the mesh convolution: compiled for the CPU (numba) or the GPU (triton),
    plain PyTorch (torch), torch_geometric's layers (pyg: slow, for comparison); auto: the fastest
    that runs on the device."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Of the features on a GPU; sums and parameters, and all on a CPU, are float32."""
    accumulate: Bounded = 1
    """Compute each batch in so many pieces and add their gradients: less memory; the faces of the
    cycle mix within a piece."""
    processes: Annotated[int, Field(ge=1, le=256)] = 1
    """Share each batch among so many processes, one GPU each where there are GPUs."""
    seed: Seed = 0
    """Draws the start of the network, the batches and the shuffles."""


class EvaluationSettings(Section):
    """Measures on the test faces."""

    pairs: Bounded = 50
    """Pairs of test faces for the measures of locality."""
    composites: Bounded = 220
    """Faces with one part replaced for specificity and plausibility."""
    components: Bounded = 100
    """Principal components of the Mahalanobis distance."""
    seed: Seed = 0
    """Draws the pairs and the composites."""


class InterpolationSettings(Section):
    """Part by part from a source to a target face (figures 4 and 5 of the paper)."""

    variants: Annotated[list[Name], Field(min_length=1)] = ["full"]
    """Which variants are rendered: names from `variants`."""
    pairs: list[Annotated[list[str], Field(min_length=2, max_length=2)]] | None = None
    """Pairs of ids from faces.csv, as [[source, target], ...]; null: drawn by seed."""
    random_pairs: Bounded = 1
    """How many pairs of test faces are drawn where `pairs` is null."""
    steps: Annotated[int, Field(ge=2, le=64)] = 8
    """Faces from source to target: alpha = i / (steps + 1), i = 1 ... steps."""
    meshes: bool = False
    """Also write the mesh of every step as PLY."""
    animation: Literal["gif", "mp4", "none"] = "gif"
    """Also write one animation a part."""
    seed: Seed = 0
    """Draws the pairs."""


class DiversitySettings(Section):
    """Training, test and synthesised encodings in the plane (figure 6 of the paper)."""

    sources: Bounded = 5
    """Faces whose parts are replaced."""
    targets: Bounded = 11
    """Faces that give the parts: sources x targets x parts faces are synthesised."""
    samples: Bounded = 220
    """Training faces and test faces to encode; all where there are fewer."""
    perplexity: Positive = 30.0
    """Perplexity of t-SNE."""
    seed: Seed = 0
    """Draws the faces and starts t-SNE."""


class FiguresSettings(Section):
    """How pictures look."""

    dpi: Annotated[int, Field(ge=50, le=1200)] = 150
    """Resolution of plots. Unit: pixels an inch."""
    tile: Annotated[int, Field(ge=64, le=2048)] = 360
    """Edge of one rendered face. Unit: pixels."""
    colormap: str = "viridis"
    """Colours of maps on faces: a name that matplotlib knows."""
    azimuth: Real = 0.0
    """Camera, to the left of the face. Unit: degrees."""
    elevation: Real = 0.0
    """Camera, above the face. Unit: degrees."""

    @field_validator("colormap")
    @classmethod
    def _is_known(cls, value: str) -> str:
        # Importing matplotlib takes a quarter of a second: spare it for the default.
        if value != cls.model_fields["colormap"].default:
            import matplotlib

            if value not in matplotlib.colormaps:
                raise ValueError(f"{value!r} is not the name of a colormap of matplotlib")
        return value


class Settings(Section):
    """The whole configuration of one run, without its variants."""

    data: DataSettings = DataSettings()
    template: TemplateSettings = TemplateSettings()
    local_weights: LocalWeightsSettings = LocalWeightsSettings()
    model: ModelSettings = ModelSettings()
    training: TrainingSettings = TrainingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    interpolation: InterpolationSettings = InterpolationSettings()
    diversity: DiversitySettings = DiversitySettings()
    figures: FiguresSettings = FiguresSettings()

    @model_validator(mode="after")
    def _levels_agree(self) -> Self:
        if len(self.model.channels) != len(self.template.factors):
            raise ValueError(
                f"model.channels has {len(self.model.channels)} entries and template.factors has "
                f"{len(self.template.factors)}: each level needs one of both"
            )
        # Of the other sources only the stage knows how many vertices there are.
        vertices, factors = self.data.synthetic.vertices, self.template.factors
        if self.data.source == "synthetic" and 2 * math.prod(factors) > vertices:
            raise ValueError(
                f"template.factors {factors} leave less than two of {vertices} vertices "
                "(data.synthetic.vertices); use fewer or smaller factors"
            )
        return self


SHIPPED_VARIANTS: dict[Name, dict[str, Any] | None] = {
    "full": {},
    "no_cycle": {"training": {"cycle_weight": 0.0}},
    "no_local_weights": {"model": {"weighting": "none"}},
    "no_projection": {
        "model": {"weighting": "none", "projection": False},
        "training": {"cycle_weight": 0.0},
    },
    "outer": {"model": {"weighting": "outer"}},
    "magnitude_features": {"local_weights": {"features": "magnitude"}},
}


# What a run has once: neither a variant nor a point of a sweep can differ in it.
RUN_KEYS = ("name", "variants", "sweep", "interpolation.variants")


class RunSettings(Settings):
    """A configuration file of lwpipe: the name of the run, its settings and its variants."""

    name: Name = "synthetic"
    """Name of the run: its results lie in results/<name>."""
    variants: dict[Name, dict[str, Any] | None] = SHIPPED_VARIANTS
    """Each name maps to the keys in which the variant differs from the rest of this file, or to
    null to leave out a variant of a file below; each variant is trained and evaluated."""
    sweep: dict[str, list[Any] | None] = {}
    """Dotted keys of this file, each with a list of values, as in
    {training.cycle_weight: [0.0, 0.5], training.seed: [0, 1, 2]}: every combination is a point,
    trained and evaluated beside the variants; null leaves out a key of a file below."""

    @field_validator("sweep", mode="before")
    @classmethod
    def _keys_are_dotted(cls, value: Any) -> Any:
        for key, choices in value.items() if isinstance(value, dict) else ():
            if isinstance(choices, dict):
                inner = next(iter(choices), "key")
                raise ValueError(f"'{key}' holds a section; write its keys as {key}.{inner}: [...]")
        return value
