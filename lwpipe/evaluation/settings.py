"""The sections `evaluation`, `truth`, `detection`, `sampling`, `interpolation` and `diversity`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from lwpipe.core.settings import Bounded, NonNegative, Positive, Section, Seed, Share


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


class TruthSettings(Section):
    """Edits against their true answers, of sources that know the factors of their faces."""

    recombinations: Bounded = 60
    """Pairs of faces, drawn anew, of which a part is replaced; about as many for each part."""
    seed: Seed = 0
    """Draws them."""


class FreshSettings(Section):
    """Two-sample tests: whether edited faces can be told from real ones."""

    faces: Annotated[int, Field(ge=4, le=10_000)] = 60
    """Sources, targets and reference faces, so many of each: drawn anew where the source of the
    data makes faces, else as many as the test faces allow."""
    seed: Seed = 0
    """Draws the faces, the folds and the permutations."""


class DetectionSettings(FreshSettings):
    """Two-sample tests: whether edited faces can be told from real ones."""

    folds: Annotated[int, Field(ge=2, le=100)] = 5
    """Folds of the cross-validation."""
    permutations: Annotated[int, Field(ge=1, le=100_000)] = 200
    """Permutations of the labels, for the probabilities."""


class DialSettings(DetectionSettings):
    """Two-sample tests: whether edited faces can be told from real ones."""

    dials: Annotated[list[Share], Field(min_length=1, max_length=21)] = [0.0, 0.5, 1.0]
    """Positions of the dials `keep` and `harmony` along the curves of tradeoff.png."""


class SampleSettings(Section):
    """Faces drawn from a trained model."""

    temperature: NonNegative = 1.0
    """Factor of the deviations of what is drawn: below 1.0 faces are plainer, and less diverse."""
    seed: Seed = 0
    """Draws the held-out faces, starts the mixtures, and draws the samples."""


class InterpolationSettings(Section):
    """Part by part from a source to a target face (figures 4 and 5 of the paper)."""

    pairs: list[Annotated[list[str], Field(min_length=2, max_length=2)]] | None = None
    """Pairs of ids from faces.csv, as [[source, target], ...]; null: test faces, drawn by seed for
    a difference in every part of the variant."""
    random_pairs: Bounded = 1
    """How many pairs are drawn where `pairs` is null."""
    steps: Annotated[int, Field(ge=2, le=64)] = 8
    """Faces from source to target: alpha = i / (steps + 1), i = 1 ... steps."""
    meshes: bool = False
    """Also write the mesh of every step as PLY."""
    seed: Seed = 0
    """Draws the pairs."""


class AnimationSettings(Section):
    """Films of the interpolation."""

    animation: Literal["gif", "mp4", "none"] = "gif"
    """Also write one animation a part."""


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
