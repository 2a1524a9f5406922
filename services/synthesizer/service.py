"""The synthesizer on the bus: it words the answer, stores it once, and sends those same bytes to the client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress

import structlog
from msgspec import structs

from models.engine import Engine, EngineClosed, ModelError, PromptTooLong, Request, turns
from models.fingerprint import verified
from models.reference import ModelReference, model_name
from schemas.commands import Cancel
from schemas.messages import Assembled, ChunkOutcome, Error, Piece, Reply, Synthesis, Timings
from schemas.subjects import ANSWER, ASSEMBLED, CANCEL, PIECE
from schemas.terms import ErrorCode, Status, Wording
from services.kinds.told import NOT_SURE, is_guess, join
from services.runtime.bus import Bus
from services.runtime.patience import patient_until
from services.runtime.pieces import Pieces, publishing
from services.runtime.refusal import Refusal
from services.runtime.replies import deliver
from services.runtime.routes import Delivery, Route, consume, listen, on
from services.runtime.supervision import CannotRun, beside
from services.runtime.telemetry.generation import ObservedEngine
from services.runtime.telemetry.outcomes import count_wording
from services.runtime.wire import BusError, Conflict, Entry, Stored, TooLarge, encode
from services.synthesizer.check import check
from services.synthesizer.config import SynthesizerConfig
from services.synthesizer.merge import prompt, unsure
from services.synthesizer.notes import notes, streamed_otherwise

log = structlog.get_logger(__name__)

SERVICE = "synthesizer"


class Synthesizer:
    """Words answers.  `_writing` maps queries to the writing of their answer."""

    def __init__(self, bus: Bus, config: SynthesizerConfig, engine: Engine) -> None:
        self._bus = bus
        self._config = config
        self._model = config.model
        self._engine = engine
        self._writing: dict[str, asyncio.Task[tuple[str, Synthesis]]] = {}
        self._cancelled: dict[str, str] = {}

    async def on_assembled(self, delivery: Delivery[Assembled]) -> None:
        """Answer a sealed query.  On redelivery the stored answer is sent again."""
        assembled = delivery.message
        store_by = assembled.deadline_at - self._config.delivery_s
        with patient_until(max(store_by, time.time() + self._config.min_store_s)):
            stored = await self._answer(assembled, again=delivery.num_delivered > 1)
        reply, payload = stored.message, stored.payload
        # the ack that follows goes over the same connection: the server has this when it has that
        await deliver(self._bus, assembled.reply, reply, payload)
        method = reply.synthesis.method if reply.synthesis else None
        log.info("query.answered", query=assembled.id, status=reply.status.value, synthesis=method)

    async def _answer(self, assembled: Assembled, *, again: bool) -> Stored[Reply]:
        """Word the answer and store it, if that was not done before.

        An answer that can't be stored goes to the client all the same.  The BusError that is raised then has the query
        delivered again, and stored when the bus is mended.
        """
        reply: Reply | None = None
        try:
            stored = await self._bus.last(ANSWER, id=assembled.id) if again else None
            if stored is not None:
                return stored
            reply = await self._compose(assembled)
            stored = await self._store(reply)
        except BusError as error:
            log.error("answer.unstored", query=assembled.id, error=str(error))
            reply = reply or await self._compose(assembled)
            await deliver(self._bus, assembled.reply, reply)
            raise
        if streamed_otherwise(stored.message):
            with suppress(TooLarge):
                await self._bus.publish(
                    PIECE, Piece(id=assembled.id, index=0, text=stored.message.answer, revised=True)
                )
        return stored

    async def on_cancel(self, cancel: Cancel) -> None:
        """Stop writing an answer that nobody wants."""
        writing = self._writing.get(cancel.id) if cancel.chunk is None else None
        if writing is not None:
            self._cancelled[cancel.id] = cancel.reason
            writing.cancel()

    async def _store(self, reply: Reply) -> Stored[Reply]:
        """Store the answer if none is there, trimmed if need be, and give the one that is."""
        for trim in (None, ChunkOutcome.lean, ChunkOutcome.bare):
            shape = structs.replace(reply, chunks=[trim(outcome) for outcome in reply.chunks]) if trim else reply
            try:
                sequence = await self._bus.commit(Entry(ANSWER, shape, expect=0))
                count_wording(self._bus.telemetry.metrics, reply.synthesis)
                return Stored(shape, encode(shape), sequence, time.time())
            except TooLarge as error:
                log.warning("answer.trimmed", query=reply.id, reason=str(error))
            except Conflict:
                stored = await self._bus.last(ANSWER, id=reply.id)
                assert stored is not None, "what conflicts is there"
                return stored
        return await self._store(
            Refusal(ErrorCode.TOO_LARGE, "the answer is too large for this server").reply(reply.id)
        )

    async def _compose(self, assembled: Assembled) -> Reply:
        """Make the reply."""
        answer, synthesis, status, error = "", None, assembled.status, assembled.error
        if error is None:
            writing = self._writing.get(assembled.id)  # what comes again while it is written is not begun again
            if writing is None:
                writing = self._writing[assembled.id] = asyncio.create_task(self._write(assembled))
                writing.add_done_callback(lambda _: self._writing.pop(assembled.id, None))
            try:
                answer, synthesis = await writing
            except asyncio.CancelledError:
                reason = self._cancelled.pop(assembled.id, None)
                if reason is None:
                    raise
                status, error = Status.FAILED, Error(code=ErrorCode.CANCELLED, message=reason)
        now = time.time()
        return Reply(
            id=assembled.id,
            status=status,
            answer=answer,
            error=error,
            chunks=assembled.outcomes,
            synthesis=synthesis,
            notes=[*assembled.notes, *(notes(assembled.outcomes) if error is None else ())],
            calls=[call for outcome in assembled.outcomes for call in outcome.calls] if error is None else [],
            timings=Timings(
                plan_s=assembled.planned_at - assembled.created_at,
                nodes_s=assembled.voted_at - assembled.planned_at,
                assembly_s=assembled.sealed_at - assembled.voted_at,
                synthesis_s=now - assembled.sealed_at,
                total_s=now - assembled.created_at,
            ),
        )

    async def _write(self, assembled: Assembled) -> tuple[str, Synthesis]:
        """Word the answer: one chunk verbatim, several by the model, or plainly joined where that fails."""
        outcomes = assembled.outcomes
        winners = [outcome.winner for outcome in outcomes if outcome.winner is not None]
        if len(outcomes) == len(winners) == 1:
            guess = f"{NOT_SURE} " if is_guess(outcomes[0]) else ""
            return f"{guess}{winners[0]}", Synthesis(method="verbatim")
        if len(winners) <= 1:
            reason = "only one chunk was answered" if winners else "no chunk is sure enough"
            return join(outcomes), Synthesis(method="join", reason=reason)
        if assembled.wording is Wording.JOIN:
            return join(outcomes), Synthesis(method="join", reason="asked for")
        stop_at = assembled.deadline_at - self._config.delivery_s
        if time.time() > stop_at - self._config.min_writing_s:
            return join(outcomes), Synthesis(method="join", reason="no time left to write")
        async with publishing(self._bus, assembled.id) as pieces:
            text, problem = await self._generate(assembled, stop_at, pieces)
            if problem is not None:
                log.info("synthesis.joined", query=assembled.id, reason=problem)
                pieces.begin_anew()
                pieces.write(joined := join(outcomes))
                return joined, Synthesis(method="join", model=model_name(self._model), reason=problem)
            if tail := unsure(outcomes):
                pieces.write(f"\n{tail}")
            return f"{text}\n{tail}" if tail else text, Synthesis(method="model", model=model_name(self._model))

    async def _generate(self, assembled: Assembled, stop_at: float, pieces: Pieces) -> tuple[str, str | None]:
        """Let the model write, streaming pieces; give the text and what is wrong with it."""
        wanted = prompt(assembled.query, assembled.outcomes)
        request = Request(
            model=self._model,
            messages=turns(wanted.system, wanted.user),
            max_tokens=wanted.max_tokens,
            stop=wanted.stop,
            deadline_at=stop_at,
            caller=SERVICE,
            priority="high",  # it is read as it is written
        )
        try:
            done = await self._engine.complete(request, pieces.write)
        except EngineClosed:
            raise
        except (ModelError, PromptTooLong) as error:
            return "", str(error)
        except Exception as error:  # the winners are there: a failing model may not lose them
            log.exception("synthesis.failed", query=assembled.id)
            return "", f"{type(error).__name__} in the model"
        text = done.text.strip()
        if done.finish != "stop":
            return text, f"the model did not finish ({done.finish})"
        return text, check(assembled.query, assembled.outcomes, text)


async def _load(engine: Engine, model: ModelReference) -> None:
    try:
        await engine.load(model)
        await verified(model)
    except ModelError as error:
        raise CannotRun(str(error)) from None


@asynccontextmanager
async def synthesizer(bus: Bus, config: SynthesizerConfig, engine: Engine) -> AsyncIterator[Sequence[Route]]:
    """Answer sealed queries.  The larger model is loaded meanwhile, and queries that it is to word wait for it."""
    writer = Synthesizer(bus, config, ObservedEngine(engine, bus.telemetry))
    async with beside(_load(engine, config.model)):
        yield [
            consume(SERVICE, on(ASSEMBLED, writer.on_assembled), concurrency=config.concurrency),
            listen(CANCEL, writer.on_cancel),
        ]
