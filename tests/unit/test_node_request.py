"""From a task to what the engine is asked."""

from __future__ import annotations

from pathlib import Path

import pytest

from models import Sampling as Advice
from schemas.plans import Task
from services.kinds.asking import asking
from services.kinds.question import question
from services.kinds.table import named
from services.node.request import conversation, to_request, without_loops


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
