"""What strangers write costs little time: long runs of every class of character, and of short patterns."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from services.checks.examples import find_examples
from services.checks.syntax import PARSES
from services.checks.verdict import demands
from services.decomposer.conversation import stands_alone
from services.decomposer.cutting.cut import cut
from services.kinds.clock import needs_clock
from services.kinds.question import question
from services.kinds.reading.extract import final_fact, final_number, plain_text
from services.kinds.reading.options import Options, find_options, read_option
from services.kinds.reading.program import run
from services.kinds.table import kind_of
from services.voting.calculator import calculate
from services.voting.equivalence import equivalent
from services.voting.expression import expressions
from services.voting.normalise import normalise
from services.voting.quantity import quantities

RUNS = (
    "½", "é", "1.", "1,", "中", "a", "A ", "1 ", "(", "[", "{", "()", '"', "'", "**", "`", "```\n", "= 1 ", "is ",
    "one hundred and ", "the is ", ",  ", "\n", "2x", "\\boxed{", "how many ", "(A) ", "A) ", "yes no ", "- x\n",
    "Options:\n- a\n", "f(", "f(1) == ", "if ", "> ", "| a ", ">>> f(\n", "_", "*a", "x=1;", "\\(", "$$", "a:b",
    "Input: a\n", "true or ", "What is ", "and ", " ", "\t", "#", "0", "-", "1+", "1/", "1^", "√", "of the ", "for(",
)  # fmt: skip
READERS: dict[str, Callable[[str], object]] = {
    "final_number": lambda text: final_number(text, text[:500]),
    "final_fact": lambda text: final_fact(text, text[:500]),
    "plain_text": plain_text,
    "find_options": find_options,
    "read_option": lambda text: read_option(text, Options.YES_NO),
    "kind_of": kind_of,
    "needs_clock": needs_clock,
    "question": lambda text: question(text, "", []),
    "equivalent": lambda text: equivalent(text, f"{text}z"),
    "normalise": normalise,
    "quantities": quantities,
    "calculate": calculate,
    "expressions": expressions,
    "cut": cut,
    "stands_alone": stands_alone,
    "demands": demands,
    "syntax": PARSES.verify,
    "examples": find_examples,
    "program": run,
}
SHORT, LONG = 4_000, 16_000
GROWTH = 4 * (LONG / SHORT)  # linear, and as much again for a machine that does other things
SLACK_S = 0.25
MOST_S = 3.0


@pytest.mark.parametrize("name", READERS)
def test_time_grows_with_the_length_alone(name: str) -> None:
    for piece in RUNS:
        short, long = (_seconds(READERS[name], (piece * size)[:size]) for size in (SHORT, LONG))
        assert long <= min(MOST_S, GROWTH * short + SLACK_S), f"{piece!r}: {short:.3f} s, then {long:.3f} s"


def _seconds(reader: Callable[[str], object], text: str) -> float:
    started = time.process_time()
    reader(text)
    return time.process_time() - started
