from __future__ import annotations

import pytest

from services.kinds import asking as asks
from services.kinds.asking import Asking
from services.kinds.kind import Sampling, Way
from services.kinds.table import KINDS, kind_of, named

SUM = "compute 6 times 21"
VARIED, GREEDY = Sampling.VARIED, Sampling.GREEDY
STORY = "A robe takes 2 bolts of blue fiber and half that much white fiber. How many bolts does it take?"


def asking(question: str, kind: str, replica: int, slot: int) -> Asking:
    return asks.asking(named(kind), question, replica, slot)


@pytest.mark.parametrize(
    ("question", "kind", "method", "max_tokens"),
    [
        (SUM, "sum", "sum", 48),
        ("What is the square root of 144?", "sum", "sum", 48),
        (STORY, "problem", "program", 240),
        ("the price of an $85 jacket after a 20% discount", "problem", "program", 240),
        ("A pen costs $2 and a book $5. What is the total? Show your work.", "problem", "steps", 400),
        ("who painted The Starry Night", "fact", "fact", 64),
        ("name one of the planets", "fact", "fact", 64),
        ("compare tea and coffee", "compare", "compare", 160),
        ("List the oceans.", "list", "fact", 192),
        ("name the eight planets", "list", "fact", 192),
        ("Which are the 7 continents?", "list", "fact", 192),
        ("Is the Sun a star?", "choice", "choice-brief", 96),
        ("Which is red?\nOptions:\n(A) a rose\n(B) the sky", "choice", "choice-steps", 512),
        ("write a haiku about rain", "text", "text", 1024),
        ("Write a Python function that adds two numbers.", "code", "code", 1024),
    ],
)
def test_a_request_has_its_kind_method_and_limit(question: str, kind: str, method: str, max_tokens: int) -> None:
    assert kind_of(question).name == kind
    asked = asking(question, kind, 0, 0)
    assert (asked.way.method, asked.prompt.max_tokens) == (method, max_tokens)


def test_a_problem_that_became_a_sum_is_asked_as_one() -> None:
    assert asking("add 10 to 96", "problem", 0, 0).way.method == "sum"
    assert asking("add 10 to 96", "problem", 0, 0).prompt.system == asking(SUM, "sum", 0, 0).prompt.system


def test_only_problems_may_be_worked() -> None:
    assert "no steps" in asking(SUM, "sum", 0, 0).prompt.system
    assert "no steps" not in asking(STORY, "problem", 0, 0).prompt.system


def test_a_problem_is_asked_by_programs_first_then_by_steps() -> None:
    ways = [asking(STORY, "problem", replica, 0) for replica in range(6)]
    assert [(asked.way.method, asked.way.sampling) for asked in ways] == [
        ("program", GREEDY),
        ("program", VARIED),
        ("steps", GREEDY),
        ("program", VARIED),
        ("steps", VARIED),
        ("program", VARIED),
    ]
    assert ways[2].prompt.user == STORY


def test_what_came_to_nothing_is_asked_again_in_steps() -> None:
    programs = [asking(STORY, "problem", 0, slot) for slot in range(2)]
    again = asks.asking_again(named("problem"), STORY, programs, [""])
    assert [(asked.way.method, asked.prompt.user) for asked in again] == [("steps", STORY)] * 2
    assert all(asked.way.sampling is VARIED for asked in again), "later replicas work it greedily"
    assert [asked.seed for asked in again] == [asked.seed for asked in programs]
    assert asks.asking_again(named("problem"), STORY, again, ["", ""]) == []


def test_it_is_not_asked_again_where_something_was_said_or_no_model_answers() -> None:
    programs = [asking(STORY, "problem", 0, slot) for slot in range(2)]
    assert asks.asking_again(named("problem"), STORY, programs, ["", "3"]) == []
    assert asks.asking_again(named("problem"), STORY, programs, []) == []
    assert asks.asking_again(named("sum"), SUM, [asking(SUM, "sum", 0, 0)], [""]) == []


def test_a_problem_is_not_worth_a_model_that_is_far_behind() -> None:
    assert asks.worth_asking(named("problem"), Way("steps", worth=0.6), [0.6, 0.3]) == [True, False]
    assert asks.worth_asking(named("problem"), Way("steps", worth=0.6), [0.3, 0.6]) == [False, True]
    assert asks.worth_asking(named("problem"), Way("steps", worth=0.6), [0.6, 0.5]) == [True, True]
    assert asks.worth_asking(named("fact"), Way("fact"), [0.6, 0.3]) == [True, True]
    assert asks.worth_asking(named("problem"), Way("steps", worth=0.6), [0.1]) == [True]


def test_a_text_is_asked_of_the_best_model_alone() -> None:
    assert asks.worth_asking(named("text"), Way("text"), [0.5, 0.6]) == [False, True]
    assert asks.worth_asking(named("code"), Way("code"), [0.5, 0.5]) == [True, False]


@pytest.mark.parametrize("kind", [kind.name for kind in KINDS])
def test_the_question_stands_in_the_prompt(kind: str) -> None:
    assert "ompute 6 times 21" in asking(SUM, kind, 0, 0).prompt.user


def test_a_text_is_asked_for_as_it_stands() -> None:
    request = "write a poem in lower case, with no mark at its end"
    assert asking(request, "text", 0, 0).prompt.user == request


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("what is 2+2", "What is 2+2?"),
        ("in which city is the Eiffel Tower", "In which city is the Eiffel Tower?"),
        ("compute 6 times 21", "Compute 6 times 21."),
        ("Who wrote it?", "Who wrote it?"),
        ("is the Earth flat!", "Is the Earth flat!"),
        ("", ""),
    ],
)
def test_a_chunk_becomes_a_whole_sentence(text: str, sentence: str) -> None:
    assert asking(text, "fact", 0, 0).prompt.user == sentence


def test_a_method_is_greedy_the_first_time_and_differs_later() -> None:
    facts = [asking("who wrote Emma", "fact", replica, slot) for replica in range(4) for slot in range(2)]
    assert [asked.way.sampling for asked in facts] == [GREEDY] * 2 + [VARIED] * 6
    assert len({asked.seed for asked in facts}) == len(facts)
    assert all(0 <= asked.seed < 2**31 for asked in facts)


def test_the_same_question_is_the_same_request_in_every_process() -> None:
    assert asking(SUM, "sum", 1, 0).seed == 1228351039
