from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from schemas.plans import Chunk
from services.decomposer.cutting.cut import MAX_CHUNKS, cut, parts
from services.decomposer.cutting.masking import sentences

# One query a line, written as it is sent, but for braces around what a cut drops and "⏎" for a new line.
CASES = (Path(__file__).parent / "cutting_cases.txt").read_text(encoding="utf-8")

# Where a cut must never fall, and words that invite one.
SOLID = (
    '"ready; steady, and what is go? Then run"',
    "\u201cWho is there? And why\u201d",
    "'sit down, then tell me'",
    "`a; b and what is c? Then d`",
    "```\nx = 1; what is y?\n\nThen find z\n```",
    "https://example.org/a;b,c?q=and&x=then.html",
    "jane.and.joe@example.com",
    "1,250,000.75",
    "(see also: what is this; then that?)",
)
WORDS = "what is who the a of how many find write compare it them Tom has Peru 3 12% - 1. 2) : , ; . ? !".split()
LINKS = ("and", "then", "also", "\n", "Also,", "and then", "After that,", "plus", "Next,")
MESSY = st.lists(st.sampled_from((*WORDS, *LINKS, *SOLID)), max_size=40).map(" ".join)
DROPPED = {"and", "then", "also", "after", "that", "plus", "next", "1.", "2)", *"the a of is".split()}  # ... as lead-in


def cases() -> list[tuple[str, list[str]]]:
    lines = [line.replace("⏎", "\n") for line in CASES.splitlines() if line and not line.startswith("# ")]
    return [(re.sub(r"[{}]", "", line), [part for part in re.split(r"\{[^}]*\}", line) if part]) for line in lines]


@pytest.mark.parametrize(("query", "expected"), cases())
def test_only_independent_parts_are_cut(query: str, expected: list[str]) -> None:
    assert parts(query) == expected


@pytest.mark.parametrize("part", [part for _, expected in cases() for part in expected if len(expected) > 1])
def test_a_part_is_not_cut_again(part: str) -> None:
    assert parts(part) == [part]


def test_blank_text_has_no_chunk() -> None:
    assert cut("") == cut(" \n\t ") == []


def test_chunks_are_numbered_in_order() -> None:
    assert cut("What is 2 + 2? Who wrote Emma?") == [
        Chunk(index=0, text="What is 2 + 2?", kind="sum"),
        Chunk(index=1, text="Who wrote Emma?", kind="fact"),
    ]


def test_what_exceeds_the_limit_joins_the_last_chunk() -> None:
    questions = [f"What is {n} times 7?" for n in range(50)]
    assert parts(" ".join(questions)) == [*questions[: MAX_CHUNKS - 1], " ".join(questions[MAX_CHUNKS - 1 :])]


@given(st.one_of(st.text(), MESSY))
def test_any_text_is_cut_in_order_and_for_good(query: str) -> None:
    found = parts(query)
    assert bool(found) == bool(query.strip())
    assert len(found) <= MAX_CHUNKS
    at = 0
    for part in found:
        at = query.index(part, at) + len(part)
    assume(len(found) < MAX_CHUNKS)
    assert [finer for part in found for finer in parts(part)] == found


@given(MESSY)
def test_only_connectives_and_markers_are_lost(query: str) -> None:
    rest = query
    for part in parts(query):
        lost, _, rest = rest.partition(part)
        assert {word.strip(",;:.-").lower() for word in lost.split() if word not in DROPPED} <= {"", *DROPPED}
    assert not rest.strip()


@given(MESSY, st.sampled_from(SOLID), MESSY)
def test_no_cut_falls_into_protected_text(before: str, solid: str, after: str) -> None:
    assume(not re.search(r"[\"'`(\u201c]", before))  # else the quote that opens there may end here
    assert any(solid in part for part in parts(f"{before} {solid} {after}"))


@given(st.one_of(st.text(), MESSY))
def test_sentences_follow_one_another_and_leave_out_nothing_but_space(text: str) -> None:
    spans = list(sentences(text))
    gaps = zip([0, *(span.end for span in spans)], [*(span.start for span in spans), len(text)], strict=True)
    assert not any(text[end:start].strip() for end, start in gaps)
    assert all(span.start < span.end for span in spans)
