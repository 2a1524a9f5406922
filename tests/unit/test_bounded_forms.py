"""What strangers demand of the form of an answer, and what a terminal shows of one, costs little time."""

from __future__ import annotations

import io
import json
import time
from typing import Any

import pytest
from rich.console import Console

from schemas.terms import ErrorCode
from services.cli.markdown import rendered
from services.decomposer.request import MAX_PAYLOAD_BYTES, parse
from services.runtime.refusal import Refusal

MOST_S = 1.0  # some take 0.2 s on a machine that does other things
MOST_CHARS = 1000  # of what a client is told


def form(schema: str) -> bytes:
    return f'{{"query": "x", "response_format": {{"type": "json_schema", "schema": {schema}}}}}'.encode()


def chained(step: Any, last: Any) -> str:
    """Write a schema that refers to 60 others in turn; `step` makes each of the one after it."""
    known: dict[str, Any] = {f"d{i}": step({"$ref": f"#/$defs/d{i + 1}"}) for i in range(60)}
    return json.dumps({"$ref": "#/$defs/d0", "$defs": known | {"d60": last}})


REQUESTS = {
    "no query but nested lists": b'{"query":' + b"[" * 300_000 + b"]" * 300_000 + b"}",
    "a deep schema": form('{"items":' * 50_000 + "{}" + "}" * 50_000),
    "a schema just too deep": form('{"items":' * 900 + "{}" + "}" * 900),
    "many properties": form(json.dumps({"properties": {f"p{i}": {"type": "string"} for i in range(15_000)}})),
    "many alternatives": form(json.dumps({"anyOf": [{"properties": {"a": {"enum": [i]}}} for i in range(8_000)]})),
    "many values": form(json.dumps({"enum": list(range(90_000))})),
    "alternatives that double": form(chained(lambda ref: {"anyOf": [ref, {"allOf": [ref]}]}, {"type": "string"})),
    "combinations that double": form(chained(lambda ref: {"allOf": [ref, ref]}, {"type": "string"})),
    "a combination of itself": form('{"$defs": {"a": {"allOf": [{"$ref": "#/$defs/a"}]}}, "$ref": "#/$defs/a"}'),
    "a long way to nowhere": form(json.dumps({"$ref": "#/" + "a/" * 200_000})),
    "a long name": form(json.dumps({"x" * 500_000: 1})),
    "a range of any size": form('{"type": "integer", "minimum": 0, "maximum": 1e308}'),
    "a number of any length": form('{"type": "integer", "minimum": 0, "maximum": ' + "9" * 300_000 + "}"),
    "many long strings": form('{"items": {"type": "string", "maxLength": 2000}, "maxItems": 2000}'),
}


@pytest.mark.parametrize("name", REQUESTS)
def test_a_form_that_would_cost_much_is_refused_at_once_and_briefly(name: str) -> None:
    assert len(REQUESTS[name]) <= MAX_PAYLOAD_BYTES, "it is not its size that it is refused for"
    started = time.process_time()
    with pytest.raises(Refusal) as refused:
        parse(REQUESTS[name])
    assert time.process_time() - started < MOST_S
    assert refused.value.code is ErrorCode.BAD_REQUEST
    assert len(str(refused.value)) < MOST_CHARS


MARKDOWN = {
    "quotes": "> " * 2_000,
    "lists": "\n".join(f"{' ' * 2 * i}- x" for i in range(800)),
    "links": "[a](" * 8_000,
    "brackets": "[" * 8_000,
    "emphasis": "*a " * 8_000,
    "underlines": "_a_" * 8_000,
    "code": "`" * 16_000,
    "a table": "|a" * 3_000 + "\n" + "|-" * 3_000,
    "tags": "<a " * 8_000,
    "entities": "&#" * 8_000,
}


@pytest.mark.parametrize("name", MARKDOWN)
def test_an_answer_is_shown_in_little_time(name: str) -> None:
    started = time.process_time()
    Console(file=io.StringIO(), width=80).print(rendered(MARKDOWN[name]))
    assert time.process_time() - started < 3 * MOST_S
