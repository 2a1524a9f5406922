"""The items that a response was made from: the conversation, as OpenAI lists it, a page at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from schemas.responses import StoredResponse
from schemas.terms import Role, Turn
from services.gateway.errors import HttpError
from services.gateway.responses.resource import text_part

DEFAULT_LIMIT, MAX_LIMIT = 20, 100
ORDERS = ("asc", "desc")


def page(response: StoredResponse, wanted: Mapping[str, str]) -> dict[str, Any]:
    """Give one page of the items, the latest first unless another order is wanted.  Raises HttpError."""
    for name in wanted:
        if name not in {"limit", "order", "after"}:
            raise HttpError(400, f"`{name}` is not supported", code="unsupported_parameter", param=name)
    limit, order = wanted.get("limit", str(DEFAULT_LIMIT)), wanted.get("order", "desc")
    if not limit.isdecimal() or len(limit) > len(str(MAX_LIMIT)) or not 1 <= int(limit) <= MAX_LIMIT:
        raise HttpError(400, f"`limit` must be 1 to {MAX_LIMIT}", param="limit")
    if order not in ORDERS:
        raise HttpError(400, f"`order` must be one of {', '.join(ORDERS)}", param="order")
    items = [_item(response.id, index, turn) for index, turn in enumerate(response.input)]
    if order == "desc":
        items.reverse()
    begin = 0
    if (after := wanted.get("after")) is not None:
        ids = [item["id"] for item in items]
        if after not in ids:
            raise HttpError(400, f"`after`: there is no item {after[:80]!r}", param="after")
        begin = ids.index(after) + 1
    shown = items[begin : begin + int(limit)]
    return {
        "object": "list",
        "data": shown,
        "first_id": shown[0]["id"] if shown else None,
        "last_id": shown[-1]["id"] if shown else None,
        "has_more": begin + len(shown) < len(items),
    }


def _item(id_: str, index: int, turn: Turn) -> dict[str, Any]:
    is_answer = turn.role is Role.ASSISTANT
    return {
        "id": f"msg_{id_}-in{index}",
        "type": "message",
        "status": "completed",
        "role": turn.role.value,
        "content": [text_part(turn.content) if is_answer else {"type": "input_text", "text": turn.content}],
    }
