"""Each rule is found in its example and takes linear time; the sets that were written blind are cut right."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from services.decomposer.cutting.cut import MAX_CHARS, cut, parts
from services.decomposer.cutting.rules import Rule
from tests.quality.ablate_cutting import answer, read_cases, rules

QUALITY = Path(__file__).parents[1] / "quality"
RUNS = (
    *(
        "x",
        "½",
        "é",
        "中",
        "1.",
        "1,",
        "1",
        "_",
        "@",
        "-",
        "=",
        "?",
        "!",
        ".",
        ",",
        ";",
        ":",
        "'",
        '"',
        "“",
        "`",
        "|",
        "*",
    ),
    *("(", "[", "{", "()", "[]", "\\", " ", "\n", "\t", "\0", "a ", "A ", "A. ", "the ", "that ", "who ", "what is "),
    *("and ", ", ", "; ", "then ", "1. ", "- ", "a) ", "? ", "9 ", "in ", "it ", "a@b.", "http://", "and add 3 and 4 "),
)
SMALL = 2_000
BLINK_S = 0.02  # below this the clock says more about the machine than about the pattern


def seconds(call: Callable[[], object]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_a_rule_is_found_in_its_example(rule: Rule) -> None:
    assert rule.pattern.search(rule.example)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_a_rule_takes_linear_time(rule: Rule) -> None:
    for run in RUNS:
        small, large = ((run * num_chars)[:num_chars] for num_chars in (SMALL, 4 * SMALL))
        once = seconds(lambda text=small: list(rule.pattern.finditer(text)))  # type: ignore[misc]
        again = min(seconds(lambda text=large: list(rule.pattern.finditer(text))) for _ in range(2))  # type: ignore[misc]
        assert again < max(10 * once, 2 * BLINK_S), f"{run!r}: {once:.4f} s, then {again:.4f} s"


@pytest.mark.parametrize("before", ["", "Fix this code: ", "What is "])
@pytest.mark.parametrize("run", RUNS)
def test_cutting_is_bounded(run: str, before: str) -> None:
    for num_chars in (MAX_CHARS, 32 * 1024):
        text = (before + run * num_chars)[:num_chars]
        assert seconds(lambda text=text: parts(text)) < 0.5  # type: ignore[misc]
        assert len(cut(text)) <= 32


def test_a_long_text_stays_whole() -> None:
    text = "Who wrote Emma? " * (MAX_CHARS // 16 + 1)
    assert parts(text) == [text.strip()]


# A noun with "the" may be known to all ("the universe") or to the question before alone: words do not tell.
TAKEN_FOR_KNOWN = [
    "Who won the 2018 World Cup and who was the runner-up?",
    "Who painted the Sistine Chapel and how long did the work take?",
    "What is a sonnet? How many lines are there?",
    "Which ocean is deepest? What is the deepest point?",
    "Which is the oldest university? Who founded the university?",
]


@pytest.mark.parametrize(("name", "wrong"), [("whole", TAKEN_FOR_KNOWN), ("governed", [])])
def test_what_must_stay_whole_does(name: str, wrong: list[str]) -> None:
    assert [case.query for case in read_cases(QUALITY / f"{name}.jsonl") if not answer(case).right] == wrong


def test_what_is_certainly_several_is_cut() -> None:
    missed = [case.query for case in read_cases(QUALITY / "several.jsonl") if not answer(case).right]
    assert missed == ["Give me the capital of Zambia, the sum of 14 and 28, and the author of Dune."]
