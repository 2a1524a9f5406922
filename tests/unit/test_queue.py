"""Callers take turns, whatever they ask and whenever."""

from __future__ import annotations

from itertools import count
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from models.engine import Priority, Request, turns
from models.queue import FairQueue
from models.sequence import Sequence
from tests.fake_runner import FakeCaller

acts = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from("abc")),
    st.tuples(st.just("next"), st.none()),
    st.tuples(st.just("leave"), st.integers(0, 9)),
)


def asked(caller: str, number: int = 0, priority: Priority = "normal") -> Sequence:
    said = turns("", str(number))
    request = Request(model=Path("fake"), messages=said, max_tokens=1, caller=caller, priority=priority)
    return Sequence(request, FakeCaller(), [1], 8)


def named(sequence: Sequence) -> str:
    return f"{sequence.request.caller}{sequence.request.messages[-1].content}"


def test_one_who_asks_much_is_overtaken_by_those_who_ask_little() -> None:
    turns = FairQueue()
    for number in range(1000):
        turns.add(asked("a", number))
    for request in (asked("b", 0), asked("c", 0), asked("b", 1)):
        turns.add(request)
    assert [named(turns.next()) for _ in range(7)] == ["a0", "b0", "c0", "a1", "b1", "a2", "a3"]


def test_high_priority_goes_first_and_starves_nobody() -> None:
    queue = FairQueue()
    for number in range(20):
        queue.add(asked("n", number))
        queue.add(asked("h", number, "high"))
    order = [named(queue.next())[0] for _ in range(40)]
    assert "".join(order) == "hhhn" * 6 + "hh" + "n" * 14
    queue.add(asked("n"))
    queue.add(asked("h", 0, "high"))
    assert named(queue.next()) == "h0"


@given(st.lists(acts, max_size=80))
def test_nobody_is_passed_over_by_another_twice(history: list[tuple[str, str | int | None]]) -> None:
    turns, numbers = FairQueue(), count()
    waiting: dict[str, list[Sequence]] = {letter: [] for letter in "abc"}
    passed: dict[str, list[str]] = {letter: [] for letter in "abc"}  # by whom, since its turn or since it began to wait
    for act, which in history:
        everyone = [request for own in waiting.values() for request in own]
        if act == "ask":
            sequence = asked(str(which), next(numbers))
            turns.add(sequence)
            waiting[str(which)].append(sequence)
        elif everyone and act == "leave":
            sequence = everyone[int(which or 0) % len(everyone)]
            turns.remove(sequence)
            waiting[sequence.request.caller].remove(sequence)
        elif everyone:
            sequence = turns.next()
            assert sequence is waiting[sequence.request.caller].pop(0), "of one, who came first is first"
            for caller, by in passed.items():
                by.append(sequence.request.caller)
                if not waiting[caller] or caller == sequence.request.caller:
                    by.clear()
                assert len(set(by)) == len(by)
        for caller, own in waiting.items():
            if not own:
                passed[caller].clear()
        assert len(turns) == sum(map(len, waiting.values()))
        assert {*turns} == {request for own in waiting.values() for request in own}
