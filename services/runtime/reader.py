"""Read the last message of many subjects in one go (ADR-31's direct multi-get), and make sense of them.

In a cluster any server that has a copy may answer, and one that lags would answer with less than this process knows.
So an answer is taken when it reaches what was seen here; else the leader is asked, subject by subject.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import nats.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg

from schemas.subjects import Subject
from services.runtime.telemetry.carried import context_of
from services.runtime.wire import BusError, Refused, Stored, decode_at, encode, unix_time

log = structlog.get_logger(__name__)

READ_LIMIT = 1000
TIMEOUT_S = 2.0
CATCH_UP_S = (0.005, 0.02, 0.05)  # which a server that lags is given, time and again

_NO_MESSAGE = 10037


class Reader:
    """Reads over one inbox subscription, however many reads are under way."""

    def __init__(self, client: Client, forbidden: Collection[str]) -> None:
        self._client = client
        self._forbidden = forbidden
        self._inbox = ""
        self._reads: dict[str, _Read] = {}
        self._seen: dict[str, int] = {}

    def saw(self, stream: str, sequence: int) -> None:
        """Note that a stream has got as far as `sequence`."""
        self._seen[stream] = max(sequence, self._seen.get(stream, 0))

    async def multi_get(self, stream: str, filters: list[str]) -> list[Msg]:
        """Read by the server's direct multi-get; where it is too much for one, subject by subject."""
        if not self._inbox:
            self._inbox = self._client.new_inbox()
            await self._client.subscribe(f"{self._inbox}.*", cb=self._on_read)
        wanted = self._seen.get(stream, 0) if self.is_clustered else 0
        try:
            for pause_s in (*CATCH_UP_S, None):
                read = await self._multi_get_at_once(stream, filters)
                if read.reached >= wanted:
                    return read.messages
                if pause_s is not None and read.messages:  # of nothing it is not told how far that reaches
                    await asyncio.sleep(pause_s)
                else:
                    return await self._from_leader(stream, filters)
        except _TooMany:
            names = await self._names(stream, filters)
        groups = [names[i : i + READ_LIMIT] for i in range(0, len(names), READ_LIMIT)]
        return [msg for group in groups for msg in (await self._multi_get_at_once(stream, group)).messages]

    async def get(self, stream: str, address: str) -> list[Msg]:
        """Read the last message of one subject, with permission for that subject alone.

        A server that lags may not have it yet: where there is none, it is looked for again before that is believed.
        """
        for pause_s in CATCH_UP_S if self.is_clustered and stream in self._seen else ():
            if found := await self._get(stream, address):
                return found
            await asyncio.sleep(pause_s)
        return await self._get(stream, address)

    async def _get(self, stream: str, address: str) -> list[Msg]:
        call = f"$JS.API.DIRECT.GET.{stream}.{address}"
        try:
            msg = await self._client.request(call, timeout=TIMEOUT_S)
        except TimeoutError:
            self._check(call)
            raise
        match (msg.headers or {}).get("Status"):
            case None:
                return [msg]
            case "404":
                return []
            case status:
                raise BusError(f"read refused: {status}")

    async def _multi_get_at_once(self, stream: str, filters: list[str]) -> _Read:
        call, token = f"$JS.API.DIRECT.GET.{stream}", self._client.new_inbox().rpartition(".")[2]
        read = self._reads[token] = _Read([], asyncio.get_running_loop().create_future())
        try:
            request = encode({"multi_last": filters, "batch": READ_LIMIT})
            await self._client.publish(call, request, reply=f"{self._inbox}.{token}")
            async with asyncio.timeout(TIMEOUT_S):
                await read.end
        except TimeoutError:
            self._check(call)
            raise nats.errors.TimeoutError from None
        finally:
            del self._reads[token]
        return read

    @property
    def is_clustered(self) -> bool:
        """Whether the server is one of several."""
        return bool(self._client._server_info.get("cluster"))  # noqa: SLF001  # which is told nowhere else

    async def _names(self, stream: str, filters: list[str]) -> list[str]:
        """List the subjects that match, as the leader knows them."""
        jetstream = self._client.jetstream(timeout=TIMEOUT_S)
        infos = [await jetstream.stream_info(stream, subjects_filter=pattern) for pattern in filters]
        return list(dict.fromkeys(name for info in infos for name in info.state.subjects or ()))

    async def _from_leader(self, stream: str, filters: list[str]) -> list[Msg]:
        patterns = [pattern for pattern in filters if "*" in pattern or ">" in pattern]
        names = [pattern for pattern in filters if pattern not in patterns]
        names += await self._names(stream, patterns)
        found = await asyncio.gather(*(self._last_of_leader(stream, name) for name in names))
        return [msg for msg in found if msg is not None]

    async def _last_of_leader(self, stream: str, name: str) -> Msg | None:
        call = f"$JS.API.STREAM.MSG.GET.{stream}"
        try:
            reply = await self._client.request(call, encode({"last_by_subj": name}), timeout=TIMEOUT_S)
        except TimeoutError:
            self._check(call)
            raise
        told = _told.decode(reply.data)
        if told.message is None:
            if told.error.get("err_code") == _NO_MESSAGE:
                return None
            raise Refused(told.error.get("description", "no reason given"))
        kept = told.message
        header = {"Nats-Subject": name, "Nats-Sequence": str(kept.seq), "Nats-Time-Stamp": kept.time}
        if b"KV-Operation" in kept.hdrs:
            header["KV-Operation"] = "DEL"
        return Msg(self._client, subject=name, data=kept.data, headers=header)

    def _check(self, call: str) -> None:
        """Raise BusError where the server has refused a call to this user, which is why no reply came."""
        if call.lower() in self._forbidden:
            raise BusError(f"this user may not read by {call}")

    async def _on_read(self, msg: Msg) -> None:
        read = self._reads.get(msg.subject.rpartition(".")[2])
        if read is None or read.end.done():
            return
        header = msg.headers or {}
        match header.get("Status"):
            case None:
                read.messages.append(msg)
            case "204" | "404":
                read.reached = int(header.get("Nats-UpTo-Sequence", 0))
                read.end.set_result(None)
            case "503":
                read.end.set_exception(nats.errors.NoRespondersError())
            case "413":
                read.end.set_exception(_TooMany())
            case status:
                read.end.set_exception(BusError(f"read refused: {status} {header.get('Description', '')}"))


@dataclass(slots=True)
class _Read:
    """`reached` is how far the stream goes that was read, 0 where that is not told."""

    messages: list[Msg]
    end: asyncio.Future[None]
    reached: int = 0


class _Kept(msgspec.Struct):
    """A message as the leader of a stream gives it; `hdrs` and `data` travel as Base64."""

    seq: int
    time: str
    data: bytes = b""
    hdrs: bytes = b""


class _Told(msgspec.Struct):
    message: _Kept | None = None
    error: dict[str, Any] = {}


_told = msgspec.json.Decoder(_Told)


class _TooMany(Exception):  # noqa: N818  # handled where it is raised
    """The server reads no more than 1024 subjects in one go."""


def collect(
    messages: Sequence[Msg], filters: Mapping[str, Subject[Any]], unreadable: set[str] | None = None
) -> dict[Subject[Any], list[Stored[Any]]]:
    """Decode what was read by filters, each of which is for one row.

    A bucket's deleted keys are left out, and so is what does not decode or was written under another's subject; the
    full subject of that is put into `unreadable`.
    """
    found: dict[Subject[Any], list[Stored[Any]]] = {subject: [] for subject in filters.values()}
    tests = [(_matcher(pattern), subject) for pattern, subject in filters.items()]
    for msg in messages:
        header = msg.headers or {}
        if "KV-Operation" in header:
            continue
        name = header["Nats-Subject"]
        tokens = name.split(".")
        subject = next(subject for matches, subject in tests if matches(tokens))
        try:
            message = decode_at(name, msg.data, subject)
        except msgspec.DecodeError as error:  # whoever wrote it, the others are still good
            log.warning("stored.undecodable", subject=name, reason=str(error))
            if unreadable is not None:
                unreadable.add(name)
            continue
        found[subject].append(
            Stored(
                message=message,
                payload=msg.data,
                sequence=int(header["Nats-Sequence"]),
                stored_at=unix_time(header["Nats-Time-Stamp"]),
                context=context_of(header),
            )
        )
    return found


def _matcher(pattern: str) -> Callable[[list[str]], bool]:
    want = pattern.split(".")
    return lambda tokens: len(tokens) == len(want) and all(w in ("*", t) for w, t in zip(want, tokens, strict=True))
