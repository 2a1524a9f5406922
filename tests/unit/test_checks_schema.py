"""An answer that is to be JSON is held against the schema, in bounded time, and what is wrong is said."""

from __future__ import annotations

import json
import random
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from models.json_grammar import schema_grammar
from schemas.plans import Plan
from schemas.terms import Generation, Policy, ResponseFormat
from services.assembler.assembly import assess
from services.checks.schema import by_schema
from tests.gbnf import Grammar
from tests.json_schemas import PERSON, SCHEMAS
from tests.unit.test_assembly import plan, result


@pytest.mark.parametrize("name", [name for name, schema in SCHEMAS.items() if isinstance(schema, dict)])
def test_what_the_grammar_of_a_schema_derives_meets_it(name: str) -> None:
    demand, grammar = by_schema(SCHEMAS[name]), Grammar(schema_grammar(SCHEMAS[name]))
    reasons = [demand.verify(grammar.draw(random.Random(seed))) for seed in range(20)]
    assert reasons == [None] * 20


@pytest.mark.parametrize(
    ("schema", "answer", "reason"),
    [
        (PERSON, '{"name": "Ann", "tags": []', "it is no JSON: Expecting ',' delimiter"),
        (PERSON, '{"name": "Ann"}', "$: 'tags' is a required property"),
        (PERSON, '{"name": "Ann", "tags": [], "age": 130}', "$.age: 130 is greater than the maximum of 120"),
        (PERSON, '{"name": "Ann", "tags": ["blue"]}', "$.tags[0]: 'blue' is not one of"),
        (PERSON, '{"name": "Ann", "tags": [], "more": 1}', "Additional properties are not allowed"),
        ({"oneOf": [{"type": "integer"}, {"minimum": 0}]}, "4", "valid under each of"),
        ({"type": "number"}, "NaN", "NaN is no JSON"),
        ({"type": "string", "format": "date"}, '"1535-18-01"', "is not a 'date'"),
        ({"minimum": "many"}, "4", "the schema cannot be read"),
        ({}, "[" * 100_000, "it is no JSON"),
        (None, "[]", "$: [] is not of type 'object'"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(schema: dict[str, Any] | None, answer: str, reason: str) -> None:
    told = by_schema(schema).verify(answer)
    assert told is not None
    assert reason in told
    assert len(told) <= 160
    assert "\n" not in told


def doubling(levels: int) -> dict[str, Any]:
    """Make a schema of which each level looks at the next one twice."""
    defs = {f"l{i}": {"anyOf": [{"$ref": f"#/$defs/l{i + 1}"}] * 2} for i in range(levels)}
    return {"$ref": "#/$defs/l0", "$defs": {**defs, f"l{levels}": {"type": "string"}}}


STANDARD = "https://json-schema.org/draft/2020-12/schema"


@pytest.mark.parametrize(
    ("schema", "answer"),
    [
        (doubling(23), "4"),
        ({"anyOf": [{"$schema": STANDARD, **doubling(23)}]}, "4"),
        ({"items": {"enum": list(range(1000))}}, json.dumps([-1] * 1000)),
        ({"items": {"pattern": "(a+)+$"}}, json.dumps(["a" * 40 + "b"])),
        ({"patternProperties": {"(a+)+$": {}}, "additionalProperties": False}, json.dumps({"a" * 40 + "b": 1})),
        ({"uniqueItems": True}, json.dumps([[]] * 20_000)),
        ({"$defs": {"a": {"$ref": "#/$defs/a"}}, "$ref": "#/$defs/a"}, "4"),
        ({"$ref": "https://example.org/a.json"}, "4"),
    ],
)
def test_a_nasty_schema_costs_little(schema: dict[str, Any], answer: str) -> None:
    started = time.perf_counter()
    by_schema(schema).verify(answer)
    assert time.perf_counter() - started < 2


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=4),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(
                st.sampled_from(["type", "items", "$ref", "anyOf", "properties", "enum", "minimum", "required", "x"]),
                inner,
            )
        ),
    )
)
def test_no_schema_is_too_wild(schema: Any) -> None:
    demand = by_schema(schema if isinstance(schema, dict) else {"items": schema})
    for answer in ("{}", "[1, {}]", '"x"', "nothing"):
        reason = demand.verify(answer)
        assert reason is None or "\n" not in reason


def wanting(form: ResponseFormat, nodes: str = "ab") -> Plan:
    of = plan(num_chunks=1)
    of = structs.replace(of, assignments=[assignment for assignment in of.assignments if assignment.node in nodes])
    chunk = structs.replace(of.chunks[0], text="Describe Ann.", kind="text")
    generation = Generation(response_format=form)
    return structs.replace(
        of, query=chunk.text, chunks=[chunk], assemble_by=1e9, policy=Policy(), generation=generation
    )


def test_one_that_misses_the_schema_is_asked_again_and_cannot_win_over_one_that_meets_it() -> None:
    form = ResponseFormat(type="json_schema", schema_=PERSON)
    misses, meets = '{"name": "Ann"', '{"name": "Ann", "tags": []}'
    first = assess(wanting(form, "a"), [result("a", misses)], deadline_passed=False)
    assert "it is no JSON" in first.wanted[0].complaint
    ended = assess(wanting(form), [result("a", misses), result("b", meets)], deadline_passed=True).outcomes[0]
    assert ended.winner == meets
    assert [(check.family, check.reason) for check in ended.checks] == [("schema", None)]
    alone = assess(wanting(form, "a"), [result("a", misses)], deadline_passed=True).outcomes[0]
    assert alone.winner == misses
    assert (alone.checks[0].reason or "").startswith("it is no JSON")


def test_any_object_is_held_to_be_one() -> None:
    form = ResponseFormat(type="json_object")
    ended = assess(wanting(form, "a"), [result("a", "{}")], deadline_passed=True).outcomes[0]
    assert [(check.demand, check.reason) for check in ended.checks] == [("a JSON object", None)]
