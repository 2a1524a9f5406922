"""Wild texts: nothing raises, nothing takes more than linear time, repairs settle."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.checks.table import FAMILIES
from services.checks.verdict import complaint, demands, repaired, verify

EXAMPLES = [example for family in FAMILIES for example in family.examples]
TEXTS = st.text() | st.lists(
    st.sampled_from([*EXAMPLES, "\n\n", "*", "```", '"', "'", "- a", "{", "[1]", "\ue000", ": ", "no ", "at least 3 "])
).map(" ".join)
RUN = 32 * 1024
UNITS = [
    "x",
    "x ",
    "1",
    "1,",
    "1 ",
    ". ",
    "a. ",
    "\n",
    "\n\n",
    "- ",
    "* ",
    "*",
    "**",
    "#",
    '"',
    '" ',
    "'",
    " 'a",
    "`",
    "```\n",
    "~~~\n",
    "[",
    "[a",
    "{",
    "<",
    "<a>",
    "<<",
    "(",
    "«",
    "é",
    "中",
    "\u202f",
    "\ue000",
    "at least ",
    "at least 3 ",
    "no ",
    "no, ",
    "not ",
    "the ",
    "words ",
    "3 words ",
    "each ",
    "with ",
    "and ",
    "word: ",
    "a-",
    "a: ",
    "a, ",
    "=",
    "|",
    "|-",
    ", please write ",
    "this ",
    "the word a ",
    "don't use ",
    "separated ",
    "P.S. ",
    "in French ",
    "Write ",
    "\U0001f600",
    "_",
    "_a",
    "'a'",
    "\t",
    "A 1 ",
    "a\n",
]


@given(TEXTS, TEXTS)
@settings(deadline=None)
def test_nothing_raises(request: str, answer: str) -> None:
    found = demands(request)
    assert isinstance(complaint(verify(found, answer)), str)
    repaired(found, answer)


@given(st.lists(st.sampled_from(EXAMPLES), min_size=1, max_size=3), TEXTS)
@settings(deadline=None)
def test_repairs_settle_and_never_worsen(requests: list[str], answer: str) -> None:
    found = demands(" ".join(requests))
    mended = repaired(found, answer)
    assert repaired(found, mended) == mended
    for before, after in zip(verify(found, answer), verify(found, mended), strict=True):
        assert before.reason is not None or after.reason is None


@pytest.mark.parametrize("unit", UNITS, ids=ascii)
def test_long_runs_are_read_in_linear_time(unit: str) -> None:
    found = [demand for example in EXAMPLES for demand in demands(example)]
    text = (unit * RUN)[:RUN]
    for head in ("", "Write this with at least 3 words: ", 'Use the words "'):
        started = time.process_time()
        demands(head + text)
        assert time.process_time() - started < 3
    for demand in found:
        started = time.process_time()
        demand.verify(text)
        mended = demand.repair(text) if demand.repair else text
        assert isinstance(mended, str)
        assert time.process_time() - started < 3, demand
