"""From a task to what the engine is asked."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from models import Sampling as Advice
from models.engine import Completion, Request, Turn
from schemas.plans import Task
from schemas.terms import PlannedTurn, Role
from services.kinds.asking import asking
from services.kinds.question import question
from services.kinds.table import named
from services.node.request import conversation, shortened, to_request, without_loops
from services.node.work import Work
from tests.support import ScriptedEngine, saying


@pytest.mark.parametrize(
    ("text", "may_loop"), [("Write 'I am late' 50 times.", True), ("Write a story about a late train.", False)]
)
def test_words_that_are_to_be_repeated_are_no_loop(text: str, may_loop: bool) -> None:  # noqa: FBT001
    task = Task(id="q", chunk=0, node="n", text=text, kind="text", replica=0, deadline_at=1e10)
    how = asking(named("text"), question(text, "", []), 0, 0)
    turns = conversation(task, how, "2026-11-24T09:30+01:00")
    request = to_request(task, how, Path("m.gguf"), Advice(), turns, caller="n", stop_at=1e10)
    assert request.may_loop is may_loop
    assert without_loops(request).may_loop is may_loop


def test_examples_make_room_before_what_was_said() -> None:
    system, asked, shown = Turn("system", "s"), Turn("user", "u"), Turn("user", "x")
    said, answered = Turn("user", "before"), Turn("assistant", "so")
    turns = (system, shown, shown, said, answered, asked)
    without_examples = shortened(turns, 2)
    assert without_examples == (system, said, answered, asked)
    assert shortened(without_examples) == (system, answered, asked)
    assert shortened((system, asked)) is None
    assert shortened((shown, shown, asked), 2) == (asked,)


async def test_examples_that_do_not_fit_are_no_part_of_what_was_said() -> None:
    text = "Ivo has a vase. Then he sells it. Does he have a vase now?\nOptions:\n- Yes\n- No"
    said = [PlannedTurn(role=role, content="word " * 20) for role in (Role.USER, Role.ASSISTANT)]
    task = Task(
        id="q", chunk=0, node="n", text=text, kind="choice", replica=0, deadline_at=time.time() + 60, turns=said
    )
    engine = ScriptedEngine(saying("```python\nhas = 1\nanswer = has == 0\n"), context_tokens=450)
    result = await Work(task, engine, [Path("m.gguf")], caller="n").result()
    assert [answer.method for answer in result.answers] == ["choice-program"]
    assert len(engine.asked[0].messages) == 4
    assert result.dropped_turns == 0


class Circling(ScriptedEngine):
    """Says what runs in circles after ten seconds, the first time."""

    async def complete(self, request: Request, on_text: Callable[[str], None] | None = None) -> Completion:
        done = await super().complete(request, on_text)
        return replace(done, finish="loop", latency_s=10.0) if len(self.asked) == 1 else done


@pytest.mark.parametrize(("left_s", "times"), [(60, 2), (15, 1)])
async def test_a_text_that_runs_in_circles_is_drawn_once_more_where_there_is_time(left_s: float, times: int) -> None:
    task = Task(
        id="q", chunk=0, node="n", text="Write a poem.", kind="text", replica=0, deadline_at=time.time() + left_s
    )
    engine = Circling(saying("la la la"))
    result = await Work(task, engine, [Path("m.gguf")], caller="n").result()
    assert len(engine.asked) == times
    assert [answer.finish for answer in result.answers] == ["stop" if times > 1 else "loop"]
