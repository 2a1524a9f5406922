"""Take a query in: check, admit, cut, route, commit.  The same id again is answered from what is stored."""

from __future__ import annotations

import time
from dataclasses import replace
from random import Random

import structlog

from schemas.commands import Query
from schemas.messages import Plan, Reply
from schemas.subjects import ANSWER, PLAN
from schemas.terms import ErrorCode
from services.decomposer.admission import Admissions
from services.decomposer.cutting.cut import cut
from services.decomposer.planning import make_plan, new_entries
from services.decomposer.recall import recall
from services.decomposer.request import claimed_id, parse, traceparent_of
from services.decomposer.roster import Roster
from services.decomposer.workload import Workload
from services.runtime.bus import Bus
from services.runtime.replies import Refusal, deliver
from services.runtime.routes import Request
from services.runtime.wire import BusError, Conflict, Stored

log = structlog.get_logger(__name__)

WAITING_GRACE_S = 30.0
TRIAL_SHARE = 0.05


class Intake:
    """The front door of one decomposer.  `waiting` holds inboxes of clients that sent an id again, until it ends."""

    def __init__(self, bus: Bus, roster: Roster, workload: Workload) -> None:
        self._bus = bus
        self._roster = roster
        self._workload = workload
        self._admissions = Admissions(bus)
        self._waiting: dict[str, dict[str, float]] = {}

    async def on_query(self, request: Request) -> None:
        """Answer with an error at once, or see to it that the answer will come."""
        started = time.time()
        id_ = claimed_id(request.payload)
        try:
            query = parse(request.payload)
            id_ = query.id or self._bus.new_id()
            await self._take(query, id_, request, started)
        except Refusal as refusal:
            log.info("query.refused", query=id_, code=refusal.code.value, reason=str(refusal))
            await deliver(self._bus, request.reply, refusal.reply(id_))
        except BusError as error:
            log.error("query.failed", query=id_, error=str(error))
            await deliver(self._bus, request.reply, Refusal(ErrorCode.INTERNAL, str(error)).reply(id_))
        except Exception:  # a client that asks gets an answer, whatever is wrong here
            log.exception("query.failed", query=id_)
            failure = Refusal(ErrorCode.INTERNAL, "the query could not be taken; the decomposer's log tells why")
            await deliver(self._bus, request.reply, failure.reply(id_))

    async def _take(self, query: Query, id_: str, request: Request, started: float) -> None:
        try:
            admitted = await self._admissions.take(id_)
        except Refusal:
            if await self._known(query):  # in flight, or done: no new work
                await self._again(query, id_, request)
                return
            raise
        try:
            plan = await self._plan(query, id_, request, started)
            await self._bus.commit(*new_entries(plan, self._bus.space, time.time()))
            self._workload.begin(plan)
            num_tasks, num_cached = len(plan.assignments), len(plan.cached)
            log.info("query.planned", query=id_, chunks=len(plan.chunks), tasks=num_tasks, cached=num_cached)
        except Conflict:
            await self._again(query, id_, request)
        except Exception:
            if admitted:
                await self._admissions.give_back(id_)
            raise

    async def _plan(self, query: Query, id_: str, request: Request, started: float) -> Plan:
        chunks = cut(query.query)
        begins = [each for each in chunks if not each.depends_on]
        cached = await recall(self._bus, begins) if query.policy.cache else {}
        candidates = await self._roster.candidates()
        if not candidates and len(cached) < len(chunks):
            if await self._known(query):
                raise Conflict
            raise Refusal(ErrorCode.NO_NODES, "no node is alive; start one, or wait until one has loaded its models")
        busy, random = self._workload.by_node(started), Random(id_)
        pool = [replace(each, busy=busy[str(each.presence.node)]) for each in candidates]
        random.shuffle(pool)  # equals take turns
        if random.random() < TRIAL_SHARE:
            pool[0] = replace(pool[0], on_trial=True)
        return make_plan(
            query,
            chunks,
            pool,
            id_=id_,
            reply=request.reply,
            created_at=started,
            traceparent=traceparent_of(request.headers),
            cached=cached,
        )

    async def _known(self, query: Query) -> bool:
        return query.id is not None and await self._bus.last(PLAN, id=query.id) is not None

    async def _again(self, query: Query, id_: str, request: Request) -> None:
        """Answer an id that is known: now if its answer is stored, else when it is."""
        found = await self._bus.read((PLAN, PLAN.at(id=id_)), (ANSWER, ANSWER.at(id=id_)))
        plan = next((each.message for each in found[PLAN]), None)
        if plan is not None and plan.query != query.query:
            raise Refusal(ErrorCode.BAD_REQUEST, f"$.id {id_!r} belongs to another question")
        if plan is None and not found[ANSWER]:
            raise Refusal(ErrorCode.BAD_REQUEST, f"$.id {id_!r} was used before, and its answer is no longer kept")
        self._waiting.setdefault(id_, {})[request.reply] = time.time() + query.timeout_s + WAITING_GRACE_S
        answer = await self._bus.last(ANSWER, id=id_)  # it may have come before this client was on the list
        log.info("query.repeated", query=id_, answered=answer is not None)
        if answer is not None:
            await self._admissions.give_back(id_)
            await self._answer(answer)
        elif plan is not None and plan.reply == request.reply:
            self._waiting.get(id_, {}).pop(request.reply, None)  # the very same request: the synthesizer answers it

    async def on_answer(self, reply: Reply) -> None:
        """Let the next query in, and send a freshly stored answer to those who asked again meanwhile."""
        self._workload.end(reply.id)
        await self._admissions.end(reply.id)
        if reply.id in self._waiting and (stored := await self._bus.last(ANSWER, id=reply.id)) is not None:
            await self._answer(stored)

    async def _answer(self, stored: Stored[Reply]) -> None:
        for inbox in self._waiting.pop(stored.message.id, {}):
            await deliver(self._bus, inbox, stored.message, stored.payload)

    async def forget_late(self) -> None:
        """Give up inboxes whose query must have ended long ago."""
        now = time.time()
        for id_, inboxes in list(self._waiting.items()):
            if max(inboxes.values(), default=0.0) < now:
                del self._waiting[id_]
