from __future__ import annotations

import pytest

from services.kinds.table import KINDS, kind_of, named

REQUESTS = {
    "Calculate 15% of 80": "sum",
    "What is 12 times 12?": "sum",
    "What is the square root of 144?": "sum",
    "Subtract 137 from 572": "sum",
    "Work out 3/4 of the bill": "problem",
    "Tom has 3 apples and buys 2 more. How many apples does Tom have?": "problem",
    "If a train leaves at 3 p.m. and travels for 2 hours, when does it arrive?": "problem",
    "How many cents are in 3 dollars?": "problem",
    "What is the area of a rectangle 7 m by 12 m?": "problem",
    "What is the volume of a cube of side 6?": "problem",
    "What is the greatest common divisor of 48 and 36?": "problem",
    "Split $144 equally among nine friends": "problem",
    "What is the area of France?": "fact",
    "Which 2 countries have the largest area?": "fact",
    "How many days are in a leap year?": "fact",
    "How many people lived in Paris in 1900?": "fact",
    "What is the capital of France?": "fact",
    "Define osmosis": "text",
    "Find hotels in Rome": "text",
    "Who won the 1998 World Cup?": "fact",
    "boiling point of water": "fact",
    "Compare Python and Rust": "compare",
    "What is the difference between TCP and UDP?": "compare",
    "Which is larger, the sun or the moon?": "compare",
    "What do moths and bats have in common?": "compare",
    "How are ravens and crows different?": "compare",
    "What is 9 choose 4?": "problem",
    "What is 6!": "problem",
    "What is 77 in binary?": "fact",
    "Is 91 a prime number?": "problem",
    "What is the square of 13?": "sum",
    "What is the GCD of 18 and 30?": "problem",
    "Half of 70 is what?": "problem",
    "Ned lost thirteen coins. Now he has seventy coins. How many coins did Ned have before?": "problem",
    "What is 14 x 12?": "sum",
    "14 x 12": "sum",
    "What is seven times nine?": "sum",
    "what is twelve plus forty-six": "sum",
    "What is the product of six and eight?": "sum",
    "What is 3 more than 20?": "sum",
    "What is 120 over 60?": "sum",
    "half of eighty": "sum",
    "A third of 96": "sum",
    "What is the difference between 100 and 38?": "sum",
    "Come up with a name for a yacht": "text",
    "Tell me about Apollo 13!": "text",
    "Is gold heavier than lead?": "choice",
    "Tea versus coffee": "compare",
    "Write a poem about 7 dwarfs": "text",
    "Please explain how to compute 15% of 80": "text",
    "Can you summarise Hamlet?": "text",
    "Translate 'good morning' into French": "text",
    "Give me three ideas for a party": "text",
    "Fix this: `print(1`": "text",
}


@pytest.mark.parametrize(("request_", "kind"), REQUESTS.items())
def test_a_request_has_its_kind(request_: str, kind: str) -> None:
    assert kind_of(request_).name == kind


def test_names_are_different_and_found() -> None:
    assert [named(kind.name) for kind in KINDS] == list(KINDS)
    assert len({kind.name for kind in KINDS}) == len(KINDS)


def test_a_name_that_is_not_known_is_asked_as_text() -> None:
    assert named("haiku").name == "text"
