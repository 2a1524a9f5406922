"""OpenAI's chat completions as a client speaks them: what is sent, and what is read of the stream that returns.  Pure.

Servers differ in what they take beside the standard.  A `Dialect` is what is known of one: it begins with all that is
of use, and leaves out what the server refuses.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from models.loops import LoopWatch
from models.text import TextStream, mean_logprob

if TYPE_CHECKING:
    from collections.abc import Sequence

    from models.engine import Finish, Request, Turn

CHARS_PER_TOKEN = 3  # fewer than in most texts, so that an estimate errs on the safe side
TURN_TOKENS = 8  # of the chat template
DONE = "[DONE]"
_TOO_LONG = re.compile(
    r"context[_ ](length|window|size)|maximum context|too many tokens|prompt is too long", re.IGNORECASE
)
_OPTIONAL = ("logprobs", "top_logprobs", "stream_options", "top_k", "min_p", "repeat_penalty")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What a server takes: the `optional` fields, and whether a schema stands in `json_object` as llama.cpp had it."""

    optional: frozenset[str] = frozenset(_OPTIONAL)
    schema_in_object: bool = False

    def without(self, complaint: str) -> Dialect | None:
        """Return what is left where a server refused a request; None if that is of no use.

        What the complaint names is left out.  Where it names nothing all goes that is optional.
        """
        return self.without_named(complaint) or (replace(self, optional=frozenset()) if self.optional else None)

    def without_named(self, complaint: str) -> Dialect | None:
        """Return what is left without what the complaint names; None where it names nothing."""
        named = {name for name in self.optional if re.search(rf"\b{name}\b", complaint)}
        if named:
            return replace(self, optional=self.optional - named)
        old = "response_format" in complaint and not self.schema_in_object
        return replace(self, schema_in_object=True) if old else None


class BadStream(ValueError):  # noqa: N818  the name says the cause
    """What a server sent is no chat completion, or says that it failed."""


class _Failure(Struct):
    message: str = ""
    code: str | int | None = None
    param: str | None = None


def estimate_tokens(messages: Sequence[Turn]) -> int:
    """Estimate how many tokens a conversation has: the servers' interface cannot tell."""
    return sum(len(turn.content) // CHARS_PER_TOKEN + TURN_TOKENS for turn in messages)


def to_body(request: Request, name: str, dialect: Dialect) -> dict[str, Any]:
    """Return the request's body.  What decides the answer is always in it, so that a server must take it or refuse."""
    body: dict[str, Any] = {
        "model": name,
        "messages": [{"role": turn.role, "content": turn.content} for turn in request.messages],
        "max_tokens": request.max_tokens,
        "temperature": request.temperature,
        "stream": True,
    }
    optional: dict[str, Any] = {
        "logprobs": True,
        "stream_options": {"include_usage": True},
        "repeat_penalty": request.repeat_penalty,
    }
    if "logprobs" in dialect.optional:
        optional["top_logprobs"] = 1  # llama-cpp-python's server tells none at all without it
    if request.temperature:
        body |= {"top_p": request.top_p, "seed": request.seed}
        optional |= {"top_k": request.top_k, "min_p": request.min_p}
    if request.stop:
        body["stop"] = list(request.stop)
    if request.json_schema is not None:
        body["response_format"] = _form(json.loads(request.json_schema), dialect)
    return body | {name: value for name, value in optional.items() if name in dialect.optional}


def _form(schema: dict[str, Any], dialect: Dialect) -> dict[str, Any]:
    if not schema:
        return {"type": "json_object"}
    if dialect.schema_in_object:
        return {"type": "json_object", "schema": schema}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}


def read_complaint(body: bytes) -> tuple[str, bool]:
    """Return in one line why a server refused, and whether the prompt is too long for it."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        found = None
    told = found.get("error", found.get("detail", found)) if isinstance(found, dict) else None
    try:
        failure = msgspec.convert(told, _Failure) if isinstance(told, dict) else None
    except msgspec.ValidationError:
        failure = None
    if failure is not None and failure.message:
        named = f" ({failure.param})" if failure.param and failure.param not in failure.message else ""
        text = f"{failure.message}{named}"
    else:
        text = json.dumps(told) if told else body.decode(errors="replace")
    line = " ".join(text.split())[:500]
    return line, bool(_TOO_LONG.search(f"{line} {failure.code if failure else ''}"))


@dataclass(slots=True)
class ChatReader:
    """What has come so far of a streamed completion.

    `completion_tokens` counts pieces until the server says better; `finish` is None until it says why it ended.
    """

    stop: tuple[str, ...] = ()
    may_loop: bool = False
    text: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    finish: Finish | None = None
    _logprobs: list[float] = field(default_factory=list)
    _loops: LoopWatch = field(default_factory=LoopWatch)
    _stream: TextStream = field(init=False)

    def __post_init__(self) -> None:
        self._stream = TextStream(self.stop)

    @property
    def logprob(self) -> float | None:
        """The mean log-probability of the tokens, None where the server gives none."""
        return min(0.0, mean_logprob(self._logprobs)) if self._logprobs else None

    @property
    def ended(self) -> bool:
        """Whether nothing more is wanted: the text has a stop string, which not all servers act on, or it loops."""
        return self._stream.stopped or self._looping

    @property
    def _looping(self) -> bool:
        return self._loops.looping and not self.may_loop

    def feed(self, data: str) -> str:
        """Take one event of the stream; return the text that is now certain.

        Raises:
            BadStream: it is no chunk of a chat completion, or says that the server failed.

        """
        try:
            chunk = msgspec.json.decode(data, type=_Chunk)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise BadStream(f"an event of the stream cannot be read: {error}") from None
        if chunk.error is not None:
            raise BadStream(f"the server says: {chunk.error.message or 'error'}")
        if chunk.usage is not None:
            self.prompt_tokens = chunk.usage.prompt_tokens
            self.completion_tokens = chunk.usage.completion_tokens
        said = ""
        for choice in chunk.choices[:1]:
            if choice.logprobs is not None and choice.logprobs.content:
                self._logprobs += [token.logprob for token in choice.logprobs.content if token.logprob is not None]
            if choice.delta.content:
                self.completion_tokens += chunk.usage is None
                said = self._stream.feed(choice.delta.content.encode())
                self._loops.feed(said)
            if choice.finish_reason is not None:
                self.finish = "length" if choice.finish_reason == "length" else "stop"
        if self.ended:
            self.finish = "loop" if self._looping else "stop"
        self.text += said
        return said

    def close(self) -> str:
        """Return the text that was held back, when nothing more comes."""
        rest = self._stream.finish()
        self.text += rest
        return rest


class _Token(Struct):
    logprob: float | None = None


class _Logprobs(Struct):
    content: list[_Token] | None = None


class _Delta(Struct):
    content: str | None = None


class _Choice(Struct):
    delta: _Delta = msgspec.field(default_factory=_Delta)
    finish_reason: str | None = None
    logprobs: _Logprobs | None = None


class _Usage(Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Chunk(Struct):
    choices: list[_Choice] = []
    usage: _Usage | None = None
    error: _Failure | None = None
