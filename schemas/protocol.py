"""An AsyncAPI document as a page to read: docs/protocol.md.  Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

HEAD = """\
<!-- Made of schemas/subjects.py by `make docs`; do not edit. -->

# The protocol

Whoever speaks NATS and JSON can take part. This page tells which messages there are, where they travel, and who sends
and receives them; [asyncapi.json](asyncapi.json) says the same to programs (AsyncAPI {asyncapi}), and
[clients.md](clients.md) has short clients. Times are Unix seconds, durations are seconds. A receiver ignores fields
that it does not know; only what clients send (`Query`, `Cancel`, `Feedback`) is refused where a field is unknown.

A part in braces is the field of that name in the message, and the two must agree. With `--prefix NAME` another
word stands in the place of `dellm`.
"""


def render(document: Mapping[str, Any], roles: Mapping[Any, str]) -> str:
    """Write the page: the roles, the subjects with their senders and receivers, and every message."""
    return "\n".join([
        HEAD.format(asyncapi=document["asyncapi"]),
        *_roles(roles),
        *_subjects(document),
        *_messages(document),
    ]).rstrip() + "\n"  # fmt: skip


def _roles(roles: Mapping[Any, str]) -> Iterator[str]:
    yield "## Roles\n"
    yield "| role | what it does |\n|---|---|"
    for actor, told in roles.items():
        yield f"| {actor} | {told} |"
    yield ""


def _subjects(document: Mapping[str, Any]) -> Iterator[str]:
    yield "## Subjects\n"
    yield "| subject | message | kept | sent by | received by |\n|---|---|---|---|---|"
    for name, channel in document["channels"].items():
        if channel["address"] is None or name.startswith("event."):
            continue
        heard = _tagged(document, "receive", name) + _tagged(document, "receive", f"event.{name}")
        (message,) = channel["messages"]
        yield _row(
            f"`{channel['address']}`",
            f"[{message}](#{message.lower()})",
            _store(channel),
            ", ".join(_tagged(document, "send", name)),
            ", ".join(dict.fromkeys(heard)),
        )
    yield ""
    yield (
        "The server publishes each message that a stream has stored once more, at the same subject with `event.` "
        "before it:\n`event.dellm.>` is everything that happens. The reply to a query goes to the inbox that the "
        "request names; where it failed, the\nheader `Nats-Service-Error-Code` holds `error.code`, too.\n"
    )


def _store(channel: Mapping[str, Any]) -> str:
    store = channel.get("x-store", {})
    if "bucket" in store:
        return f"bucket `{store['bucket']}`"
    return f"stream `{store['stream']}`" if "stream" in store else "no"


def _tagged(document: Mapping[str, Any], action: str, channel: str) -> list[str]:
    """Name the roles that send to, or receive from, a channel."""
    return [
        operation["tags"][0]["name"]
        for operation in document["operations"].values()
        if operation["action"] == action and operation["channel"]["$ref"] == f"#/channels/{channel}"
    ]


def _messages(document: Mapping[str, Any]) -> Iterator[str]:
    """Tell every message, then what messages are made of."""
    schemas: Mapping[str, Any] = document["components"]["schemas"]
    travelling = list(document["components"]["messages"])
    yield "## Messages\n"
    for name in travelling:
        yield from _schema(name, schemas[name])
    yield "## Parts of messages\n"
    for name in schemas:
        if name not in travelling:
            yield from _schema(name, schemas[name])


def _schema(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {name}\n"
    if told := schema.get("description"):
        yield f"{told}\n"
    if "enum" in schema:
        yield " · ".join(f"`{value}`" for value in schema["enum"]) + "\n"
    if not schema.get("properties"):
        return
    yield "| field | type | if left out |\n|---|---|---|"
    for field, kind in schema["properties"].items():
        required = field in schema.get("required", ())
        left_out = "must be given" if required else _default(kind)
        yield _row(f"`{field}`", describe(kind), left_out)
    yield ""


def _default(kind: Mapping[str, Any]) -> str:
    return f"`{json.dumps(kind['default'], ensure_ascii=False)}`" if "default" in kind else ""


def describe(kind: Mapping[str, Any]) -> str:
    """Say a JSON Schema in a few words, with links to the schemas that it names."""
    match kind:
        case {"$ref": ref}:
            name = str(ref).rpartition("/")[2]
            told = f"[{name}](#{name.lower()})"
        case {"anyOf": options}:
            told = " or ".join(describe(option) for option in options)
        case {"enum": values}:
            told = " or ".join(f"`{json.dumps(value)}`" for value in values)
        case {"type": "array", "items": items}:
            told = f"list of ({describe(items)})" if _bounds(items) else f"list of {describe(items)}"
        case {"type": "object", "additionalProperties": dict(values)}:
            told = f"map to {describe(values)}"
        case _:
            told = str(kind.get("type", "anything"))
    return told + _bounds(kind)


BOUNDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "over {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "under {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "minItems": "at least {}",
    "maxItems": "at most {}",
}


def _bounds(kind: Mapping[str, Any]) -> str:
    told = [words.format(_number(kind[name])) for name, words in BOUNDS.items() if name in kind]
    if kind.get("pattern", "").startswith("^[A-Za-z0-9_-]{1,64}"):
        told.append("1 to 64 of `A-Z a-z 0-9 _ -`")
    return f", {', '.join(told)}" if told else ""


def _number(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,g}"


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
