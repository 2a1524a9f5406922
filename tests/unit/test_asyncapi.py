from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from schemas.asyncapi import channel_of, document, files
from schemas.commands import Query
from schemas.messages import Result
from schemas.plans import Task
from schemas.subjects import PRESENCE, QUERY, RESULT, TABLE, Space
from tests.npm import installed

ROOT = Path(__file__).parents[2]
DOCUMENT = document(Space())


@pytest.fixture(scope="module")
def specification() -> jsonschema.Draft7Validator:
    """The JSON Schema that the AsyncAPI initiative publishes, of its own package."""
    schema = json.loads((installed() / "node_modules/@asyncapi/specs/schemas/3.0.0.json").read_text())
    return jsonschema.Draft7Validator(schema)


@pytest.mark.parametrize(("name", "text"), files(Space()).items(), ids=str)
def test_what_stands_in_docs_is_made_of_the_code(name: Path, text: str) -> None:
    assert (ROOT / "docs" / name).read_text() == text, "run `make docs`"


def test_the_document_is_valid_by_the_specification(specification: jsonschema.Draft7Validator) -> None:
    assert not [error.message for error in specification.iter_errors(DOCUMENT)]


@pytest.mark.parametrize("part", ["channels", "operations", "info"])
def test_the_specification_has_teeth(specification: jsonschema.Draft7Validator, part: str) -> None:
    broken = copy.deepcopy(DOCUMENT)
    broken[part]["query"] = 1
    assert not specification.is_valid(broken)


def references(part: Any) -> list[str]:
    if isinstance(part, dict):
        found = [part["$ref"]] if "$ref" in part else []
        return found + [ref for value in part.values() for ref in references(value)]
    return [ref for value in part for ref in references(value)] if isinstance(part, list) else []


def test_every_reference_leads_somewhere() -> None:
    assert references(DOCUMENT)
    for reference in references(DOCUMENT):
        found = DOCUMENT
        for step in reference.removeprefix("#/").split("/"):
            found = found[step]


def test_every_row_has_a_channel_of_its_own() -> None:
    names = [channel_of(row) for row in TABLE]
    assert len(set(names)) == len(names)
    for row, name in zip(TABLE, names, strict=True):
        channel = DOCUMENT["channels"][name]
        assert list(channel["messages"]) == [row.message.__name__]
        assert set(channel.get("parameters", {})) == set(row.fields)


def test_every_writer_and_reader_has_an_operation() -> None:
    operations = DOCUMENT["operations"]
    assert operations["client.sends.query"]["reply"]["channel"] == {"$ref": "#/channels/reply"}
    assert operations["node.sends.result"]["action"] == "send"
    assert operations["node.receives.task"]["action"] == "receive"
    assert operations["gateway.receives.event.plan"]["channel"] == {"$ref": "#/channels/event.plan"}
    for row in TABLE:
        for actor in row.access.writers:
            assert f"{actor}.sends.{channel_of(row)}" in operations
        for actor in (*row.access.consumers, *row.access.getters, *row.access.scanners):
            assert f"{actor}.receives.{channel_of(row)}" in operations


def test_the_addresses_are_those_of_the_deployment() -> None:
    channels = document(Space("mine"))["channels"]
    assert channels[channel_of(QUERY)]["address"] == "mine.query"
    assert channels[channel_of(RESULT)]["address"] == "mine.result.{id}.{chunk}.{node}"
    assert channels[channel_of(PRESENCE)]["address"] == "$KV.mine_presence.{node}"


@pytest.mark.parametrize(
    "message",
    [
        Query(query="Who wrote Emma?", id="q1"),
        Task(id="q1", chunk=0, node="n1", text="?", kind="fact", replica=0, deadline_at=1.0),
        Result(id="q1", chunk=0, node="n1", replica=0, started_at=1.0, latency_s=0.1, error="it failed"),
    ],
    ids=lambda message: type(message).__name__,
)
def test_messages_are_what_the_document_says(message: msgspec.Struct) -> None:
    name = type(message).__name__
    schema = {"$ref": f"#/components/schemas/{name}", "components": DOCUMENT["components"]}
    validator = jsonschema.Draft7Validator(schema)
    told = msgspec.to_builtins(message)
    assert not [error.message for error in validator.iter_errors(told)]
    assert not validator.is_valid({**told, "id": "not a token"})
