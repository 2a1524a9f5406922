"""What an operator sets of the decomposer."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, convert, to_builtins


class DecomposerConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of one decomposer.  `checked` raises ValidationError.

    `max_fan_out` nodes are asked for one chunk at most, whatever a client wants; a text that is not
    cut within `max_cut_s` is asked whole.
    """

    max_fan_out: Annotated[int, Meta(ge=1, le=256)] = 16
    max_cut_s: Annotated[float, Meta(ge=0.0, le=60.0)] = 1.0

    def checked(self) -> DecomposerConfig:
        """Return this, or raise ValidationError with what is out of bounds."""
        return convert(to_builtins(self), DecomposerConfig)
