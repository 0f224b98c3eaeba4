"""The whole configuration, composed of the sections of the rooms."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import Field, field_validator, model_validator

from lwpipe.core.settings import Name, Section, composed
from lwpipe.data.settings import DataSettings
from lwpipe.editing.settings import EditingSettings
from lwpipe.evaluation.settings import (
    AnimationSettings,
    DialSettings,
    DiversitySettings,
    EvaluationSettings,
    InterpolationSettings,
    SampleSettings,
    TruthSettings,
)
from lwpipe.figures.settings import FiguresSettings
from lwpipe.local_weights.settings import LocalWeightsSettings
from lwpipe.model.settings import ModelSettings
from lwpipe.run.stages import STAGES
from lwpipe.run.variants import shipped_overrides
from lwpipe.sampling.settings import PriorSettings
from lwpipe.template.settings import TemplateSettings
from lwpipe.training.settings import TrainingSettings


class InterpolationSection(AnimationSettings, InterpolationSettings):
    """Part by part from a source to a target face (figures 4 and 5 of the paper)."""

    variants: Annotated[list[Name], Field(min_length=1)] = ["on_pca", "full"]
    """Which variants are rendered: names from `variants`."""


class DetectionSection(DialSettings):
    """Two-sample tests: whether edited faces can be told from real ones."""

    variants: list[Name] | None = ["on_pca"]
    """Which variants are tested: names from `variants`; null: all. The closed-form edits always
    are."""


class SamplingSection(SampleSettings, PriorSettings):
    """Faces drawn from a trained model."""

    variants: list[Name] | None = ["on_pca"]
    """Of which variants: names from `variants`; null: all. Gaussians of principal components always
    are."""


class _Shipped(Section):
    """The whole configuration of one run, without its variants."""

    data: DataSettings = DataSettings()
    template: TemplateSettings = TemplateSettings()
    local_weights: LocalWeightsSettings = LocalWeightsSettings()
    model: ModelSettings = ModelSettings()
    training: TrainingSettings = TrainingSettings()
    editing: EditingSettings = EditingSettings()
    evaluation: EvaluationSettings = EvaluationSettings()
    truth: TruthSettings = TruthSettings()
    detection: DetectionSection = DetectionSection()
    sampling: SamplingSection = SamplingSection()
    interpolation: InterpolationSection = InterpolationSection()
    diversity: DiversitySettings = DiversitySettings()
    figures: FiguresSettings = FiguresSettings()

    @model_validator(mode="after")
    def _base_has_no_partition(self) -> Self:
        if self.model.base != "none" and self.training.partition_weight > 0:
            raise ValueError(
                f"training.partition_weight is {self.training.partition_weight:g} and model.base "
                f"{self.model.base}: on a base every part decodes the whole code, so that "
                "projections cannot divide it among the parts; set one of them to its default"
            )
        return self

    @model_validator(mode="after")
    def _levels_agree(self) -> Self:
        if len(self.model.channels) != len(self.template.factors):
            raise ValueError(
                f"model.channels has {len(self.model.channels)} entries and template.factors has "
                f"{len(self.template.factors)}: each level needs one of both"
            )
        # What other sources have, only the stage knows.
        source, factors = self.data.make_source(), self.template.factors
        if source.endless and 2 * math.prod(factors) > source.size().vertices:
            raise ValueError(
                f"template.factors {factors} leave less than two of {source.size().vertices} "
                f"vertices (data.{source.key()}); use fewer or smaller factors"
            )
        return self


def _composed() -> type[_Shipped]:
    """Return the shipped sections, and those that only stages of plugins read."""
    added: dict[str, Any] = {}
    for stage in STAGES.values():
        for section, kind in stage.reads.items():
            if section not in _Shipped.model_fields:
                added.setdefault(section, (kind, kind()))
    return composed("Settings", _Shipped, added)


if TYPE_CHECKING:

    class Settings(_Shipped):
        """The whole configuration of one run, without its variants."""

else:
    Settings = _composed()


# What a run has once: neither a variant nor a point of a sweep can differ in it.
RUN_KEYS = (
    "name",
    "variants",
    "sweep",
    "interpolation.variants",
    "detection.variants",
    "sampling.variants",
)


class RunSettings(Settings):
    """A configuration file of lwpipe: the name of the run, its settings and its variants."""

    name: Name = "synthetic"
    """Name of the run: its results lie in results/<name>."""
    variants: dict[Name, dict[str, Any] | None] = shipped_overrides()
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
