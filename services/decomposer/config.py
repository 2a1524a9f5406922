"""What an operator sets of the decomposer."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct, convert, to_builtins


class DecomposerConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`max_fan_out` nodes are asked for one chunk at most, whatever a client wants.  Raises ValidationError."""

    max_fan_out: Annotated[int, Meta(ge=1, le=256)] = 16

    def checked(self) -> DecomposerConfig:
        """Return this, or raise ValidationError with what is out of bounds."""
        return convert(to_builtins(self), DecomposerConfig)
