"""Grammars (GBNF) for JSON: any object, or what a JSON schema describes.  Pure.

What a grammar derives is valid by its schema, but not all that is valid is derived: properties come in the schema's
order, none beyond those that it names, and `oneOf` is taken as `anyOf`.  What cannot be said in a grammar is refused by
name, so that nothing is silently left out; annotations and unknown formats bind nobody, as the standard says.
The converter in `llama_cpp.llama_grammar` drops what it does not know, and fails by assertion.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeAlias

from models.engine import GrammarError
from models.json_values import literal, ranged, string, times, types_of, written

if TYPE_CHECKING:
    from collections.abc import Mapping

_Schema: TypeAlias = "Mapping[str, Any]"

MAX_DEPTH, MAX_RULES = 24, 1000
MAX_REPEATED = 2000  # of all lengths and counts together: llama.cpp writes each repetition out

_ANNOTATIONS = frozenset(
    "$schema $id $comment $anchor $defs definitions title description default example examples deprecated readOnly "
    "writeOnly contentEncoding contentMediaType discriminator".split()
)
_RANGE = frozenset({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"})
_OF_TYPE = {  # what binds values of a type
    "object": frozenset({"properties", "required", "additionalProperties"}),
    "array": frozenset({"items", "prefixItems", "minItems", "maxItems"}),
    "string": frozenset({"minLength", "maxLength", "format"}),
    "number": _RANGE,
    "integer": _RANGE,
    "boolean": frozenset[str](),
    "null": frozenset[str](),
}
_KNOWN = _ANNOTATIONS.union({"type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref"}, *_OF_TYPE.values())
_COMMA = ' ws "," ws '


def object_grammar() -> str:
    """Return a grammar of any JSON object."""
    return written({"root": "object"})


def schema_grammar(schema: object) -> str:
    """Return a grammar of values that a JSON schema describes.

    Raises:
        GrammarError: it is no schema, too large, contradicts itself, or says what a grammar cannot.

    """
    compiler = _Compiler(schema)
    root = compiler.rule(schema, "#", 0)
    return written({"root": root, **compiler.rules})


def calls_grammar(tools: Mapping[str, object], *, several: bool) -> str:
    """Return a grammar of a call of one of some tools, in the tags that Hermes and Qwen models use.

    `tools` maps names to the schemas of their arguments (None: any object).  With `several` more calls may follow.

    Raises:
        GrammarError: one of the schemas cannot be made a grammar; the line begins with the tool's name.

    """
    rules: dict[str, str] = {}
    calls = []
    for place, (name, schema) in enumerate(tools.items()):
        compiler = _Compiler(schema, prefix=f"t{''.join(chr(ord('a') + int(digit)) for digit in str(place))}t")
        try:
            arguments = compiler.rule({"type": "object"} if schema is None else schema, "#", 0)
        except GrammarError as error:
            raise GrammarError(f"{name}: {error}") from None
        rules |= compiler.rules
        if len(rules) > MAX_RULES:
            raise GrammarError(f"{name}: the schemas of all tools need more than {MAX_RULES} rules")
        quoted = literal(name)[1:-1]
        calls.append(f'"{{\\"name\\": {quoted}, \\"arguments\\": " {arguments} "}}"')
    one = '"<tool_call>\\n" call "\\n</tool_call>"'
    root = f'{one} ( "\\n" {one} )*' if several else one
    return written({"root": root, "call": " | ".join(calls), **rules})


class _Compiler:
    """Makes a rule of each schema within a schema; one that is referred to may refer to itself.

    The names of the rules begin with `prefix`, small letters.
    """

    def __init__(self, root: object, *, prefix: str = "") -> None:
        self._root = root
        self._prefix = prefix
        self._referred: dict[str, str] = {}
        self._repeated = 0
        self.rules: dict[str, str] = {}

    def rule(self, schema: object, place: str, depth: int) -> str:
        """Return the name of the rule for a schema, which stands at `place`."""
        if schema is True:
            return "value"
        if not isinstance(schema, dict):
            raise GrammarError(f"{place}: {'allows nothing' if schema is False else 'is no schema'}")
        if unknown := schema.keys() - _KNOWN:
            raise GrammarError(f"{place}: {min(unknown)} cannot be said in a grammar")
        if depth > MAX_DEPTH:
            raise GrammarError(f"{place}: is nested more than {MAX_DEPTH} deep")
        own = {key: value for key, value in schema.items() if key not in _ANNOTATIONS}
        if own.keys() == {"$ref"}:
            return self._reference(own["$ref"], place, depth)
        for key in ("$ref", "allOf", "anyOf", "oneOf"):
            if key in own:
                parts = _list(own.pop(key), f"{place}/{key}") if key != "$ref" else [{"$ref": own.pop(key)}]
                return self._combined(own, key, parts, place, depth)
        if own.keys() & {"enum", "const"}:
            return self._listed(own, place)
        if not own:
            return "value"
        wanted = own.pop("type", None) or [type_ for type_, keys in _OF_TYPE.items() if keys & own.keys()]
        types = [wanted] if isinstance(wanted, str) else _list(wanted, f"{place}/type")
        return self._named([self._typed(type_, own, place, depth) for type_ in types])

    def _combined(self, own: _Schema, key: str, parts: list[Any], place: str, depth: int) -> str:
        """Say what stands beside a combination with each of its parts, or with all."""
        if key in {"anyOf", "oneOf"}:
            whole = [self._merged(own, part, place) if own else part for part in parts]
            return self._named([self.rule(one, f"{place}/{key}/{at}", depth + 1) for at, one in enumerate(whole)])
        merged = dict(own)
        for part in parts:
            merged = self._merged(merged, part, place)
        return self.rule(merged, place, depth + 1)

    def _typed(self, type_: object, own: _Schema, place: str, depth: int) -> str:
        if not isinstance(type_, str) or type_ not in _OF_TYPE:
            raise GrammarError(f"{place}: there is no type {type_!r}")
        bounds = {key: value for key, value in own.items() if key in _OF_TYPE[type_]}
        match type_:
            case "object" if bounds:
                return self._object(bounds, place, depth)
            case "array" if bounds:
                return self._array(bounds, place, depth)
            case "string" if bounds:
                return string(bounds.get("format"), *self._counts(bounds, "minLength", "maxLength", place))
            case _:
                return ranged(type_, bounds, place) if bounds else type_

    def _object(self, own: _Schema, place: str, depth: int) -> str:
        """Chain the properties in their order: `first` before any was said, `more` after one."""
        properties, required = own.get("properties", {}), own.get("required", [])
        named = isinstance(required, list) and all(isinstance(key, str) for key in required)
        if not named or not isinstance(properties, dict):
            raise GrammarError(f"{place}: its properties are no object, or what it requires no names")
        others = own.get("additionalProperties", True)
        keys = dict.fromkeys([*properties, *required])
        if not keys and others is False:
            return '"{" ws "}"'
        if not keys:
            member = self._named([f'string ws ":" ws {self.rule(others, f"{place}/additionalProperties", depth + 1)}'])
            return f'"{{" ws ( {member} ({_COMMA}{member} )* )? ws "}}"'
        first = more = ""
        for key in reversed(keys):
            value = self.rule(properties.get(key, others), f"{place}/{key}", depth + 1)
            member = self._named([f'{literal(key)} ws ":" ws {value}'])
            if key in required:
                first, more = f"{member} {more}", f"{_COMMA}{member} {more}"
            else:
                first, more = f"{member} {more}{first and ' | '}{first}", f"({_COMMA}{member} )? {more}"
            first, more = self._named([first]), self._named([more])
        return f'"{{" ws {first}{"" if required else "?"} ws "}}"'

    def _array(self, own: _Schema, place: str, depth: int) -> str:
        fewest, most = self._counts(own, "minItems", "maxItems", place)
        if "prefixItems" in own:
            items = [
                self.rule(item, f"{place}/prefixItems/{at}", depth + 1)
                for at, item in enumerate(_list(own["prefixItems"], f"{place}/prefixItems"))
            ]
            if fewest > len(items) or own.get("items", False) not in ({}, True, False):
                raise GrammarError(f"{place}: items beyond prefixItems cannot be said in a grammar")
            return f'"[" ws {_COMMA.join(items[:most])} ws "]"'
        item = self.rule(own.get("items", True), f"{place}/items", depth + 1)
        if most == 0:
            return '"[" ws "]"'
        some = f"{item} ({_COMMA}{item} ){times(max(0, fewest - 1), most and most - 1)}"
        return f'"[" ws ( {some} ){"" if fewest else "?"} ws "]"'

    def _counts(self, own: _Schema, fewest: str, most: str, place: str) -> tuple[int, int | None]:
        low, high = own.get(fewest, 0), own.get(most)
        if not all(isinstance(count, int) and count >= 0 for count in (low, high or 0)) or (high or low) < low:
            raise GrammarError(f"{place}: {fewest} and {most} are no range")
        self._repeated += low if high is None else high
        if self._repeated > MAX_REPEATED:
            raise GrammarError(f"{place}: its lengths and counts add up to more than {MAX_REPEATED}")
        return low, high

    def _listed(self, own: _Schema, place: str) -> str:
        """List the values of an enumeration that are of a wanted type."""
        if bound := own.keys() - {"enum", "const", "type"}:
            raise GrammarError(f"{place}: {min(bound)} beside an enumeration cannot be said in a grammar")
        values = _list(own["enum"], f"{place}/enum") if "enum" in own else [own["const"]]
        if "const" in own:
            values = [value for value in values if literal(value) == literal(own["const"])]
        if "type" in own:
            types = [own["type"]] if isinstance(own["type"], str) else _list(own["type"], f"{place}/type")
            values = [value for value in values if types_of(value) & {str(type_) for type_ in types}]
        if not 0 < len(values) <= MAX_RULES:
            raise GrammarError(f"{place}: {f'lists more than {MAX_RULES} values' if values else 'allows nothing'}")
        return self._named([literal(value) for value in values])

    def _reference(self, reference: object, place: str, depth: int) -> str:
        key = json.dumps(reference)
        if key not in self._referred:
            name = self._referred[key] = f"{self._prefix}ref{len(self._referred)}"
            self.rules[name] = self.rule(self._target(reference, place), str(reference), depth + 1)
        return self._referred[key]

    def _target(self, reference: object, place: str) -> object:
        if not isinstance(reference, str) or not re.match(r"#(/|$)", reference):
            raise GrammarError(f"{place}: $ref {reference!r} leads out of the schema")
        found = self._root
        for step in reference[1:].split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            if not isinstance(found, dict) or key not in found:
                raise GrammarError(f"{place}: there is no {reference}")
            found = found[key]
        return found

    def _merged(self, one: _Schema, other: object, place: str) -> dict[str, Any]:
        """Return one schema that says what both say."""
        for _ in range(MAX_DEPTH):
            if isinstance(other, dict) and other.keys() - _ANNOTATIONS == {"$ref"}:
                other = self._target(other["$ref"], place)
        if not isinstance(other, dict):
            raise GrammarError(f"{place}: combines what is no schema")
        merged = dict(one)
        for key, value in other.items():
            mine = merged.get(key)
            if key in _ANNOTATIONS or mine == value:
                continue
            if key == "required" and isinstance(mine, list) and isinstance(value, list):
                merged[key] = [*mine, *value]
            elif key == "properties" and isinstance(mine, dict) and isinstance(value, dict) and not mine.keys() & value:
                merged[key] = {**mine, **value}
            elif mine is None:
                merged[key] = value
            else:
                raise GrammarError(f"{place}: two schemas that both have {key} cannot be combined")
        return merged

    def _named(self, alternatives: list[str]) -> str:
        """Give a rule a name, unless it is one; nothing needs none."""
        rule = " | ".join(dict.fromkeys(alternatives)).strip()
        if re.fullmatch(r"[a-z]*\d*", rule):
            return rule
        if len(self.rules) >= MAX_RULES:
            raise GrammarError(f"the schema needs more than {MAX_RULES} rules")
        name = f"{self._prefix}r{len(self.rules)}"
        self.rules[name] = rule
        return name


def _list(value: object, place: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise GrammarError(f"{place}: is no list, or empty")
    return value
