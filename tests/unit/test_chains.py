from __future__ import annotations

import re

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from schemas.plans import Chunk
from services.decomposer.cutting.cut import MAX_CHUNKS, cut, grouped, parts
from tests.unit.test_cutting import MESSY, SOLID, cases

# One chunk a line, with braces around what lies between its stages.
CHAINS = """
Compute 14 times 6{, then }add 9 to the result
What is 35% of 460?{ }Multiply that by 4.{ }Is it odd?
Calculate 9 * 13{ and }subtract 7 from it
Add 18 and 24{ and }divide the sum by 6.
Divide 96 by 8{, then }multiply by 5
Multiply 4 by 9{, }add 6{, and }halve it
Find the product of 6 and 15{ and then }round it to the nearest hundred
What is the square root of 196{, and }what is half of that?
What is 30 minus 4{ and }is it divisible by 13?
How many legs does an ant have?{ }Multiply that by 12.
In what year did the Berlin Wall fall?{ Then }add 25 to that year.
what is the capital of Kenya{ and }how many letters has it?
What is the capital of Norway{ and }how many people live there?
What is the highest mountain in Japan?{ }How high is it?
Who painted Guernica{ and }when was he born?
Who wrote Emma{ and }what is the title of her last novel?
Who wrote Beloved?{ }In which city was she born?
Who was the first emperor of Rome{, and }in what year did he die?
Which country hosted the 1966 World Cup{ and }what is the capital of that country?
Add 10 to 5{, then }take away 3
What is 8 times 7?{ }Now take away 6.
Compute 12 times 8{, then }take 10 away
Compute 12 times 12{, then }take the square root
Add 10 to 5{, then }subtract three
What is 7 times 8{, and }is the result greater than 50?
What's 9*9{, and }what's the square root of that?
Compute 2^10{ and }subtract 24.
Identify the author of Beloved{, then }tell me when she was born.
Name the capital of Kenya{ and }tell me how many people live there
What is the capital of Peru{, }how many people live there{, and }is that number larger than 1000?
"""

WHOLE = """
What is 14 times 6?
Compute 14 times 6 and 3 times 5, then add the result to 2
Calculate 14 times 6 and explain how you got it
What is 14 times 6? Show your work and check the answer.
Name the capital of Peru, and please do it in rhyme.
Write a limerick about tea. Translate it into Greek.
Divide 96 by 8, then give each friend the result
Ben has 8 coins. How many are 3 times that? Double it.
If Kim runs 5 km a day, how far does Kim run in a week? Add 3 to that.
How long is the Danube, and which countries does it cross?
Who founded Lego and where is it based?
What is the population of Peru and what is its capital?
Which planet has the most moons? How many are there?
Define osmosis and give an example.
What is the capital of Chad? Why?
What is the tallest animal and why is it so tall?
Multiply 4 by "nine", then add the result to 3
Compute 12 times 12, then find the square root
Compute 12 times 8, then take half
Add 10 to 5, then take 3 off
Who killed Caesar and when did he die?
Answer briefly. Compute 14 times 6, then add 9 to the result.
What is 14 times 6 (show your steps), then add 9 to the result?
Summarise this text: Compute 3 times 4. Then double it.
"""

SUBJECTS = {
    "Marie Curie: when was she born and where did she die?": (
        "Marie Curie",
        ["when was she born", "where did she die?"],
    ),
    "About the planet Venus: how many moons has it, and what is its diameter?": (
        "About the planet Venus",
        ["how many moons has it", "what is its diameter?"],
    ),
    "Abba: when did they split up? How many albums did they release?": (
        "Abba",
        ["when did they split up?", "How many albums did they release?"],
    ),
}

NO_SUBJECTS = """
Marie Curie: when was she born?
Marie and Pierre Curie: when was she born and when was he born?
Questions: when was she born and where did she die?
Hamlet: who wrote it and who is Ophelia?
Marie Curie: when was she born and what is radium?
Translate this: when was she born and where did she die?
Compare them: is it hot and is it cold?
"""


def lines(table: str) -> list[str]:
    return [line for line in table.splitlines() if line]


def staged(query: str) -> list[Chunk]:
    return cut(query)


@pytest.mark.parametrize("line", lines(CHAINS))
def test_a_part_that_builds_on_the_one_before_is_a_stage(line: str) -> None:
    query = re.sub(r"[{}]", "", line)
    expected = re.split(r"\{[^}]*\}", line)
    assert len(parts(query)) == 1, "the cut into independent parts stays as it was"
    chunks = staged(query)
    assert [chunk.text for chunk in chunks] == expected
    assert [chunk.depends_on for chunk in chunks] == [[], *([i] for i in range(len(expected) - 1))]


@pytest.mark.parametrize("query", lines(WHOLE))
def test_in_doubt_nothing_is_split(query: str) -> None:
    assert [chunk.text for chunk in staged(query)] == [query]


@pytest.mark.parametrize(("query", "expected"), SUBJECTS.items())
def test_a_subject_named_once_goes_with_each_part(query: str, expected: tuple[str, list[str]]) -> None:
    subject, questions = expected
    assert len(parts(query)) == 1
    assert [(chunk.text, chunk.context, chunk.depends_on) for chunk in staged(query)] == [
        (question, subject, []) for question in questions
    ]


@pytest.mark.parametrize("query", lines(NO_SUBJECTS))
def test_a_subject_of_one_part_or_of_another_kind_stays(query: str) -> None:
    assert all(not chunk.context for chunk in staged(query))


@pytest.mark.parametrize("query", [query for query, expected in cases() if len(expected) > 1])
def test_independent_parts_depend_on_nothing(query: str) -> None:
    groups = grouped(parts(query))
    assert len(groups) == len(parts(query))
    for group in groups:
        assert {i for chunk in group for i in chunk.depends_on} <= {chunk.index for chunk in group}


def test_stages_are_numbered_throughout() -> None:
    query = "Who wrote Emma? Compute 14 times 6, then add 9 to the result. Then halve it. What is DNA?"
    assert [(chunk.index, chunk.depends_on) for chunk in staged(query)] == [
        (0, []),
        (1, []),
        (2, [1]),
        (3, [2]),
        (4, []),
    ]


def test_kinds_of_stages() -> None:
    assert [chunk.kind for chunk in staged("What is 35% of 460? What is half of that? Is it odd?")] == [
        "sum",
        "problem",
        "choice",
    ]


def test_stages_keep_within_the_limit() -> None:
    sums = [f"Compute {n} times 7, then add 9 to the result." for n in range(20)]
    chunks = staged(" ".join(sums))
    assert len(chunks) == MAX_CHUNKS
    assert [chunk.text for chunk in chunks[-3:]] == sums[-3:]


STAGES = (
    "Compute 4 times 6, then add 9 to the result",
    "Multiply that by 3.",
    "Is it odd?",
    "who wrote Emma and when was she born?",
    "Marie Curie: when was she born and where did she die?",
)
MIXED = st.lists(st.one_of(MESSY, st.sampled_from((*STAGES, *SOLID, "then", "and", "\n"))), max_size=8).map(" ".join)


@given(st.one_of(st.text(), MIXED))
@example("Marie Curie: when was she born and where did she die? A: where did she die?")
def test_no_text_is_lost_and_the_order_is_kept(query: str) -> None:
    texts = parts(query)
    for part, stages in zip(texts, grouped(texts), strict=True):
        at = 0
        lost = []
        contexts = [stage.context for stage in stages if stage.context]
        for text in dict.fromkeys([*contexts, *(stage.text for stage in stages)]):
            start = part.index(text, at)
            lost.append(part[at:start])
            at = start + len(text)
        assert not part[at:].strip()
        words = {word.strip(",;:.-&—–").lower() for gap in lost for word in gap.split()}
        assert words <= {"", *"and but then also after that plus next first".split()}, "only connectives"


@given(MIXED)
def test_a_stage_is_not_split_again(query: str) -> None:
    chunks = staged(query)
    assume(len(chunks) < MAX_CHUNKS)
    for chunk in chunks:
        assert [again.text for again in staged(chunk.text)] == [chunk.text]


@given(MIXED)
def test_dependencies_point_to_what_comes_before(query: str) -> None:
    chunks = staged(query)
    assert [chunk.index for chunk in chunks] == list(range(len(chunks)))
    assert all(earlier < chunk.index for chunk in chunks for earlier in chunk.depends_on)


@given(MESSY, st.sampled_from(SOLID), MESSY)
def test_no_stage_begins_inside_protected_text(before: str, solid: str, after: str) -> None:
    assume(not re.search(r"[\"'`(\u201c]", before))
    query = f"Compute 4 times 6, then {before} {solid} {after} and double it"
    assert any(solid in part for chunk in staged(query) for part in (chunk.text, chunk.context))
