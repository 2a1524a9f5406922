"""Whether an answer is the JSON that the client asked for: any object, or what a JSON schema describes.

The answer was drawn under a grammar of the schema, which an answer that was cut off does not fulfil, and which takes
`oneOf` for `anyOf`.  Strangers write schemas, so that the work is counted, and bounded; what a grammar cannot say is
refused before a query is planned, and is not looked at here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker, ValidationError
from jsonschema.protocols import Validator
from jsonschema.validators import extend
from referencing import Registry

from services.checks.demand import Demand

MAX_STEPS = 20_000  # values and rules that are looked at, some 50 ms
_LONGEST_REASON = 160
_KEYWORDS = (
    "$ref", "additionalProperties", "allOf", "anyOf", "const", "enum", "exclusiveMaximum", "exclusiveMinimum", "format",
    "items", "maxItems", "maxLength", "maximum", "minItems", "minLength", "minimum", "oneOf", "prefixItems",
    "properties", "required", "type",
)  # fmt: skip
_NAMED = frozenset({"properties", "$defs", "definitions"})  # whose keys are names, not keywords
_VALUES = frozenset({"enum", "const"})
_FORMATS = FormatChecker(("date", "uuid"))

Rule = Callable[[Validator, Any, Any, Any], Iterator[ValidationError] | None]


class _TooMuch(Exception):  # noqa: N818  # named for its cause
    """The steps are used up."""


_steps: ContextVar[int] = ContextVar("steps")


def _size(value: object) -> int:
    return len(value) if isinstance(value, list | dict) else 0


def _counted(rule: Rule) -> Rule:
    """Return a rule that counts what it looks at."""

    def counting(validator: Validator, said: Any, instance: Any, schema: Any) -> Iterator[ValidationError]:
        left = _steps.get() - 1 - _size(said) - _size(instance)
        if left < 0:
            raise _TooMuch
        _steps.set(left)
        yield from rule(validator, said, instance, schema) or ()

    return counting


_Counting = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    {
        name: _counted(rule) if name in _KEYWORDS else (lambda *_: None)
        for name, rule in Draft202012Validator.VALIDATORS.items()
    },
)


def by_schema(schema: Mapping[str, Any] | None) -> Demand:
    """Return the demand that an answer is JSON, as a schema describes it; without one, any object."""
    told = "a JSON object" if schema is None else "JSON by the given schema"
    described = _known(schema) if schema is not None else {"type": "object"}
    return Demand(family="schema", told=told, verify=lambda answer: _reason(answer, described))


def _reason(answer: str, schema: object) -> str | None:
    """Say in one line what is wrong with an answer."""
    try:
        value = json.loads(answer, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        return _line(f"it is no JSON: {error}")
    counting = _steps.set(MAX_STEPS)
    try:
        validator = _Counting(schema, registry=Registry(), format_checker=_FORMATS)
        found = next(validator.iter_errors(value), None)
    except _TooMuch:
        return f"it cannot be verified within {MAX_STEPS} steps"
    except Exception as error:  # noqa: BLE001  # a schema of strangers may be anything
        return _line(f"the schema cannot be read: {type(error).__name__}")
    finally:
        _steps.reset(counting)
    return None if found is None else _line(f"{found.json_path}: {found.message}")


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is no JSON")


def _line(reason: str) -> str:
    return " ".join(reason.split())[:_LONGEST_REASON]


def _known(schema: object) -> Any:
    """Return a schema without the keywords that are not looked at, such as one that names another standard."""
    if isinstance(schema, list):
        return [_known(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    known: dict[str, Any] = {}
    for key, said in schema.items():
        if key in _NAMED and isinstance(said, dict):
            known[key] = {name: _known(part) for name, part in said.items()}
        elif key in _VALUES:
            known[key] = said
        elif key in _KEYWORDS:
            known[key] = _known(said)
    return known
