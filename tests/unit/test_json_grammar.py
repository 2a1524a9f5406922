"""What a schema's grammar derives is valid by the schema; what cannot be said is refused by name."""

from __future__ import annotations

import json
import random
from typing import Any

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.engine import GrammarError
from models.json_grammar import MAX_DEPTH, calls_grammar, object_grammar, schema_grammar
from schemas.terms import PlannedTool
from services.kinds.tools import read_calls
from tests.gbnf import Grammar
from tests.json_schemas import PERSON, SCHEMAS, TREE

REFUSED: dict[str, tuple[Any, str]] = {
    "a pattern": ({"type": "string", "pattern": "^a$"}, "#: pattern cannot be said in a grammar"),
    "deep within": ({"properties": {"a": {"items": {"not": {}}}}}, "#/a/items: not cannot be said in a grammar"),
    "nothing": (False, "#: allows nothing"),
    "no value": ({"type": "integer", "enum": ["a"]}, "#: allows nothing"),
    "no schema": ([1], "#: is no schema"),
    "a type": ({"type": "text"}, "#: there is no type 'text'"),
    "elsewhere": ({"$ref": "https://example.org/a.json"}, "leads out of the schema"),
    "lost": ({"$ref": "#/$defs/none"}, "there is no #/$defs/none"),
    "a range": ({"type": "number", "maximum": 0.5}, "its range cannot be said in a grammar"),
    "a wrong range": ({"type": "string", "minLength": 3, "maxLength": 2}, "minLength and maxLength are no range"),
    "too long": ({"type": "string", "maxLength": 100_000}, "its lengths and counts add up to more than"),
    "both": ({"anyOf": [{"type": "string"}], "type": "object"}, "two schemas that both have type cannot be combined"),
    "itself": ({"allOf": [{"$ref": "#"}]}, "cannot be combined|nested more than"),
}


@pytest.mark.parametrize("name", SCHEMAS)
def test_what_a_schema_derives_is_valid(name: str) -> None:
    schema = SCHEMAS[name]
    grammar = Grammar(schema_grammar(schema))
    for seed in range(60):
        text = grammar.draw(random.Random(seed))
        jsonschema.validate(json.loads(text), schema)


def test_any_object_is_one() -> None:
    grammar = Grammar(object_grammar())
    drawn = [json.loads(grammar.draw(random.Random(seed))) for seed in range(60)]
    assert all(isinstance(value, dict) for value in drawn)
    assert any(drawn)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_said_is_refused_by_name(name: str) -> None:
    schema, message = REFUSED[name]
    with pytest.raises(GrammarError, match=message.replace("$", r"\$")):
        schema_grammar(schema)


def test_what_is_nested_too_deep_is_refused() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(MAX_DEPTH + 1):
        schema = {"type": "array", "items": schema}
    with pytest.raises(GrammarError, match="nested more than"):
        schema_grammar(schema)


def test_a_schema_that_would_multiply_is_refused() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(12):
        schema = {"anyOf": [{"items": schema}] * 3, "type": "array"}
    with pytest.raises(GrammarError, match="more than"):
        schema_grammar(schema)


leaves = st.sampled_from([{"type": kind} for kind in ("string", "integer", "number", "boolean", "null")])
schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.builds(lambda items: {"type": "array", "items": items, "maxItems": 3}, inner),
        st.builds(
            lambda properties, keys: {"type": "object", "properties": properties, "required": sorted(keys)},
            st.dictionaries(st.text('ab"\\é\n', max_size=3), inner, max_size=4),
            st.sets(st.sampled_from(["a", "b", "é"])),
        ),
        st.builds(lambda parts: {"anyOf": parts}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(schema=schemas, seed=st.integers(0, 1000))
def test_whatever_the_schema_what_it_derives_is_valid(schema: dict[str, Any], seed: int) -> None:
    text = Grammar(schema_grammar(schema)).draw(random.Random(seed))
    jsonschema.validate(json.loads(text), schema)


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=5)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from("type properties required items anyOf allOf enum const $ref minItems maximum".split()),
            inner,
            max_size=3,
        ),
    ),
    max_leaves=8,
)


@given(json_values)
def test_what_is_no_schema_is_refused_or_compiled(value: Any) -> None:
    try:
        schema_grammar(value)
    except GrammarError:
        return


def test_what_the_grammar_of_tools_derives_is_read_as_calls_of_them() -> None:
    schemas: dict[str, Any] = {"a-1": PERSON, "b.two": {**TREE, "type": "object"}, "c_3": None}
    tools = [PlannedTool(name=name, parameters=schema) for name, schema in schemas.items()]
    grammar, one = Grammar(calls_grammar(schemas, several=True)), Grammar(calls_grammar(schemas, several=False))
    names = set()
    for seed in range(60):
        spoken = read_calls(grammar.draw(random.Random(seed)), tools, id_="q")
        assert (spoken.fault, spoken.content) == ("", "")
        assert spoken.calls
        names |= {call.name for call in spoken.calls}
        assert len(read_calls(one.draw(random.Random(seed)), tools, id_="q").calls) == 1
    assert names == set(schemas)


def test_a_tool_whose_arguments_cannot_be_said_is_named() -> None:
    with pytest.raises(GrammarError, match=r"^b: #: pattern cannot be said in a grammar"):
        calls_grammar({"a": None, "b": {"pattern": "x"}}, several=True)
