"""One interface for every way to edit a part of a face, learned or closed-form."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import copy
from functools import cached_property
from typing import Any, Protocol, cast

import numpy as np
import numpy.typing as npt

from lwpipe.data.signals import COLOR, positions
from lwpipe.editing.edits import blend_part
from lwpipe.editing.harmony import Harmony
from lwpipe.editing.settings import KEEPING, EditingSettings
from lwpipe.model.linear_path import LinearPath

Faces = npt.NDArray[np.float32]
Codes = npt.NDArray[np.float32]
# Of each part: what `encode` gives of its targets, and alpha.
Exchanges = Mapping[int, tuple[Codes, float]]

# From this weight on a vertex belongs to the part as a whole.
WHOLE = np.float32(0.1)


class FaceModel(Protocol):
    """What editing and measures need of a trained model; its methods take any number of faces.

    Faces (n, V, C) have their colours with them where the model has some: `lwpipe.data.signals`.
    """

    @property
    def vertex_count(self) -> int:
        """Number of vertices V."""

    @property
    def part_count(self) -> int:
        """Number of parts K; 1 for a model without parts."""

    @property
    def channels(self) -> int:
        """Number of channels C of its faces: 3, or 6 with colours."""

    @property
    def parts_match_weights(self) -> bool:
        """Whether part k belongs to column k of the local weights."""

    @property
    def info(self) -> dict[str, Any]:
        """Facts about the training: parameters, seconds, epochs."""

    @property
    def projections(self) -> npt.NDArray[np.float32]:
        """P_k, float32 (K, Z, Z); one for a model without parts."""

    @property
    def linear_path(self) -> LinearPath | None:
        """The linear part of the decoder; None where there is none."""

    def encode(self, vertices: Faces, /) -> Codes:
        """Encode faces (n, V, C), mm, to z (n, Z)."""

    def parts(self, z: Codes, /) -> Codes:
        """Project z (n, Z) to part encodings (n, K, Z)."""

    def decode(self, parts: Codes, /) -> Faces:
        """Decode part encodings (n, K, Z) to faces (n, V, C), mm."""

    def reconstruct(self, vertices: Faces, /) -> Faces:
        """Encode and decode faces (n, V, C), mm."""


class PlacedModel(FaceModel, Protocol):
    """A model that has its local weights with it."""

    @property
    def weights(self) -> npt.NDArray[np.float32]:
        """Local weights, float32 (V, K)."""

    @property
    def average(self) -> Faces:
        """Mean of the training faces, float32 (V, C)."""

    @property
    def triangles(self) -> npt.NDArray[np.int64]:
        """The one topology, int64 (F, 3)."""


class Editor(ABC):
    """A way to replace a part of a face by another face's.

    Attributes
    ----------
    part_count : int
        K.
    """

    part_count: int

    @abstractmethod
    def encode(self, faces: Faces) -> Codes:
        """Turn faces (n, V, C), mm, into what `blend` works on, (n, ...).

        Apart from `blend` so that a face which takes part in many edits is encoded once.
        """

    @abstractmethod
    def blend(self, sources: Codes, targets: Codes, part: int, alpha: float) -> Faces:
        """Return faces (n, V, C), mm, whose part is `alpha` of the way from source to target."""

    def edit(self, sources: Faces, targets: Faces, part: int, alpha: float) -> Faces:
        """Edit one part of each source.

        Parameters
        ----------
        sources, targets : float32 (n, V, C), mm
        part : int
            k, from 0 to K - 1.
        alpha : float
            0 keeps the source's part, 1 gives the target's.

        Returns
        -------
        float32 (n, V, C), mm
        """
        return self.blend(self.encode(sources), self.encode(targets), part, alpha)


class ModelEditor(Editor):
    """Edit with a trained model: p_k = (1 - alpha) source + alpha target, then decode.

    Parameters
    ----------
    model : FaceModel
    """

    def __init__(self, model: FaceModel) -> None:
        self.model = model
        self.part_count = model.part_count

    def encode(self, faces: Faces) -> Codes:
        """Return the part encodings, float32 (n, K, Z), of faces (n, V, C), mm."""
        return self.model.parts(self.model.encode(faces))

    def blend(self, sources: Codes, targets: Codes, part: int, alpha: float) -> Faces:
        """Decode the sources' encodings (n, K, Z) with part `part` blended, (n, V, C), mm."""
        return self.blend_parts(sources, {part: (targets, alpha)})

    def blend_parts(self, sources: Codes, exchanges: Exchanges) -> Faces:
        """Decode the sources' encodings with several parts blended, (n, V, C), mm."""
        return self.model.decode(_blended(sources, exchanges))


class KeepingEditor(Editor):
    """Edit with a trained model, and keep what it cannot represent.

    For a source s and a target t the blend of the vertices, and what the model says beyond it:

        y = s + alpha w_k (.) (t - s) + M (1 - (1 - harmony) w_k) (.) N,
        N = L(q) - L(p_s) - alpha w_k (.) (L(p_t) - L(p_s)),
        M = 1 - keep + keep min(1, w_k / 0.1),

    q being p_s with part k blended; with harmony it moves to the parts of a whole face that takes
    part k after the target (`lwpipe.editing.harmony`). L is the linear path of the decoder, and the
    decoder D where there is none: what a network adds to its base changes edits by next to nothing.
    Inside the part the model's word counts as far as harmony asks for it. alpha = 0 gives the
    source bit for bit, and keep = 1 too wherever w_k = 0. Without the residual it is
    y = D(p_s) + M (.) (D(q) - D(p_s)). Colours are edited as positions are, and the part takes its
    skin along; where `editing.texture` says so, the source's are kept instead, or the part's are
    brought into the tone of the source by their gradients.

    Parameters
    ----------
    model : FaceModel
    weights : float (V, K)
        Local weights; of a model whose parts have no places they are not used.
    editing : EditingSettings
    """

    def __init__(self, model: FaceModel, weights: npt.ArrayLike, editing: EditingSettings) -> None:
        self.model, self.editing = model, editing
        self.part_count = model.part_count
        placed = model.part_count > 1 and model.parts_match_weights
        self.weights = np.asarray(weights, np.float32) if placed else None
        self.path = model.linear_path if placed else None
        self.harmony: Harmony | None = None
        if editing.harmony > 0:
            self.harmony = Harmony.of(model.projections, model.linear_path)

    def encode(self, faces: Faces) -> Codes:
        """Return faces, what L makes of them, and encodings side by side, float32 (n, 2CV + Z)."""
        return self.joined(faces, self.model.encode(faces))

    def joined(self, faces: Faces, z: Codes) -> Codes:
        """Return the same of faces (n, V, C), mm, and the encodings (n, Z) that are known of them.

        Faces that were decoded have encodings of their own.
        """
        pieces = (faces, self._decoded(self.model.parts(z)), z)
        return np.concatenate([piece.reshape(len(faces), -1) for piece in pieces], axis=1)

    def _decoded(self, parts: Codes) -> Faces:
        """Return L of part encodings (n, K, Z), (n, V, C), mm; without the residual D."""
        if self.path is None or not self.editing.residual:
            return self.model.decode(parts)
        return self.path.decode(parts)

    def _opened(self, codes: Codes) -> tuple[Faces, Faces, Codes]:
        size = self.model.channels * self.model.vertex_count
        faces, decoded, z = np.split(codes, [size, 2 * size], axis=-1)
        shape = (*codes.shape[:-1], self.model.vertex_count, self.model.channels)
        return faces.reshape(shape), decoded.reshape(shape), z

    def dialled(self, editing: EditingSettings) -> KeepingEditor:
        """Return an editor of the same model with other dials; what is costly is shared.

        What `encode` gives is the same of all that keep the residual, and of all that do not.
        """
        if editing.texture == "match":
            _ = self.paste  # which all of them share
        other = copy(self)
        other.editing = editing
        if editing.harmony > 0 and other.harmony is None:
            other.harmony = Harmony.of(self.model.projections, self.model.linear_path)
        return other

    def blend(self, sources: Codes, targets: Codes, part: int, alpha: float) -> Faces:
        """Return the sources with part `part` replaced, (n, V, C), mm, of what `encode` gives."""
        return self.blend_parts(sources, {part: (targets, alpha)})

    def blend_parts(self, sources: Codes, exchanges: Exchanges) -> Faces:
        """Return the sources with several parts replaced at once, (n, V, C), mm.

        The parts are exchanged in one decoding; w_k (.) (t - s) is a sum over them, and M and
        1 - w_k are those of the weights' sum; the order of the parts says nothing.

        Parameters
        ----------
        sources : of `encode`
        exchanges : of each part that is replaced, what `encode` gives of its targets, and alpha
        """
        face, decoded, z = self._opened(sources)
        edited = self._exchanged(face, decoded, z, exchanges)
        if self.editing.texture != "follow" and self.model.channels > 3:
            pick = 0 if self.editing.residual else 1
            targets = {part: (self._opened(c)[pick], a) for part, (c, a) in exchanges.items()}
            edited[..., COLOR] = self._painted((face, decoded)[pick], targets)
        return edited

    def _painted(self, face: Faces, targets: Exchanges) -> Faces:
        """Return the colours (n, V, 3) that faces keep, or take of targets (n, V, 6) in their tone.

        By gradients: of the part's colours the differences between neighbours are the target's,
        and at its border they are the source's (Perez et al., *Poisson Image Editing*, 2003).
        """
        start = np.ascontiguousarray(face[..., COLOR])
        painted = start.copy()
        if self.editing.texture == "match" and self.paste is not None:
            for part, (target, alpha) in targets.items():
                colors = np.ascontiguousarray(target[..., COLOR])
                painted += self.paste.blend(start, colors, part, alpha) - start
        return painted

    @cached_property
    def paste(self) -> Editor | None:
        """What brings colours of a part into a face by their gradients; None without places."""
        from lwpipe.editing.poisson import PoissonPaste  # which is made of this module

        if self.weights is None:
            return None
        model = cast(PlacedModel, self.model)
        points = np.asarray(positions(model.average), np.float64)
        return PoissonPaste(self.weights, points, model.triangles)

    def _exchanged(self, face: Faces, decoded: Faces, z: Codes, exchanges: Exchanges) -> Faces:
        """Return the faces of `blend_parts` with the skin of the parts."""
        opened = {
            part: (self._opened(targets), alpha)
            for part, (targets, alpha) in sorted(exchanges.items(), key=lambda item: item[0])
            if alpha != 0
        }
        if not opened:
            return face.copy() if self.editing.residual else decoded.copy()
        codes = {part: (target[2], alpha) for part, (target, alpha) in opened.items()}
        moved = self._decoded(self._moved(z, codes)) - decoded
        if self.weights is None:
            return np.asarray(face + moved if self.editing.residual else decoded + moved)
        column = self.weights[:, list(opened)].sum(axis=1, keepdims=True)
        held = 1 - self.editing.keep * (1 - np.minimum(column / WHOLE, 1))
        if not self.editing.residual:
            edited = decoded + held * moved
            return np.asarray(edited, np.float32)
        edited, beyond = face, moved
        for part, ((target_face, target_decoded, _), alpha) in opened.items():
            share = np.float32(alpha) * self.weights[:, part, None]
            beyond = beyond - share * (target_decoded - decoded)
            edited = edited + share * (target_face - face)
        heard = held * (1 - np.float32(1 - self.editing.harmony) * column)
        edited = edited + heard * beyond
        # Adding zero to a negative zero would change a bit of it.
        still = (held == 0) & (column == 0)
        return np.asarray(np.where(still, face, edited), np.float32)

    def _moved(self, sources: Codes, exchanges: Exchanges) -> Codes:
        """Return the part encodings (n, K, Z) of the edited faces, of encodings (n, Z)."""
        parts = self.model.parts(sources)
        blended = _blended(
            parts, {part: (self.model.parts(z), alpha) for part, (z, alpha) in exchanges.items()}
        )
        if self.harmony is None or self.editing.harmony == 0:
            return blended
        changes = self.harmony.changes(
            sources, {part: targets for part, (targets, _) in exchanges.items()}
        )
        change = sum(alpha * changes[part] for part, (_, alpha) in exchanges.items())
        following = parts + np.einsum("kij,nj->nki", self.model.projections, change)
        mixed = blended + self.editing.harmony * (following - blended)
        return np.asarray(mixed, np.float32)


def _blended(parts: Codes, exchanges: Exchanges) -> Codes:
    """Return part encodings (n, K, Z) with several parts moved towards their targets'."""
    for part, (targets, alpha) in exchanges.items():
        parts = blend_part(parts, targets, part, alpha)
    return parts


def make_editor(
    model: FaceModel, weights: npt.ArrayLike, editing: EditingSettings
) -> ModelEditor | KeepingEditor:
    """Return the editor of a model: as in the paper where no dial is turned."""
    if editing == EditingSettings() or model.part_count == 1:
        return ModelEditor(model)
    return KeepingEditor(model, weights, editing)


def edit_part(
    model: PlacedModel,
    sources: npt.ArrayLike,
    targets: npt.ArrayLike,
    part: int,
    alpha: float = 1.0,
    editing: EditingSettings | None = None,
) -> Faces:
    """Move one part of faces towards that of others.

    Parameters
    ----------
    model : a trained model, from `lwpipe.load`
    sources, targets : float (V, 3) or (n, V, C), mm
    part : k, from 0
    alpha : 0 returns the source, bit for bit; 1 gives the target's part
    editing : the dials; None: keep what the model cannot represent, and move nothing outside the
        part. `EditingSettings()` is the paper's edit.

    Returns
    -------
    float32, of the shape of the sources, mm

    Raises
    ------
    ValueError
        If the model has no such part, or the faces have other vertices.
    """
    source, target = (np.asarray(faces, np.float32) for faces in (sources, targets))
    if not 0 <= part < model.part_count:
        raise ValueError(f"part {part}: the model has the parts 0 to {model.part_count - 1}")
    expected = (model.vertex_count, model.channels)
    for faces in (source, target):
        if faces.ndim not in (2, 3) or faces.shape[-2:] != expected:
            raise ValueError(f"faces {faces.shape}, expected (..., {expected[0]}, {expected[1]})")
    editor = make_editor(model, model.weights, KEEPING if editing is None else editing)
    shape = (-1, *expected)
    edited = editor.edit(source.reshape(shape), target.reshape(shape), part, alpha)
    return edited.reshape(source.shape)
