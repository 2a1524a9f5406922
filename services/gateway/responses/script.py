"""The events of a response, each with its number: a function of the request, the drafts and the reply."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from schemas.messages import Reply
from schemas.responses import StoredResponse
from services.gateway.responses.resource import (
    IN_PROGRESS,
    INCOMPLETE,
    QUEUED,
    message,
    resource,
    status_of,
    text_part,
)

# A word with the white space before it; what is longer than this is cut, so that no text is held back for long.
_DELTA = re.compile(r"\s{0,12}\S{1,12}|\s{1,12}")

Event = dict[str, Any]


def deltas(text: str) -> list[str]:
    """Cut a text; put together they are the text."""
    return _DELTA.findall(text)


def settled(text: str) -> list[str]:
    """Give the deltas that stay as they are however the text goes on."""
    return deltas(text)[:-1]


def goes_on(draft: str, text: str) -> bool:
    """Tell whether what is settled of a draft is how `text` begins."""
    begun = settled(draft)
    return deltas(text)[: len(begun)] == begun


def drafts_with(texts: Sequence[str], heard: str) -> list[str]:
    """Add what was heard of a text: it goes on with the last draft, or is a draft of its own."""
    *earlier, last = texts or [""]
    if last.startswith(heard):  # it was heard before, by another gateway perhaps
        return [*earlier, last]
    return [*earlier, heard] if goes_on(last, heard) else [*texts, heard]


def num_given_up(texts: Sequence[str], reply: Reply) -> int:
    """Count the drafts that became items of the stream and are not the answer."""
    shown = [text for text in texts if settled(text)]
    last_goes_on = bool(texts) and goes_on(texts[-1], reply.answer) and bool(settled(texts[-1]))
    return len(shown) - last_goes_on


class Script:
    """Writes events, each once: `begin`, then `go_on` as the drafts grow, then `end`."""

    def __init__(self, response: StoredResponse, *, store: bool = True) -> None:
        self._response = response
        self._store = store
        self._number = 0
        self._draft = 0
        self._sent: list[str] = []
        self._item = 0
        self._is_open = False

    def begin(self) -> Iterator[Event]:
        """Open the stream."""
        first = QUEUED if self._response.background else IN_PROGRESS
        yield self._snapshot("created", first)
        if self._response.background:
            yield self._snapshot("queued", QUEUED)
        yield self._snapshot("in_progress", IN_PROGRESS)

    def go_on(self, texts: Sequence[str]) -> Iterator[Event]:
        """Tell what is settled of the drafts."""
        for i in range(self._draft, len(texts)):
            if i > self._draft:
                yield from self._close(INCOMPLETE)
                self._draft = i
            yield from self._write(settled(texts[i]))

    def end(self, texts: Sequence[str], reply: Reply) -> Iterator[Event]:
        """Tell the rest, and how it ended."""
        yield from self.go_on(texts)
        status = status_of(reply)
        if reply.error is not None:
            yield from self._close(INCOMPLETE)
            yield self._snapshot("failed", status, reply)
            return
        if texts and not goes_on(texts[-1], reply.answer):
            yield from self._close(INCOMPLETE)
        yield from self._open()
        yield from self._write(deltas(reply.answer))
        item = self._item
        yield from self._close(status)
        yield self._snapshot(status, status, reply, item)

    def _open(self) -> Iterator[Event]:
        if self._is_open:
            return
        self._is_open = True
        yield self._event("output_item.added", item=message(self._response.id, self._item, IN_PROGRESS), **self._where)
        yield self._event("content_part.added", part=text_part(""), **self._part)

    def _write(self, parts: Sequence[str]) -> Iterator[Event]:
        """Go on with the open item, up to `parts`."""
        for part in parts[len(self._sent) :]:
            yield from self._open()
            self._sent.append(part)
            yield self._event("output_text.delta", delta=part, logprobs=[], **self._part)

    def _close(self, status: str) -> Iterator[Event]:
        """Close the open item, if there is one."""
        if not self._is_open:
            return
        text = "".join(self._sent)
        yield self._event("output_text.done", text=text, logprobs=[], **self._part)
        yield self._event("content_part.done", part=text_part(text), **self._part)
        yield self._event("output_item.done", item=message(self._response.id, self._item, status, text), **self._where)
        self._item += 1
        self._sent, self._is_open = [], False

    @property
    def _where(self) -> Event:
        return {"output_index": self._item}

    @property
    def _part(self) -> Event:
        return {"item_id": f"msg_{self._response.id}-{self._item}", "output_index": self._item, "content_index": 0}

    def _snapshot(self, kind: str, status: str, reply: Reply | None = None, item: int = 0) -> Event:
        return self._event(kind, response=resource(self._response, status, reply, item=item, store=self._store))

    def _event(self, kind: str, **fields: Any) -> Event:
        event = {"type": f"response.{kind}", "sequence_number": self._number, **fields}
        self._number += 1
        return event
