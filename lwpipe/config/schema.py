"""Every setting, with its type, range and default.

One class a section of `config.yaml`. A stage function takes the sections it reads and no others,
so the workflow can rerun exactly what a changed key concerns.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator


def _parse_exponent(value: Any) -> Any:
    """Read `8e-3`, which YAML 1.1 takes for text because it has no decimal point."""
    if isinstance(value, str) and re.fullmatch(r"[+-]?\d+(\.\d*)?[eE][+-]?\d+", value.strip()):
        return float(value)
    return value


Real = Annotated[float, BeforeValidator(_parse_exponent), Field(allow_inf_nan=False)]
Positive = Annotated[Real, Field(gt=0)]
NonNegative = Annotated[Real, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0, lt=2**31)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]


class Section(BaseModel):
    """A section: unknown keys are errors, types are not converted."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class SyntheticSettings(Section):
    """The embedded parametric face."""

    vertices: Annotated[int, Field(ge=1500, le=250_000)] = 3000
    expressions: bool = True


class IctSettings(Section):
    """ICT-FaceKit Light."""

    path: str | None = None
    region: Literal["narrow_face", "full_face", "head"] = "narrow_face"
    identities: Annotated[int, Field(ge=1, le=100)] = 100
    max_expressions: Annotated[int, Field(ge=0, le=10)] = 3
    expression_min: Annotated[Real, Field(ge=0, le=1)] = 0.2
    expression_max: Annotated[Real, Field(ge=0, le=1)] = 0.8

    @model_validator(mode="after")
    def _range(self) -> Self:
        if self.expression_min > self.expression_max:
            raise ValueError("expression_min must not exceed expression_max")
        return self


class AflwSettings(Section):
    """AFLW2000-3D on the Basel Face Model, both brought by the user."""

    model_dir: str | None = None
    faces_dir: str | None = None


class MeshesSettings(Section):
    """The user's own registered meshes."""

    path: str | None = None
    table: str | None = None
    units: Literal["auto", "mm", "cm", "m", "um"] = "auto"


class DataSettings(Section):
    """Which faces, how many, and how they are split."""

    source: Literal["synthetic", "ict", "aflw2000-3d", "meshes"] = "synthetic"
    faces: Annotated[int, Field(ge=4)] | None = 400
    test_fraction: Annotated[Real, Field(gt=0, lt=1)] = 0.11
    seed: Seed = 0
    align: bool | None = None
    scale: bool = False
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


class TemplateSettings(Section):
    """The mesh pyramid."""

    factors: Annotated[list[Annotated[int, Field(ge=2, le=64)]], Field(min_length=1)] = [4, 4, 4, 4]


class LocalWeightsSettings(Section):
    """Sparse NMF."""

    parts: Annotated[int, Field(ge=1, le=64)] = 4
    features: Literal["signed", "magnitude", "magnitude_std"] = "signed"
    sparsity: NonNegative = 7.5
    eta: NonNegative | None = None
    iterations: Count = 60
    max_faces: Count | None = 400
    solver: Literal["nimfa"] = "nimfa"
    seed: Seed = 0


class ModelSettings(Section):
    """The network."""

    latent_size: Count = 64
    channels: Annotated[list[Count], Field(min_length=1)] = [16, 16, 16, 32]
    order: Annotated[int, Field(ge=1, le=25)] = 6
    activation: Literal["elu", "relu", "leaky_relu", "tanh"] = "elu"
    weighting: Literal["vertex", "outer", "none"] = "vertex"
    projection: bool = True
    standardise: Literal["scalar", "vertex"] = "scalar"


class TrainingSettings(Section):
    """Optimisation."""

    epochs: Count = 30
    batch_size: Count = 16
    optimizer: Literal["adam", "sgd"] = "adam"
    learning_rate: Positive = 4e-3
    schedule: Literal["one_cycle", "exponential", "constant"] = "one_cycle"
    decay: Annotated[Real, Field(gt=0, le=1)] = 0.99
    momentum: Annotated[Real, Field(ge=0, lt=1)] = 0.9
    weight_decay: NonNegative = 0.0
    cycle_weight: NonNegative = 0.5
    device: Literal["auto", "cpu", "cuda"] = "auto"
    seed: Seed = 0


class EvaluationSettings(Section):
    """Measures on the test faces."""

    pairs: Count = 50
    composites: Count = 220
    components: Count = 100
    seed: Seed = 0


class InterpolationSettings(Section):
    """Figures 4 and 5."""

    variants: Annotated[list[Name], Field(min_length=1)] = ["full"]
    pairs: list[Annotated[list[str], Field(min_length=2, max_length=2)]] | None = None
    random_pairs: Count = 1
    steps: Annotated[int, Field(ge=2, le=64)] = 8
    meshes: bool = False
    animation: Literal["gif", "mp4", "none"] = "gif"
    seed: Seed = 0


class DiversitySettings(Section):
    """Figure 6."""

    sources: Count = 5
    targets: Count = 11
    samples: Count = 220
    perplexity: Positive = 30.0
    seed: Seed = 0


class FiguresSettings(Section):
    """How pictures look."""

    dpi: Annotated[int, Field(ge=50, le=1200)] = 150
    tile: Annotated[int, Field(ge=64, le=2048)] = 360
    colormap: str = "viridis"
    azimuth: Real = 0.0
    elevation: Real = 0.0


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
        return self


class RunSettings(Settings):
    """A configuration file: the settings, the run's name, and the variants laid over them."""

    name: Name = "synthetic"
    variants: dict[Name, dict[str, Any] | None] = {"full": {}}
