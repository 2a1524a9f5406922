"""What strangers write costs little time: long runs of every class of character, and of short patterns."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from schemas.messages import ChunkOutcome
from services.checks.examples import find_examples
from services.checks.leading import Lead
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
from services.language.repetition import wants_repetition
from services.synthesizer.check import check
from services.voting.calculator import calculate
from services.voting.equivalence import equivalent
from services.voting.expression import expressions
from services.voting.logic import truth
from services.voting.normalise import as_text, normalise
from services.voting.quantity import quantities
from services.voting.words import content_words, names, sentences

RUNS = (
    "½", "é", "1.", "1,", "中", "a", "A ", "1 ", "(", "[", "{", "()", '"', "'", "**", "`", "```\n", "= 1 ", "is ",
    "one hundred and ", "the is ", ",  ", "\n", "2x", "\\boxed{", "how many ", "(A) ", "A) ", "yes no ", "- x\n",
    "Options:\n- a\n", "f(", "f(1) == ", "if ", "> ", "| a ", ">>> f(\n", "_", "*a", "x=1;", "\\(", "$$", "a:b",
    "Input: a\n", "true or ", "What is ", "and ", " ", "\t", "#", "0", "-", "1+", "1/", "1^", "√", "of the ", "for(",
    "say 'a ", "say it 9 times ",
)  # fmt: skip


def told(text: str) -> ChunkOutcome:
    return ChunkOutcome(index=0, text="?", kind="fact", decided="all", winner=text, final=text, confidence=1.0)


LED = Lead("?", tuple(demands("Write at least 9000 words, exactly 900 bullet points, and a P.S. at the end.")))


READERS: dict[str, Callable[[str], object]] = {
    "final_number": lambda text: final_number(text, text[:500]),
    "final_fact": lambda text: final_fact(text, text[:500]),
    "plain_text": plain_text,
    "find_options": find_options,
    "read_option": lambda text: read_option(text, Options.YES_NO),
    "kind_of": kind_of,
    "needs_clock": needs_clock,
    "wants_repetition": wants_repetition,
    "question": lambda text: question(text, "", []),
    "equivalent": lambda text: equivalent(text, f"{text}z"),
    "normalise": normalise,
    "quantities": quantities,
    "calculate": calculate,
    "expressions": expressions,
    "cut": cut,
    "stands_alone": stands_alone,
    "demands": demands,
    "leading": LED,
    "syntax": PARSES.verify,
    "examples": find_examples,
    "program": run,
    "as_text": as_text,
    "names": names,
    "content_words": content_words,
    "sentences": sentences,
    "truth": truth,
    "check": lambda text: check(text, [told(text)], text),
}
# Runs of one thing are few different ones: of these every one is another.
DIFFERENT = (
    " ".join(map(str, range(4_000))),
    " ".join(f"w{number}x" for number in range(4_000)),
    " ".join(
        f"Ann{chr(97 + number % 26)}{chr(97 + number // 26 % 26)}{chr(97 + number // 676)}" for number in range(4_000)
    ),
    " ".join(f"x+{number}y {number} kg" for number in range(2_000)),
)
SIZES = ((480, 1_900), (4_000, 16_000))  # below and above what some readers take for a whole text
GROWTH = 8  # of a text four times as long, twice what is linear, for a machine that does other things
SLACK_S = 0.25
MOST_S = 3.0


@pytest.mark.parametrize("name", READERS)
def test_time_grows_with_the_length_alone(name: str) -> None:
    texts = [*(piece * (SIZES[-1][-1] // len(piece) + 1) for piece in RUNS), *DIFFERENT]
    for text in texts:
        for sizes in SIZES:
            long = _seconds(READERS[name], text[: sizes[1]])
            if long <= SLACK_S:
                continue
            short = _seconds(READERS[name], text[: sizes[0]])
            told = f"{text[:12]!r} of {sizes}: {short:.3f} s, then {long:.3f} s"
            assert long <= min(MOST_S, GROWTH * short + SLACK_S), told


def _seconds(reader: Callable[[str], object], text: str) -> float:
    started = time.process_time()
    reader(text)
    return time.process_time() - started
