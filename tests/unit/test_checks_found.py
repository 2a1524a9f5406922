from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from services.checks.demand import Demand
from services.checks.family import Family
from services.checks.table import FAMILIES
from services.checks.verdict import demands

ROWS = [json.loads(row) for row in (Path(__file__).parents[1] / "quality" / "demands.jsonl").read_text().splitlines()]
DOUBTFUL = {"Draft a policy that says employees must respond within 24 hours and use no emojis in client emails."}


def told(request: str) -> list[str]:
    return [demand.told for demand in demands(request)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["request"][:60])
def test_a_request_makes_these_demands_and_no_other(row: dict[str, list[str]]) -> None:
    if str(row["request"]) in DOUBTFUL:
        pytest.xfail("a demand of what is written about is taken for one on the answer")
    assert Counter(demand.family for demand in demands(str(row["request"]))) == Counter(row["families"])


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_every_family_finds_its_examples(family: Family) -> None:
    for example in family.examples:
        assert any(demand.family == family.name for demand in family.find(example)), example


def test_a_new_family_is_one_object_and_one_entry() -> None:
    def find(request: str) -> list[Demand]:
        return [Demand("palindrome", "a palindrome", lambda _: None)] if "palindrome" in request else []

    palindromes = Family("palindrome", find, ("Write a palindrome.",))
    found = demands("Write a palindrome of at most 9 words.", (*FAMILIES, palindromes))
    assert [demand.family for demand in found] == ["words", "palindrome"]


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        ("Write at least 300 words about bees.", "at least 300 words"),
        ("Write no fewer than three hundred words about bees.", "at least 300 words"),
        ("Write 300 or more words about bees.", "at least 300 words"),
        ("Write 300+ words about bees.", "at least 300 words"),
        ("Write more than 299 words about bees.", "at least 300 words"),
        ("Write an essay on bees, minimum 300 words.", "at least 300 words"),
        ("Write an essay on bees (300 words minimum).", "at least 300 words"),
        ("Write about bees in under 1,000 words.", "at most 999 words"),
        ("Limit your answer to 50 words. What are bees?", "at most 50 words"),
        ("Keep the answer to fifty words or fewer. What are bees?", "at most 50 words"),
        ("Your answer must not exceed 50 words. What are bees?", "at most 50 words"),
        ("Write between 80 and 120 words about bees.", "80 to 120 words"),
        ("Write 80-120 words about bees.", "80 to 120 words"),
        ("Write exactly twenty-five words about bees.", "exactly 25 words"),
        ("Write a 500-word essay about bees.", "about 500 (400 to 600) words"),
        ("Write an essay of 500 words about bees.", "about 500 (400 to 600) words"),
        ("What are bees? Answer in five words.", "exactly 5 words"),
        ("What are bees, in one sentence?", "exactly 1 sentence"),
        ("In a single sentence, what are bees?", "exactly 1 sentence"),
        ("Please write a summary in 3-5 bullet points.", "3 to 5 bullet points"),
        ("Explain bees in two or three sentences.", "2 to 3 sentences"),
        ("Explain bees. Each sentence must have at most 10 words.", "each sentence: at most 10 words"),
        ("Explain bees. The second paragraph must have 3 sentences.", "paragraph 2: exactly 3 sentences"),
        ("Explain bees with 4 bullet points, max 5 words each.", "exactly 4 bullet points"),
    ],
)
def test_amounts_in_many_wordings(request_: str, expected: str) -> None:
    assert expected in told(request_)


def test_parts_that_no_program_finds_carry_no_demand() -> None:
    assert told("Write a story. The title must be at most 5 words.") == []
    assert told("Return rows as a CSV string, with one line allocated for each month.") == ["CSV"]
    assert told("Write a slide deck. Each slide has three bullet points.") == []


def test_contradictory_demands_are_left_out() -> None:
    assert told("Write at least 300 words, at most 100 words.") == []
    assert told("Answer in all caps. Answer in all lowercase.") == []


def test_the_same_demand_is_named_once() -> None:
    assert told("No commas. Don't use any commas!") == ["no commas"]


@pytest.mark.parametrize(
    "request_",
    [
        "Translate into Dutch: no commas, please, and at most 3 words.",
        'Is "answer in 3 words and without commas" a good instruction?',
        "Summarize the article below.\n\nUse at most 40 words. Do not use commas.\n\nThe end came soon.",
        "Fix my prompt:\n```\nWrite 500 words in all caps.\n```",
    ],
)
def test_quoted_and_pasted_text_demands_nothing(request_: str) -> None:
    assert [text for text in told(request_) if "Dutch" not in text] == []


def test_a_demand_after_pasted_text_counts() -> None:
    assert told("Summarize the text below.\n\nBees use 3 words.\n\nUse at most 40 words.") == ["at most 40 words"]
