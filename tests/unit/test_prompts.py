from __future__ import annotations

import pytest

from schemas.terms import Operation
from services.node.prompts import SAMPLING_TEMPERATURE, asking, asking_again, worth_asking
from tests.records import said

SUM = "compute 6 times 21"
STORY = "A robe takes 2 bolts of blue fiber and half that much white fiber. How many bolts does it take?"


@pytest.mark.parametrize(
    ("question", "operation", "method", "max_tokens"),
    [
        (SUM, Operation.MATH, "sum", 48),
        ("What is the square root of 144?", Operation.MATH, "sum", 48),
        ("who painted The Starry Night", Operation.SEARCH, "fact", 64),
        ("compare tea and coffee", Operation.COMPARE, "compare", 160),
        ("List the oceans.", Operation.SEARCH, "fact", 192),
        ("name the eight planets", Operation.SEARCH, "fact", 192),
        ("Which are the 7 continents?", Operation.SEARCH, "fact", 192),
        ("name one of the planets", Operation.SEARCH, "fact", 64),
        ("write a haiku about rain", Operation.GENERATE, "text", 192),
        ("write a 300-word story about rain", Operation.GENERATE, "text", 600),
        ("write 5000 words about rain", Operation.GENERATE, "text", 1024),
    ],
)
def test_each_kind_has_its_method_and_limit(question: str, operation: Operation, method: str, max_tokens: int) -> None:
    asked = asking(question, operation, 0, 0)
    assert (asked.method, asked.prompt.max_tokens) == (method, max_tokens)


@pytest.mark.parametrize("problem", [STORY, "the price of an $85 jacket after a 20% discount", "eggs in 7 dozen"])
def test_what_is_not_stated_outright_is_a_word_problem_however_short(problem: str) -> None:
    assert asking(problem, Operation.MATH, 0, 0).method == "program"


def test_only_word_problems_may_be_worked() -> None:
    assert "no steps" in asking(SUM, Operation.MATH, 0, 0).prompt.system
    assert "no steps" not in asking(STORY, Operation.MATH, 0, 0).prompt.system


def test_a_word_problem_is_asked_by_programs_first_then_by_steps() -> None:
    ways = [asking(STORY, Operation.MATH, replica, 0) for replica in range(6)]
    assert [(each.method, each.temperature > 0) for each in ways] == [
        ("program", False),
        ("program", True),
        ("steps", False),
        ("program", True),
        ("steps", True),
        ("program", True),
    ]
    assert ways[2].prompt.user == STORY


def test_what_came_to_nothing_is_asked_again_in_steps() -> None:
    programs = [asking(STORY, Operation.MATH, 0, slot) for slot in range(2)]
    again = asking_again(STORY, programs, [said("")])
    assert [(each.method, each.prompt.user) for each in again] == [("steps", STORY)] * 2
    assert all(each.temperature == SAMPLING_TEMPERATURE for each in again), "later replicas work it greedily"
    assert [each.seed for each in again] == [each.seed for each in programs]
    assert asking_again(STORY, again, [said(""), said("")]) == []


def test_it_is_not_asked_again_where_something_was_said_or_no_model_answers() -> None:
    programs = [asking(STORY, Operation.MATH, 0, slot) for slot in range(2)]
    assert asking_again(STORY, programs, [said(""), said("3")]) == []
    assert asking_again(STORY, programs, []) == []
    assert asking_again(SUM, [asking(SUM, Operation.MATH, 0, 0)], [said("")]) == []


def test_a_word_problem_is_not_worth_a_model_that_is_far_behind() -> None:
    assert worth_asking([0.6, 0.3], "program") == [True, False]
    assert worth_asking([0.3, 0.6], "steps") == [False, True]
    assert worth_asking([0.6, 0.5], "program") == [True, True]
    assert worth_asking([0.6, 0.3], "fact") == [True, True]
    assert worth_asking([0.1], "program") == [True]


def test_questions_of_a_kind_share_their_system_text() -> None:
    first, second = (asking(each, Operation.MATH, 0, 0).prompt.system for each in (SUM, "add 1 and 2"))
    assert first == second


@pytest.mark.parametrize("operation", list(Operation))
def test_the_question_stands_in_the_prompt(operation: Operation) -> None:
    assert "ompute 6 times 21" in asking(SUM, operation, 0, 0).prompt.user


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
    assert asking(text, Operation.SEARCH, 0, 0).prompt.user == sentence


def test_a_method_is_greedy_the_first_time_and_differs_later() -> None:
    facts = [asking("who wrote Emma", Operation.SEARCH, replica, slot) for replica in range(4) for slot in range(2)]
    assert [each.temperature for each in facts] == [0.0] * 2 + [SAMPLING_TEMPERATURE] * 6
    assert len({each.seed for each in facts}) == len(facts)
    assert all(0 <= each.seed < 2**31 for each in facts)


def test_the_same_question_is_the_same_request_in_every_process() -> None:
    assert asking(SUM, Operation.MATH, 1, 0).seed == 1244158195


def test_what_is_no_question_for_a_fact_is_to_be_answered_in_one_sentence() -> None:
    def system(text: str) -> str:
        return asking(text, Operation.SEARCH, 0, 0).prompt.system

    assert "one sentence" in system("find best savings accounts")
    assert system("who wrote Emma") == system("tell me the capital of Peru") == system("Name the longest river.")
    assert "one sentence" not in system("who wrote Emma")
