"""What a service is made with: one frozen struct each, checked when it is made."""

from __future__ import annotations

from typing import ClassVar, get_type_hints

from msgspec import Struct, ValidationError, convert


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the services' configurations.  Making one raises ValueError with the field that is out of bounds.

    `unchecked` names the fields whose types msgspec cannot tell apart at run time.
    """

    unchecked: ClassVar[frozenset[str]] = frozenset()

    def __post_init__(self) -> None:
        for name, wanted in get_type_hints(type(self), include_extras=True).items():
            if name in self.__struct_fields__ and name not in self.unchecked:
                try:
                    convert(getattr(self, name), wanted)
                except ValidationError as error:
                    raise ValueError(f"{name}: {error}") from None
