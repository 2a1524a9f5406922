from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from schemas.messages import ChunkOutcome
from services.kinds.told import join, joined_part, told
from services.synthesizer.check import check
from services.synthesizer.merge import prompt, unsure


def outcome(text: str, winner: str | None, final: str | None = None, kind: str = "fact") -> ChunkOutcome:
    return ChunkOutcome(
        index=0,
        text=text,
        kind=kind,
        decided="all",
        winner=winner,
        final=winner if final is None else final,
        confidence=0.9,
    )


CAPITAL = outcome("what is the capital of Norway", "The capital of Norway is **Oslo**.", "Oslo")
TRIP = outcome(
    "A trip takes 3 days. How many meters is it in total?", "3 * 400 = 1,200\nAnswer: 1,200", "1,200", "problem"
)
LOST = outcome("who wrote it", None)
QUERY = "What is the capital of Norway, and a trip takes 3 days. How many meters is it in total?"


def test_join_names_every_chunk_and_what_is_missing() -> None:
    assert join([CAPITAL, TRIP, LOST]).splitlines() == [
        "What is the capital of Norway: The capital of Norway is Oslo.",
        "How many meters is it in total? 1,200",
        "No answer to: who wrote it",
    ]
    assert unsure([CAPITAL, LOST]) == "No answer to: who wrote it"
    assert unsure([CAPITAL]) == ""


PLANETS = outcome(
    "name the two largest planets",
    "Sure! The two **largest** are:\n\n1. **Jupiter**, a gas giant\n   with rings\n2. *Saturn*\n\nBoth are far.",
    "Jupiter, Saturn",
    "list",
)
BARE = outcome("Name two seas.", "- the Baltic\n• the Aral", "the Baltic, the Aral", "list")


def test_a_list_stays_a_list() -> None:
    assert join([CAPITAL, PLANETS, BARE, CAPITAL]) == (
        "What is the capital of Norway: The capital of Norway is Oslo.\n"
        "Name the two largest planets: The two largest are:\n"
        "1. Jupiter, a gas giant\n"
        "  with rings\n"
        "2. Saturn\n"
        "\n"
        "Both are far.\n"
        "\n"
        "Name two seas:\n"
        "- the Baltic\n"
        "- the Aral\n"
        "\n"
        "What is the capital of Norway: The capital of Norway is Oslo."
    )
    assert "\n" not in told(PLANETS), "for those who need it on one line"


def test_prompt_holds_the_winners_in_order() -> None:
    asked = prompt(QUERY, [CAPITAL, LOST, TRIP])
    assert QUERY in asked.user
    assert asked.user.index("Oslo") < asked.user.index("1,200")
    assert "who wrote it" not in asked.user
    assert asked.max_tokens < prompt(QUERY, [CAPITAL, outcome("x", "long " * 100)]).max_tokens


@pytest.mark.parametrize(
    "text",
    [
        "The capital of Norway is Oslo, and the trip is 1,200 meters.",
        "oslo; 1200 meters in 3 days",
        "1. Oslo\n2. 1200.0 meters, from two parts",
        "Oslo. One thousand two hundred meters.",
    ],
)
def test_what_says_the_same_passes(text: str) -> None:
    assert check(QUERY, [CAPITAL, TRIP, LOST], text) is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("The trip is 1,200 meters.", "the word 'oslo' is missing"),
        ("Osloites go 1,200 meters.", "the word 'oslo' is missing"),
        ("Oslo is the capital.", "the number 1200 is missing"),
        ("Oslo, and 1,200 meters, which is 1.2 km.", "the number 1.2 is in no answer"),
        ("", "the number 1200 is missing"),
    ],
)
def test_what_drops_or_invents_is_told(text: str, reason: str) -> None:
    assert check(QUERY, [TRIP, CAPITAL], text) == reason


NO = outcome("is 21 a prime number", "No, 21 is 3 times 7.", "No")
YES = outcome("is 17 a prime number", "Yes, 17 is a prime number.", "Yes")
LIMA = outcome("what is the capital of Peru", "The capital of Peru is Lima.", "Lima")
SEASONS = outcome("name the seasons", "spring, summer, autumn and winter")


@pytest.mark.parametrize(
    "text",
    [
        "No, 21 is not prime, and the capital of Peru is Lima.",
        "21 is not a prime number. The capital of Peru: Lima",
        "(1) No\n(2) Lima",
        "Is 21 prime? No. Peru's capital is Lima.",
    ],
)
def test_a_no_stays_one(text: str) -> None:
    assert check("Is 21 prime, and what is the capital of Peru?", [NO, LIMA], text) is None


@pytest.mark.parametrize(
    ("answers", "text", "reason"),
    [
        ([NO, LIMA], "Yes, 21 is prime, and the capital is Lima.", "a no is missing"),
        ([YES, LIMA], "17 is not prime, and the capital is Lima.", "it denies something that no answer denies"),
        ([YES, LIMA], "Yes, and Lima, founded by Pizarro.", "the name 'pizarro' is in no answer"),
        ([YES, LIMA], "Yes, and Lima with ten million people.", "the number 10000000 is in no answer"),
        ([YES, LIMA], "Yes, and Lima of the 16th century.", "the number 16 is in no answer"),
        ([SEASONS], "The seasons are spring, summer and autumn.", "the word 'winter' is missing"),
        ([outcome("who sang it", "The Who")], "Queen sang it.", "'The Who' is missing"),
    ],
)
def test_what_turns_an_answer_round_is_told(answers: list[ChunkOutcome], text: str, reason: str) -> None:
    assert check("", answers, text) == reason


def test_an_ordinal_may_be_written_as_one() -> None:
    century = outcome("which century was it", "The 16th century", "16th century")
    assert check("", [century, YES], "It was in the 16th century, and yes.") is None


def test_a_percentage_may_be_written_as_the_share_that_it_is() -> None:
    share = outcome("calculate 10% of 1000", "100", kind="problem")
    assert check("", [share, CAPITAL], "10% (0.10) of 1000 is 100, and it is Oslo.") is None


def test_only_names_are_required_of_a_long_final() -> None:
    long = outcome("compare", "Compared with Coffee, a cup of green Sencha has far less caffeine.")
    assert check("q", [long], "coffee has more caffeine than sencha") is None
    assert check("q", [long], "coffee has more caffeine than tea") == "the word 'sencha' is missing"


outcomes = st.lists(
    st.builds(
        outcome,
        st.text(),
        st.none() | st.text(),
        st.none() | st.text(),
        st.sampled_from(["fact", "sum", "problem", "compare", "text"]),
    ),
    max_size=4,
)


_answered = st.builds(
    lambda number, name: outcome(f"what about {name}", f"It is {name}, {number:,}.", f"{name}, {number}"),
    st.integers(0, 10**6),
    st.sampled_from(["Oslo", "Marie Curie", "CO2", "São Paulo"]),
)


@given(st.lists(_answered, max_size=5))
def test_the_plain_join_passes_the_check(answered: list[ChunkOutcome]) -> None:
    assert check("", answered, join(answered)) is None


@given(outcomes)
def test_what_is_told_first_is_how_the_whole_begins(given_outcomes: list[ChunkOutcome]) -> None:
    whole = join(given_outcomes)
    assert "".join(joined_part(given_outcomes[: index + 1], index) for index in range(len(given_outcomes))) == whole


@given(st.text(), outcomes, st.text())
def test_no_text_is_too_wild(query: str, given_outcomes: list[ChunkOutcome], text: str) -> None:
    reason = check(query, given_outcomes, text)
    assert reason is None or "\n" not in reason
    assert prompt(query, given_outcomes).max_tokens > 0


def test_a_chain_reads_in_order_and_says_why_a_stage_is_missing() -> None:
    first = outcome("Compute 12 times 8", "96", kind="problem")
    then = outcome("add 10 to the result", "106", kind="problem")
    assert join([first, then]).splitlines() == ["Compute 12 times 8: 96", "Add 10 to the result: 106"]
    lost = structs.replace(outcome("double it", None), reason="it builds on chunk 2, which has no answer")
    assert unsure([first, lost]) == "No answer to: double it (it builds on chunk 2, which has no answer)"


def test_a_part_is_shown_with_its_subject() -> None:
    born = structs.replace(outcome("when was she born", "1867"), context="Marie Curie")
    died = structs.replace(outcome("where did she die?", None), context="Marie Curie")
    assert join([born, died]).splitlines() == [
        "Marie Curie: when was she born: 1867",
        "No answer to: Marie Curie: where did she die?",
    ]


def test_a_guess_is_told_as_one() -> None:
    guess = structs.replace(CAPITAL, confidence=0.2)
    assert join([guess]) == "What is the capital of Norway: not sure: The capital of Norway is Oslo."
    assert unsure([guess, TRIP]) == "Not sure: What is the capital of Norway:"
