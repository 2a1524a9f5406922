"""Texts that are led while they are drawn, with a fake model."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from models.stepper import Stepper
from tests.fake_runner import FakeCaller, FakeRunner, alone, ask, finish


def said(**options: object) -> str:
    stepper, caller = Stepper(FakeRunner()), FakeCaller()
    stepper.add(ask([1, 2, 3], **{"max_tokens": 40} | options), caller)  # type: ignore[arg-type]
    finish(stepper)
    assert caller.completion.text == "".join(caller.said)
    return caller.completion.text


def test_a_text_begins_as_it_is_told_to() -> None:
    assert said(opening="7 8 9").startswith("7 8 9 ")
    assert said(opening="7 8 9", max_tokens=2) == "7 8 "


def test_a_text_leaves_out_what_it_is_told_to() -> None:
    usual = said().split()
    assert usual[1] not in said(avoid=(usual[1],)).split()
    assert said(avoid=(usual[1],)).split()[0] == usual[0]


class Wanted(NamedTuple):
    """Goes on with `more` until a text has so many words."""

    words: int
    more: str

    def __call__(self, text: str) -> str | None:
        return self.more if len(text.split()) < self.words else None


@pytest.mark.parametrize("more", ["", "5 5"])
def test_a_text_that_is_to_go_on_does_not_end(more: str) -> None:
    prompt = next([start, 2, 3] for start in range(1, 90) if 2 < len(alone([start, 2, 3], 40).split()) < 12)
    stepper, caller = Stepper(FakeRunner()), FakeCaller()
    stepper.add(ask(prompt, 40, goes_on=Wanted(12, more)), caller)
    finish(stepper)
    first = alone(prompt, 40)
    assert caller.completion.text.startswith(first)
    assert len(caller.completion.text.split()) >= 12
    assert caller.completion.text[len(first) :].startswith(f"{more} " if more else "")


def test_who_always_wants_more_does_not_get_it_for_ever() -> None:
    stepper, caller = Stepper(FakeRunner(context_tokens=4000)), FakeCaller()
    stepper.add(ask([1, 2, 3], 3000, goes_on=Wanted(10**9, ""), may_loop=True), caller)
    finish(stepper)
    assert caller.completion.finish == "stop"
