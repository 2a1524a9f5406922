"""Take a query in: check, admit, cut, route, commit.  The same id again is answered from what is stored."""

from __future__ import annotations

import time
from dataclasses import replace
from random import Random

import structlog
from msgspec import structs

from schemas.commands import Cancel, Query
from schemas.messages import Reply
from schemas.plans import Plan
from schemas.subjects import ANSWER, CANCEL, PLAN, TASK
from schemas.terms import ErrorCode
from services.decomposer.admission import Admissions
from services.decomposer.candidate import Candidate
from services.decomposer.config import DecomposerConfig
from services.decomposer.cut_in_time import cut, is_long
from services.decomposer.members import POOL_NODES
from services.decomposer.overdue import Overdue
from services.decomposer.planning import capped, capped_tokens, make_plan, new_entries, sure_enough
from services.decomposer.quota import Quota, account_of
from services.decomposer.recall import recall
from services.decomposer.request import claimed_id, parse
from services.decomposer.roster import Roster
from services.decomposer.workload import Workload
from services.runtime.bus import Bus
from services.runtime.fill import StreamFill
from services.runtime.patience import patient_until
from services.runtime.refusal import Refusal
from services.runtime.replies import deliver, is_inbox
from services.runtime.routes import Request
from services.runtime.wire import BusError, Conflict, Stored

log = structlog.get_logger(__name__)

WAITING_GRACE_S = 30.0
PATIENT_SHARE = 0.8  # of a query's time; the rest is for telling the client that the bus is away
TRIAL_SHARE = 0.05
CANCEL_S = 30.0  # for which a cancel waits for its query
MAX_CANCELS = 4096


class Intake:
    """Takes queries in.  `_waiting` holds, by query, the inboxes of clients that sent its id again."""

    def __init__(self, bus: Bus, roster: Roster, workload: Workload, config: DecomposerConfig) -> None:
        self._bus = bus
        self._config = config
        self._roster = roster
        self._workload = workload
        self._admissions = Admissions(bus)
        self._fill = StreamFill(bus)
        self._quota = Quota(config.max_per_client)
        self.overdue = Overdue(bus, self._give_up)
        self._waiting: dict[str, dict[str, float]] = {}
        self._cancels: dict[str, tuple[float, Cancel]] = {}

    async def on_query(self, request: Request) -> None:
        """Answer with an error at once, or see to it that the answer will come."""
        started = time.time()
        if request.reply and not is_inbox(request.reply, self._bus.space):
            log.warning("query.no_inbox", address=request.reply[:200])
            return
        id_ = ""
        try:
            id_ = claimed_id(request.payload)
            query = parse(request.payload)
            id_ = query.id or self._bus.new_id()
            request.about(query=id_)
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
        until = started + PATIENT_SHARE * query.timeout_s
        counted = False
        with patient_until(until):
            try:
                counted = self._quota.begin(account_of(request.headers), id_, started, started + query.timeout_s)
                admitted = await self._admissions.take(id_)
            except Refusal:
                self._quota.end(id_ if counted else "")
                if await self._known(query):  # in flight, or done: no new work
                    await self._again(query, id_, request)
                    return
                raise
        try:
            with patient_until(until):
                await self._begin(query, id_, request, started, admitted=admitted)
        except Exception:
            self._quota.end(id_ if counted else "")
            if admitted:
                self._admissions.give_back_soon(id_)  # outside the limit, which may be what was reached
            raise

    async def _begin(self, query: Query, id_: str, request: Request, started: float, *, admitted: bool) -> None:
        """Plan a query that was admitted, or see that it is planned already."""
        if (not admitted or is_long(query)) and await self._known(query):  # then it is not cut again
            await self._again(query, id_, request)
            return
        begun = False
        try:
            plan = await self._plan(query, id_, request, started)
            self._workload.begin(plan)  # at once: another that is planned meanwhile should go to other nodes
            entries = new_entries(plan, self._bus.space, time.time())
            if not await self._fill.has_room(query.timeout_s, sum(len(entry.payload()) for entry in entries)):
                told = "the stream is too full to keep this query for its time; try later"
                raise Refusal(ErrorCode.OVERLOADED, told)
            cancel = await self._check_wanted(query, id_)
            await self._bus.commit(*entries)
            begun = True
        except Conflict:
            await self._again(query, id_, request)
            return
        finally:
            if not begun:
                self._workload.end(id_)
        if cancel is None and (cancel := self._cancelled(id_)) is not None:  # it came while the plan was written
            await self._bus.publish(CANCEL, cancel)
        self.overdue.begin(plan)
        num_tasks, num_cached = len(plan.assignments), len(plan.cached)
        log.info("query.planned", query=id_, chunks=len(plan.chunks), tasks=num_tasks, cached=num_cached)

    async def _plan(self, query: Query, id_: str, request: Request, started: float) -> Plan:
        query = structs.replace(query, policy=sure_enough(query.policy, self._config.min_confidence))
        chunks, turns = await cut(query, self._config.max_cut_s)
        begins = [chunk for chunk in chunks if not chunk.depends_on]
        sure = query.policy.min_confidence
        cached = await recall(self._bus, begins, sure=sure) if query.policy.cache else {}
        limit, random = self._config.max_fan_out, Random(id_)
        pool = await self._roster.pool(random, model=query.model, num=max(POOL_NODES, limit))
        if not pool and len(cached) < len(chunks):
            if await self._known(query):
                raise Conflict
            raise self._nobody(query.model)
        if query.generation.has_tools:
            pool = self._able(pool, query.model)
        pool = self._workload.laden(pool)
        policy, notes = capped(query.policy, self._roster.members.count(query.model), limit)
        query, more_notes = capped_tokens(query, self._config.max_tokens)
        if notes or more_notes:
            log.warning("query.capped", query=id_, limit=limit, max_tokens=self._config.max_tokens)
        if pool and random.random() < TRIAL_SHARE:
            pool[0] = replace(pool[0], on_trial=True)
        return make_plan(
            query if policy is query.policy else structs.replace(query, policy=policy),
            chunks,
            pool,
            turns=turns,
            id_=id_,
            reply=request.reply,
            created_at=started,
            cached=cached,
            notes=[*notes, *more_notes],
        )

    def _able(self, pool: list[Candidate], model: str) -> list[Candidate]:
        """Keep the nodes whose models can call tools.  Raises Refusal where there is none."""
        able = [node for node in pool if node.can_call(model)]
        if not able:
            who = f"the model {model!r} cannot" if model else "no live node runs a model that can"
            raise Refusal(ErrorCode.BAD_REQUEST, f"$.tools: {who} call tools: its chat template does not know them")
        return able

    def _nobody(self, model: str) -> Refusal:
        """Say why there is nobody to ask."""
        if model and self._roster.members.models:
            known = ", ".join(self._roster.members.models)
            return Refusal(ErrorCode.BAD_REQUEST, f"$.model: no live node runs {model!r}; there are {known}")
        return Refusal(ErrorCode.NO_NODES, "no node is alive; start one, or wait until one has loaded its models")

    async def _known(self, query: Query) -> bool:
        return query.id is not None and await self._bus.last(PLAN, id=query.id) is not None

    async def _again(self, query: Query, id_: str, request: Request) -> None:
        """Answer an id that is known: now if its answer is stored, else when it is."""
        found = await self._bus.read((PLAN, PLAN.at(id=id_)), (ANSWER, ANSWER.at(id=id_)))
        plan = next((stored.message for stored in found[PLAN]), None)
        if plan is not None and plan.query != query.text:
            raise Refusal(ErrorCode.BAD_REQUEST, f"$.id {id_!r} belongs to another question")
        if plan is None and not found[ANSWER]:
            raise Refusal(ErrorCode.BAD_REQUEST, f"$.id {id_!r} was used before, and its answer is no longer kept")
        self._waiting.setdefault(id_, {})[request.reply] = time.time() + query.timeout_s + WAITING_GRACE_S
        answer = await self._bus.last(ANSWER, id=id_)  # it may have come before this client was on the list
        log.info("query.repeated", query=id_, answered=answer is not None)
        if answer is not None:
            self._quota.end(id_)
            await self._admissions.give_back(id_)
            await self._answer(answer)
        elif plan is not None and plan.reply == request.reply:
            self._waiting.get(id_, {}).pop(request.reply, None)  # the very same request: the synthesizer answers it

    async def on_cancel(self, cancel: Cancel) -> None:
        """Remember a cancel: its query may be on the way still."""
        if cancel.chunk is None:
            self._cancels.pop(cancel.id, None)
            self._cancels[cancel.id] = (time.monotonic() + CANCEL_S, cancel)
            if len(self._cancels) > MAX_CANCELS:
                del self._cancels[next(iter(self._cancels))]

    async def _check_wanted(self, query: Query, id_: str) -> Cancel | None:
        """Refuse a query that was cancelled before it came; give the cancel of one that is planned already."""
        cancel = self._cancelled(id_)
        if cancel is not None and not await self._known(query):
            raise Refusal(ErrorCode.CANCELLED, cancel.reason)
        return cancel

    def _cancelled(self, id_: str) -> Cancel | None:
        until, cancel = self._cancels.get(id_, (0.0, None))
        return cancel if until > time.monotonic() else None

    async def on_answer(self, reply: Reply) -> None:
        """Let the next query in, and send a freshly stored answer to those who asked again meanwhile."""
        self._workload.end(reply.id)
        self._quota.end(reply.id)
        mine = self.overdue.end(reply.id)
        self._admissions.end(reply.id)
        if mine and any(not missing.failed for outcome in reply.chunks for missing in outcome.missing):
            await self._bus.purge(TASK, id=reply.id)  # a node that was away when they were cancelled begins none
        if reply.id in self._waiting and (stored := await self._bus.last(ANSWER, id=reply.id)) is not None:
            await self._answer(stored)

    async def _answer(self, stored: Stored[Reply]) -> None:
        for inbox in self._waiting.pop(stored.message.id, {}):
            await deliver(self._bus, inbox, stored.message, stored.payload)

    async def _give_up(self, id_: str, inbox: str) -> None:
        """Tell the clients of a query that it is lost."""
        failure = Refusal(ErrorCode.INTERNAL, "no answer came in time: the query was lost, or the bus is broken")
        self._workload.end(id_)
        self._quota.end(id_)
        self._admissions.give_back_soon(id_)
        for address in {inbox, *self._waiting.pop(id_, {})}:
            await deliver(self._bus, address, failure.reply(id_))

    async def forget_late(self) -> None:
        """Give up inboxes and tasks whose query must have ended long ago."""
        now = time.time()
        self._workload.forget_ended(now)
        for id_, inboxes in list(self._waiting.items()):
            if max(inboxes.values(), default=0.0) < now:
                del self._waiting[id_]
