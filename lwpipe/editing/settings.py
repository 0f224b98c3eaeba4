"""The section `editing`."""

from __future__ import annotations

from typing import Literal

from lwpipe.core.settings import Section, Share

Texture = Literal["follow", "match", "keep"]


class EditingSettings(Section):
    """How a part is replaced; at the defaults as in the paper: exchange its encoding and decode."""

    residual: bool = False
    """Keep what the model cannot represent of the source, and take the target's within the part."""
    keep: Share = 0.0
    """Hold what lies outside the part: 1.0 moves no vertex without a share in it."""
    harmony: Share = 0.0
    """Let the rest of the face follow the part as far as faces do: 1.0 all the way."""
    texture: Texture = "follow"
    """Whether a part takes its skin along as it is (follow), in the tone of the source (match), or
    the source keeps its own (keep); read with data.colors."""

    def words(self) -> str:
        """Say what the dials are, for figures: the end of 'edits ...'."""
        if self == EditingSettings():
            return "as in the paper"
        residual = "with the residual" if self.residual else "without the residual"
        skin = {"follow": "", "match": ", the skin matched", "keep": ", the skin kept"}[
            self.texture
        ]
        return f"{residual}, keep {self.keep:g}, harmony {self.harmony:g}{skin}"


# What an edit of one's own face should do: nothing is lost, and nothing moves outside the part.
KEEPING = EditingSettings(residual=True, keep=1.0)
