"""The contract of the bus as an AsyncAPI document, made of the subject table and of nothing else.

`python -m schemas.asyncapi` writes it to docs/asyncapi.json, and its rendering to docs/protocol.md.
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from schemas.actors import Actor
from schemas.messages import Reply
from schemas.protocol import render
from schemas.subjects import KEPT, KEPT_HASHED, QUERY, STREAM_MAX_AGE_S, TABLE, Space, Store, Subject

ASYNCAPI = "3.0.0"
REPLY = "reply"
EVENTS = "event."
DOCUMENT = Path("asyncapi.json")
PAGE = Path("protocol.md")

ROLES = {
    Actor.CLIENT: "asks queries, cancels them and says how good an answer was",
    Actor.GATEWAY: "does so for those who speak HTTP, and follows what happens to a query",
    Actor.DECOMPOSER: "takes queries, cuts and routes them",
    Actor.NODE: "answers the tasks that name it",
    Actor.ASSEMBLER: "counts the votes and decides",
    Actor.SYNTHESIZER: "writes the answer",
    Actor.TRAINER: "learns how far each node is to be trusted",
    Actor.OBSERVER: "hears every event of the stream, and sends nothing",
    Actor.OPERATOR: "makes the streams, the consumers and the keys",
    Actor.SERVER: "is nats-server itself, which copies a timer's message when it is due",
}
WAYS = {
    "listeners": "hears it as it passes; what is stored is heard as its event",
    "consumers": "is handed each message once, by a durable consumer",
    "getters": "reads the last message of a subject that it knows",
    "scanners": "reads the last message of many subjects",
}


def document(space: Space) -> dict[str, Any]:
    """Give the AsyncAPI document of a deployment with these names."""
    types: list[type[Struct]] = list(dict.fromkeys([*(row.message for row in TABLE), Reply]))
    payloads, schemas = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    return {
        "asyncapi": ASYNCAPI,
        "info": {
            "title": "DELLM",
            "version": version("dellm"),
            "description": "Many small local language models answer together.  All services meet on a NATS bus; an "
            "operation is that of the role in its tag.  Payloads are JSON.",
            "license": {"name": "Apache-2.0"},
            "tags": [{"name": str(actor), "description": told} for actor, told in ROLES.items()],
        },
        "defaultContentType": "application/json",
        "servers": {
            "nats": {
                "host": "localhost:4222",
                "protocol": "nats",
                "description": "nats-server 2.15 or newer with JetStream; the address is the deployment's own",
            }
        },
        "channels": _channels(space),
        "operations": _operations(),
        "components": {
            "messages": {kind.__name__: _message(kind, payload) for kind, payload in zip(types, payloads, strict=True)},
            "schemas": {name: _tidy(schema) for name, schema in schemas.items()},
        },
    }


def channel_of(row: Subject[Any]) -> str:
    """Name a row's channel: by its first token, or by the bucket that its keys lie in."""
    return str(row.store) if row.store.is_bucket else row.pattern.partition(".")[0]


def _channels(space: Space) -> dict[str, Any]:
    channels: dict[str, Any] = {}
    for row in TABLE:
        channels[channel_of(row)] = _channel(row, space.full(row.store, row.pattern), _kept(space, row))
    for row in TABLE:
        if row.store.is_stream:
            told = f"The server publishes here what was stored at {space.full(row.store, row.pattern)}."
            channels[f"{EVENTS}{channel_of(row)}"] = _channel(row, space.event(row.pattern), {"description": told})
    channels[REPLY] = {
        "address": None,
        "description": "The inbox that the request names.  A failed reply has its code in a header, too.",
        "messages": {Reply.__name__: _ref("components", "messages", Reply.__name__)},
    }
    return channels


def _channel(row: Subject[Any], address: str, more: dict[str, Any]) -> dict[str, Any]:
    name = row.message.__name__
    channel: dict[str, Any] = {"address": address, **more}
    if row.fields:
        channel["parameters"] = {field: {"location": f"$message.payload#/{field}"} for field in row.fields}
    return {**channel, "messages": {name: _ref("components", "messages", name)}}


def _kept(space: Space, row: Subject[Any]) -> dict[str, Any]:
    """Say where a row's messages are kept, in words and for programs."""
    if row.store is Store.CORE:
        return {"description": "Passes, and is not kept."}
    if row.store.is_bucket:
        bucket = space.bucket(row.store)
        return {"description": f"A key of the bucket {bucket}.", "x-store": {"bucket": bucket}}
    stream, minutes = space.stream(row.store), STREAM_MAX_AGE_S / 60
    told = (
        f"Kept in the stream {stream}, the last message of each subject, for {minutes:g} minutes unless set otherwise."
    )
    if row in KEPT or row in KEPT_HASHED:
        texts = "keeps texts" if row in KEPT else "keeps no texts"
        told += f"  The server copies it into {space.stream(Store.LEDGER)}, where that {texts}."
    return {"description": told, "x-store": {"stream": stream}}


def _operations() -> dict[str, Any]:
    operations: dict[str, Any] = {}
    for row in TABLE:
        for actor in row.access.writers:
            operations[f"{actor}.sends.{channel_of(row)}"] = _operation("send", row, actor, channel_of(row))
        for way, told in WAYS.items():
            for actor in getattr(row.access, way):
                heard = way == "listeners" and row.store.is_stream and actor is not Actor.SERVER
                channel = f"{EVENTS}{channel_of(row)}" if heard else channel_of(row)
                operation = operations.setdefault(
                    f"{actor}.receives.{channel}", _operation("receive", row, actor, channel)
                )
                operation["description"] = " ".join([*filter(None, [operation.get("description")]), f"It {told}."])
        if row.store.is_stream:
            channel = f"{EVENTS}{channel_of(row)}"
            operations[f"{Actor.OBSERVER}.receives.{channel}"] = _operation("receive", row, Actor.OBSERVER, channel)
    return operations


def _operation(action: str, row: Subject[Any], actor: Actor, channel: str) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "action": action,
        "channel": _ref("channels", channel),
        "messages": [_ref("channels", channel, "messages", row.message.__name__)],
        "tags": [{"name": str(actor)}],
    }
    if row is QUERY:
        reply = {"channel": _ref("channels", REPLY), "messages": [_ref("channels", REPLY, "messages", Reply.__name__)]}
        operation["reply"] = reply
    return operation


def _message(kind: type[Struct], payload: dict[str, Any]) -> dict[str, Any]:
    told = inspect.getdoc(kind) or ""
    message: dict[str, Any] = {"name": kind.__name__, "summary": told.partition("\n")[0], "payload": payload}
    if kind is Reply:
        told = "why there is no answer; the same as error.code"
        header = {"type": "string", "description": told}
        message["headers"] = {"type": "object", "properties": {"Nats-Service-Error-Code": header}}
    return message


def _ref(*path: str) -> dict[str, str]:
    return {"$ref": "#/" + "/".join(path)}


def _tidy(schema: dict[str, Any]) -> dict[str, Any]:
    """Undo the line breaks of the code in a description."""
    told = schema.get("description")
    if told is None:
        return schema
    paragraphs = re.split(r"\n\s*\n", inspect.cleandoc(told))
    return {**schema, "description": "\n\n".join(re.sub(r"\s*\n\s*", " ", paragraph) for paragraph in paragraphs)}


def files(space: Space) -> dict[Path, str]:
    """Give what stands in docs/: the document, and its rendering."""
    made = document(space)
    return {DOCUMENT: json.dumps(made, indent=1, ensure_ascii=False) + "\n", PAGE: render(made, ROLES)}


def main() -> None:
    """Write both."""
    parser = argparse.ArgumentParser(prog="python -m schemas.asyncapi", description=__doc__)
    parser.add_argument("--out", default="docs", type=Path, metavar="FOLDER", help="default: %(default)s")
    parser.add_argument("--prefix", default="dellm", help="first token of every subject (default: %(default)s)")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for name, text in files(Space(arguments.prefix)).items():
        (arguments.out / name).write_text(text)


if __name__ == "__main__":
    main()
