"""What the routes take and give, for the OpenAPI document; the fields of a request stand where they are read."""

from __future__ import annotations

from schemas.commands import Query
from schemas.messages import Reply
from services.gateway.chat import NEUTRAL as CHAT_NEUTRAL
from services.gateway.chat import PROPERTIES as CHAT_PROPERTIES
from services.gateway.openapi import EVENTS, JSON, TEXT, Operation, Schema, an_object, neutral, only, referred
from services.gateway.responses.request import NEUTRAL as RESPONSE_NEUTRAL
from services.gateway.responses.request import PROPERTIES as RESPONSE_PROPERTIES

NUMBER: Schema = {"type": "integer"}
LIST: Schema = {"type": "array"}
MODEL = an_object("id", "object", "created", "owned_by", id=TEXT)
STATUS: Schema = {"enum": ["queued", "in_progress", "completed", "incomplete", "failed", "cancelled"]}
RESPONSE = an_object(
    "id", "object", "created_at", "status", "output", "model", "usage", id=TEXT, status=STATUS, output=LIST
)
STREAMED = {"enum": ["true", "false"]}

CHAT = Operation(
    summary="Answer a conversation.",
    body=only(CHAT_PROPERTIES | neutral(CHAT_NEUTRAL), "model", "messages"),
    shown={JSON: an_object("id", "object", "choices", "usage", "dellm", id=TEXT, choices=LIST), EVENTS: TEXT},
    keyed=True,
)
CREATE = Operation(
    summary="Answer, in the foreground or in the background.",
    body=only(RESPONSE_PROPERTIES | neutral(RESPONSE_NEUTRAL), "model", "input"),
    shown={JSON: RESPONSE, EVENTS: TEXT},
    keyed=True,
)
SHOW = Operation(
    summary="Show a response, or stream a background one on after one of its events.",
    query={
        "stream": STREAMED,
        "starting_after": {"type": "integer", "minimum": -1, "maximum": 999_999_999},
        "include_obfuscation": {"enum": ["false"]},
    },
    shown={JSON: RESPONSE, EVENTS: TEXT},
)
DELETE = Operation(
    summary="Forget a response.", shown={JSON: an_object("id", "object", "deleted", id=TEXT, deleted={"const": True})}
)
INPUT_ITEMS = Operation(
    summary="List what a response was made from.",
    query={
        "limit": {"type": "integer", "minimum": 1, "maximum": 100},
        "order": {"enum": ["asc", "desc"]},
        "after": TEXT,
    },
    shown={JSON: an_object("object", "data", "has_more", data=LIST)},
)
CANCEL = Operation(summary="Cancel a background response.", shown={JSON: RESPONSE})
MODELS = Operation(summary="List what `model` may be.", shown={JSON: an_object("object", "data", data=LIST)})
ONE_MODEL = Operation(summary="Show a model.", shown={JSON: MODEL})
ASK = Operation(
    summary="Answer a query of our own form; as events, all that happens to it.",
    body=referred(Query),
    shown={JSON: referred(Reply), EVENTS: TEXT},
    failed={"anyOf": [referred(Reply), an_object("error")]},
    keyed=True,
)
LIVE = Operation(summary="Tell that the process answers.")
READY = Operation(summary="Tell whether a query would be answered.")
METRICS = Operation(summary="Show figures for Prometheus.", shown={"text/plain": TEXT})
DOCUMENT = Operation(summary="Show this document.", shown={JSON: an_object("openapi", "paths")})
PAGE = Operation(summary="Show the page.", shown={"text/html": TEXT})
FILE = Operation(summary="Give a file of the page.", shown={"text/css": TEXT, "text/javascript": TEXT})
NODES = Operation(
    summary="List the nodes; as events, also what changes.", shown={JSON: an_object("nodes", nodes=LIST), EVENTS: TEXT}
)
END = Operation(summary="Stop a query.", status=202)
FEEDBACK = Operation(
    summary="Tell how good an answer was.",
    body=only(
        {
            "good": {"type": "boolean"},
            "answer": {"type": "string", "maxLength": 4096},
            "chunk": NUMBER,
        }
    ),
    status=202,
)
