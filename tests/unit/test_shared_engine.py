"""Identical requests in flight share a generation, whoever leaves and in whatever order."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.engine import Completion, Finish, ModelError, Request, Stats, Turn, turns
from models.reference import ModelReference
from models.shared import SharedEngine, SharedStats
from models.text import NO_EVIDENCE

Said = asyncio.Future[Completion]


@dataclass
class FakeEngine:
    """Each generation ends when, and as, the test says."""

    runs: list[tuple[Request, Said]] = field(default_factory=list)
    cancelled: list[Request] = field(default_factory=list)
    on_texts: int = 0
    library: str = "fake"
    threads: int = 1
    gpu_layers: int = 0
    context_tokens: int = 4096
    closed: bool = False

    async def complete(self, request: Request, on_text: Callable[[str], None] | None = None) -> Completion:
        self.on_texts += on_text is not None
        said: Said = asyncio.get_running_loop().create_future()
        self.runs.append((request, said))
        try:
            return await said
        except asyncio.CancelledError:
            self.cancelled.append(request)
            raise

    async def count_tokens(self, model: ModelReference, messages: Sequence[Turn]) -> int:
        del model
        return len(messages)

    async def load(self, model: ModelReference) -> None:
        del model

    def stats(self) -> dict[ModelReference, Stats]:
        return {}

    def down(self) -> dict[ModelReference, str]:
        return {}

    async def close(self) -> None:
        self.closed = True

    @property
    def live(self) -> list[tuple[Request, Said]]:
        return [(request, said) for request, said in self.runs if not said.done()]


def request(user: str = "1 + 1?", **options: object) -> Request:
    return Request(**({"model": Path("fake"), "messages": turns("", user), "max_tokens": 8} | options))  # type: ignore[arg-type]


def completion(text: str, finish: Finish = "stop") -> Completion:
    return Completion(
        text=text,
        logprob=NO_EVIDENCE,
        prompt_tokens=1,
        completion_tokens=1,
        latency_s=0.1,
        finish=finish,
    )


async def settled() -> None:
    """Let everything run that can, without any time passing."""
    for _ in range(12):
        await asyncio.sleep(0)


@contextmanager
def asking(engine: SharedEngine) -> Iterator[Callable[[Request], asyncio.Task[Completion]]]:
    tasks: list[asyncio.Task[Completion]] = []

    def ask(of: Request) -> asyncio.Task[Completion]:
        tasks.append(asyncio.create_task(engine.complete(of)))
        return tasks[-1]

    try:
        yield ask
    finally:
        for task in tasks:
            task.cancel()


async def test_equal_requests_are_computed_once() -> None:
    fake = FakeEngine()
    engine = SharedEngine(fake)
    with asking(engine) as ask:
        same = [ask(request(caller=caller)) for caller in ("a", "b", "")]
        other = ask(request(seed=1))
        await settled()
        assert [asked.seed for asked, _ in fake.runs] == [0, 1]
        fake.runs[0][1].set_result(completion("2"))
        assert [(await task).text for task in same] == ["2", "2", "2"]
        again = ask(request())
        await settled()
        assert len(fake.runs) == 3, "only what is in flight is shared"
        for _, said in fake.live:
            said.set_result(completion("two"))
        assert ((await other).text, (await again).text) == ("two", "two")
    assert engine.sharing() == SharedStats(asked=5, shared=2)
    await engine.close()
    assert fake.closed


async def test_an_error_goes_to_all_who_wait() -> None:
    fake = FakeEngine()
    with asking(SharedEngine(fake)) as ask:
        tasks = [ask(request()) for _ in range(3)]
        await settled()
        fake.runs[0][1].set_exception(ModelError("no memory"))
        for task in tasks:
            with pytest.raises(ModelError, match="no memory"):
                await task
        ask(request())
        await settled()
        assert len(fake.runs) == 2, "what failed is tried again"


async def test_pieces_of_text_are_not_shared() -> None:
    fake = FakeEngine()
    engine = SharedEngine(fake)
    tasks = [asyncio.create_task(engine.complete(request(), lambda _: None)) for _ in range(2)]
    await settled()
    assert (len(fake.runs), fake.on_texts) == (2, 2)
    for _, said in fake.runs:
        said.set_result(completion("2"))
    await asyncio.gather(*tasks)


async def test_what_ran_out_of_time_is_asked_anew_by_those_who_have_more() -> None:
    fake = FakeEngine()
    with asking(SharedEngine(fake)) as ask:
        first, equal, later = ask(request(deadline_at=10)), ask(request(deadline_at=10)), ask(request(deadline_at=20))
        endless = ask(request())
        await settled()
        assert len(fake.runs) == 1
        fake.runs[0][1].set_result(completion("The", "deadline"))
        assert (await first, await equal) == (completion("The", "deadline"),) * 2
        await settled()
        assert [asked.deadline_at for asked, _ in fake.runs] == [10, 20]
        fake.runs[1][1].set_result(completion("The answer"))
        assert {(await later).text, (await endless).text} == {"The answer"}


async def test_one_who_has_less_time_asks_for_itself() -> None:
    fake = FakeEngine()
    with asking(SharedEngine(fake)) as ask:
        ask(request())
        ask(request(deadline_at=10))
        await settled()
        assert [asked.deadline_at for asked, _ in fake.runs] == [None, 10]


async def test_one_who_asks_as_the_last_has_just_left_starts_anew() -> None:
    fake = FakeEngine()
    with asking(SharedEngine(fake)) as ask:
        first = ask(request())
        await settled()
        first.cancel()
        second = ask(request())  # before the cancellation has reached anybody
        await settled()
        assert (len(fake.runs), len(fake.cancelled)) == (2, 1)
        fake.live[0][1].set_result(completion("2"))
        assert (await second).text == "2"


acts = st.one_of(
    st.tuples(st.just("ask"), st.integers(0, 1), st.sampled_from([None, 10.0, 20.0])),
    st.tuples(st.just("cancel"), st.integers(0, 30), st.none()),
    st.tuples(st.just("end"), st.integers(0, 30), st.sampled_from(["stop", "deadline", "error"])),
    st.tuples(st.just("settle"), st.none(), st.none()),
)


@given(history=st.lists(acts, max_size=40), one_deadline=st.booleans())
async def test_in_any_order_each_gets_its_due_and_nothing_runs_for_nobody(
    history: list[tuple[str, int | None, object]], *, one_deadline: bool
) -> None:
    fake = FakeEngine()
    engine = SharedEngine(fake)
    asked: list[tuple[Request, asyncio.Task[Completion]]] = []
    errors = 0
    for act, number, value in history:
        waiting = [task for _, task in asked if not task.done()]
        match act:
            case "ask":
                of = request(str(number), deadline_at=5.0 if one_deadline else value)
                asked.append((of, asyncio.create_task(engine.complete(of))))
            case "cancel" if waiting:
                waiting[(number or 0) % len(waiting)].cancel()
            case "end" if fake.live:
                of, said = fake.live[(number or 0) % len(fake.live)]
                if value == "error":
                    errors += 1
                    said.set_exception(ModelError(of.messages[-1].content))
                else:
                    said.set_result(
                        completion(
                            of.messages[-1].content, "deadline" if value == "deadline" and of.deadline_at else "stop"
                        )
                    )
            case "settle":
                await settled()
                check(fake, asked, one_deadline=one_deadline)
    await settled()
    check(fake, asked, one_deadline=one_deadline)
    for of, task in asked:
        if task.done() and not task.cancelled():
            if error := task.exception():
                assert str(error) == of.messages[-1].content
            else:
                assert task.result().text == of.messages[-1].content
        task.cancel()
    await settled()
    assert not fake.live, "the last who left has cancelled it"
    assert all(task.done() for _, task in asked)


def check(fake: FakeEngine, asked: list[tuple[Request, asyncio.Task[Completion]]], *, one_deadline: bool) -> None:
    """Everyone who waits has a generation that ends in its time, and every generation has someone who waits."""
    waiting = [of for of, task in asked if not task.done()]
    live = [of for of, _ in fake.live]
    assert all(any(joins(of, run) for run in live) for of in waiting)
    assert all(any(joins(of, run) for of in waiting) for run in live)
    if one_deadline:
        assert max(Counter(live).values(), default=0) <= 1, "nothing is computed twice"


def joins(of: Request, run: Request) -> bool:
    same = replace(of, deadline_at=None) == replace(run, deadline_at=None)
    return same and (of.deadline_at is None or (run.deadline_at is not None and run.deadline_at <= of.deadline_at))
