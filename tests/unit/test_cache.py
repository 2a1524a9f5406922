from __future__ import annotations

import re

import pytest
from msgspec import structs

from schemas.cache import cache_key
from schemas.messages import ChunkOutcome
from schemas.plans import Chunk, Given

PERU = Chunk(index=0, text="What is the capital of Peru?", kind="fact")
EMMA = [Given(question="Who wrote Emma?", answer="Jane Austen")]


def key(text: str) -> str:
    return cache_key(structs.replace(PERU, text=text))


def test_a_key_is_a_subject_token() -> None:
    assert re.fullmatch(r"[0-9a-f]{64}", cache_key(PERU, EMMA))


@pytest.mark.parametrize(
    "same",
    [
        "what is the capital of Peru?",
        "What is the capital of Peru",
        " What  is the\tcapital of Peru.",
        "what is the capital of Peru ?",
    ],
)
def test_how_it_is_written_does_not_matter(same: str) -> None:
    assert key(same) == cache_key(PERU)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What is the boiling point of Co?", "What is the boiling point of CO?"),
        ("How many bytes are 5 MB?", "How many bytes are 5 Mb?"),
        ("What is Polish made of?", "What is polish made of?"),
        ("Who lives in Turkey?", "Who lives in turkey?"),
        ("What is 5!", "What is 5"),
        ("What does K stand for?", "What does k stand for?"),
        ('How many capitals has "Peru"?', 'How many capitals has "peru"?'),
        ("How long is `a  b`?", "How long is `a b`?"),
        ("if x:\n  y\nz", "if x:\n  y\n  z"),
    ],
)
def test_what_may_matter_does(one: str, other: str) -> None:
    assert key(one) != key(other)


def test_all_that_a_chunk_is_asked_by_counts() -> None:
    others = [
        cache_key(structs.replace(PERU, kind="text")),
        cache_key(structs.replace(PERU, context="in 1600")),
        cache_key(PERU, EMMA),
        cache_key(PERU, [structs.replace(EMMA[0], answer="Emily Bronte")]),
        cache_key(PERU, EMMA * 2),
    ]
    assert len({cache_key(PERU), *others}) == 1 + len(others)


def test_where_it_stands_in_a_query_does_not_count() -> None:
    assert cache_key(structs.replace(PERU, index=3, depends_on=[1])) == cache_key(PERU)


def test_an_outcome_has_the_key_of_its_chunk() -> None:
    outcome = ChunkOutcome(index=0, text=PERU.text, kind=PERU.kind, decided="all", given=EMMA)
    assert cache_key(outcome, outcome.given) == cache_key(PERU, EMMA)
