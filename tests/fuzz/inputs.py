"""Wild inputs: what a caller should have sent, damaged, and what nobody would send.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import msgspec
from hypothesis import strategies as st
from msgspec import inspect

ODD: tuple[bytes, ...] = (
    b"", b"null", b"{}", b"[]", b'""', b"\x00", b"\xff\xfe", b"\xed\xa0\x80", b"\n", b"\r\n", b" \t", b"-0", b"1e999",
    b"9" * 400, b"-9223372036854775809", b"0.1e-400", b"NaN", b"true", b'"\\ud800"', b'"\\u0000"', b"\xe2\x80\xa8",
    b"[" * 3000, b'{"a":' * 3000, b"(" * 300, b"*", b">", b"..", b"/", b"$JS.API", b"%s%n", b"' OR 1=1", b"\x1b[31m",
    b"a" * 5000, "é" .encode() * 300, b"\\", b'"', b"#", b"'''", b"=", b"\xf0\x9f\x92\xa5", b"--", b"-h", b"@",
)  # fmt: skip
MAX_BYTES = 20_000


def damaged(seed: bytes, dice: Random) -> bytes:
    """Damage an input in one to four places."""
    made = bytearray(seed)
    for _ in range(dice.choice((1, 1, 2, 4))):
        place = dice.randrange(len(made) + 1)
        end = min(len(made), place + dice.choice((0, 1, 1, 4, 16, 200)))
        match dice.randrange(5):
            case 0:
                del made[place:end]
            case 1:
                made[place:place] = dice.choice(ODD)
            case 2:
                made[place:end] = dice.choice(ODD)
            case 3:
                made[place:place] = made[place:end] * dice.choice((1, 3, 50))
            case 4 if made:
                made[min(place, len(made) - 1)] = dice.randrange(256)
    return bytes(made[:MAX_BYTES])


def draw(seeds: Sequence[bytes], dice: Random) -> bytes:
    """Draw an input: mostly a seed with damage, sometimes two spliced, an odd one, or noise."""
    match dice.randrange(12):
        case 0:
            return dice.choice(ODD)
        case 1:
            return dice.randbytes(dice.choice((1, 8, 100)))
        case 2:
            one, other = dice.choice(seeds), dice.choice(seeds)
            return one[: dice.randrange(len(one) + 1)] + other[dice.randrange(len(other) + 1) :]
        case 3:
            return dice.choice(seeds)
    return damaged(dice.choice(seeds), dice)


def wild(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Make such inputs of hypothesis' own choices."""
    return st.one_of(
        st.builds(lambda dice: draw(seeds, dice), st.randoms(use_true_random=False)),
        st.binary(max_size=200),
        st.text(max_size=200).map(lambda text: text.encode(errors="surrogatepass")),
    )


def sample(of: type) -> bytes:
    """Encode the simplest message of a type, with every field filled in."""
    return msgspec.json.encode(_sample(inspect.type_info(of), 0))


def _sample(of: inspect.Type, depth: int) -> Any:  # noqa: C901, PLR0911  # one line for each kind of type
    match of:
        case inspect.StructType(fields=fields, tag_field=tag_field, tag=tag):
            kept = [field for field in fields if depth < 6 or field.required]
            made = {field.encode_name: _sample(field.type, depth + 1) for field in kept}
            return {**({tag_field: tag} if tag_field else {}), **made}
        case inspect.EnumType(cls=cls):
            return next(iter(cls)).value
        case inspect.LiteralType(values=values):
            return values[0]
        case inspect.UnionType(types=types):
            return _sample(next((kind for kind in types if not isinstance(kind, inspect.NoneType)), types[0]), depth)
        case inspect.ListType() | inspect.VarTupleType() | inspect.CollectionType():
            return [] if depth > 6 else [_sample(of.item_type, depth + 1)]
        case inspect.TupleType(item_types=kinds):
            return [_sample(kind, depth + 1) for kind in kinds]
        case inspect.DictType(value_type=value):
            return {"a": _sample(value, depth + 1)}
        case inspect.IntType(ge=least, gt=above):
            return max(1, least or 0, (above or 0) + 1)
        case inspect.FloatType(ge=least, gt=above):
            return max(0.5, least or 0.0, above or 0.0)
        case inspect.BoolType():
            return True
        case inspect.StrType():
            return "abc"
        case inspect.CustomType(cls=cls):
            return cls("abc") if issubclass(cls, str) else None
    return None
