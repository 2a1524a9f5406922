from __future__ import annotations

import pytest

from schemas.messages import Chunk
from schemas.terms import Operation
from services.node.prompts import SAMPLING_TEMPERATURE, prompt, sampling


def chunk(text: str, operation: Operation = Operation.MATH) -> Chunk:
    return Chunk(index=0, text=text, operation=operation)


SUM = "compute 6 times 21"
STORY = "A robe takes 2 bolts of blue fiber and half that much white fiber. How many bolts does it take?"


@pytest.mark.parametrize(
    ("asked", "max_tokens"),
    [
        (chunk(SUM), 48),
        (chunk("What is the square root of 144?"), 48),
        (chunk(STORY), 256),
        (chunk("who painted The Starry Night", Operation.SEARCH), 64),
        (chunk("compare tea and coffee", Operation.COMPARE), 160),
        (chunk("write a haiku about rain", Operation.GENERATE), 192),
    ],
)
def test_each_kind_has_its_limit(asked: Chunk, max_tokens: int) -> None:
    assert prompt(asked).max_tokens == max_tokens


def test_only_word_problems_may_be_worked() -> None:
    assert "no steps" in prompt(chunk(SUM)).system
    assert "no steps" not in prompt(chunk(STORY)).system
    assert prompt(chunk(STORY)).user == STORY


def test_chunks_of_a_kind_share_their_system_text() -> None:
    assert prompt(chunk(SUM)).system == prompt(chunk("add 1 and 2")).system


@pytest.mark.parametrize("operation", list(Operation))
def test_the_question_stands_in_the_prompt(operation: Operation) -> None:
    assert "ompute 6 times 21" in prompt(chunk(SUM, operation)).user


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("what is 2+2", "What is 2+2?"),
        ("in which city is the Eiffel Tower", "In which city is the Eiffel Tower?"),
        ("compute 6 times 21", "Compute 6 times 21."),
        ("Who wrote it?", "Who wrote it?"),
        ("is the Earth flat!", "Is the Earth flat!"),
    ],
)
def test_a_chunk_becomes_a_whole_sentence(text: str, sentence: str) -> None:
    assert prompt(chunk(text, Operation.SEARCH)).user == sentence


def test_an_empty_chunk_is_no_error() -> None:
    assert prompt(chunk("", Operation.SEARCH)).user == ""


def test_first_replica_is_greedy_and_the_others_differ() -> None:
    assert sampling("q", 0, 0, 0)[0] == 0.0
    draws = [sampling("q", c, r, m) for c in range(3) for r in range(1, 4) for m in range(2)]
    assert {temperature for temperature, _ in draws} == {SAMPLING_TEMPERATURE}
    assert len({seed for _, seed in draws}) == len(draws)
    assert all(0 <= seed < 2**31 for _, seed in draws)


def test_seed_is_the_same_in_every_process() -> None:
    assert sampling("q1", 2, 1, 0) == (SAMPLING_TEMPERATURE, 361464613)
