"""Where a wrong part was lost, and the summary and report that count it."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from schemas.messages import ChunkOutcome, ModelAnswer, Synthesis, Vote
from schemas.terms import Status
from services.evaluation.answers import Answer
from services.evaluation.faults import Fault, chunk_of, find_faults
from services.evaluation.questions import Part, Question
from services.evaluation.report import COLUMNS, cells, markdown, plot
from services.evaluation.score import hits
from services.evaluation.summary import summarise
from tests.records import said

SUM = Part(text="Compute 6 times 7", gold=[42])
FACT = Part(text="what is the capital of Poland", gold=["Warsaw"])
QUESTION = Question(id="q", query="Compute 6 times 7, and what is the capital of Poland?", parts=[SUM, FACT])


def vote(chosen: ModelAnswer, *others: ModelAnswer) -> Vote:
    return Vote(
        node="n",
        model="m",
        answer=chosen.text,
        final=chosen.final,
        weight=1.0,
        confidence=0.5,
        fitness=0.5,
        won=True,
        latency_s=1.0,
        answers=[chosen, *others],
    )


def chunk(text: str, *votes: Vote, index: int = 0) -> ChunkOutcome:
    """Make an outcome that the first vote has won."""
    winner = votes[0] if votes else None
    return ChunkOutcome(
        index=index,
        text=text,
        kind="problem",
        decided="all" if votes else "none",
        winner=winner.answer if winner else None,
        final=winner.final if winner else None,
        votes=list(votes),
    )


def fault_of(answer: str, *chunks: ChunkOutcome) -> Fault | None:
    return find_faults(Question(id="q", query="?", parts=[SUM]), Answer(id="q", answer=answer, chunks=list(chunks)))[0]


def test_each_place_of_an_error_is_told() -> None:
    right, wrong = said("42", text="6 times 7 is 42."), said("48", text="It is 48.")
    unread = said("6", text="6 times 7 = 42, so there are 6.")
    assert fault_of("42", chunk(SUM.text, vote(right))) is None
    assert fault_of("43", chunk(SUM.text, vote(right))) is Fault.SYNTHESIS
    assert fault_of("48", chunk(SUM.text, vote(wrong), vote(right))) is Fault.VOTE
    assert fault_of("48", chunk(SUM.text, vote(wrong, right))) is Fault.VOTE
    assert fault_of("6", chunk(SUM.text, vote(unread))) is Fault.EXTRACTION
    assert fault_of("48", chunk(SUM.text, vote(wrong), vote(unread))) is Fault.EXTRACTION
    assert fault_of("48", chunk(SUM.text, vote(wrong))) is Fault.MODEL
    assert fault_of("none", chunk(SUM.text)) is Fault.MISSING
    assert fault_of("48", chunk(QUESTION.query, vote(wrong))) is Fault.CUT
    assert fault_of("48", chunk("Compute 6", vote(wrong)), chunk("times 7", vote(wrong))) is Fault.CUT


def test_without_an_answer_or_without_votes() -> None:
    assert find_faults(QUESTION, None) == [Fault.MISSING, Fault.MISSING]
    assert find_faults(QUESTION, Answer(id="q", status=Status.FAILED)) == [Fault.MISSING, Fault.MISSING]
    assert find_faults(QUESTION, Answer(id="q", answer="42 and Krakow", model="m")) == [None, Fault.MODEL]
    trimmed = chunk(SUM.text, vote(said("48"))).bare()
    assert fault_of("48", trimmed) is Fault.MODEL


TEXT = st.sampled_from(["42", "48", "Warsaw", "Rome", "6 times 7", ""])
ASKED = st.sampled_from([SUM.text, FACT.text, QUESTION.query, "Compute", "add 1 to it", ""])
VOTES = st.lists(st.builds(vote, st.builds(said, TEXT, text=TEXT), st.builds(said, TEXT, text=TEXT)), max_size=2)


@given(TEXT, TEXT, st.lists(st.tuples(ASKED, VOTES), max_size=3))
def test_a_part_has_a_fault_exactly_if_it_is_wrong(one: str, other: str, asked: list[tuple[str, list[Vote]]]) -> None:
    chunks = [chunk(text, *votes, index=i) for i, (text, votes) in enumerate(asked)]
    answer = Answer(id="q", answer=f"{one} {other}", chunks=chunks)
    assert [fault is None for fault in find_faults(QUESTION, answer)] == hits(QUESTION, answer)


@pytest.mark.parametrize(
    ("part", "chunks", "found"),
    [
        ("what is the capital of Poland", ["Compute 6 times 7", "What is the capital of Poland?"], 1),
        ("what is the capital of Poland", ["What is the capital of Italy?", "what is the capital of Poland"], 1),
        ("what is the capital of Poland", ["What is the capital of Italy?"], None),
        ("what is the capital of Poland", ["what is the capital of", "Poland"], None),
        ("compute 6 times 7", ["compute 7 times 8", "compute 6 times 9"], None),
        ("compute 6 times 7, then add 5 to the result", ["compute 6 times 7", "add 5 to the result"], 1),
        ("compute 6 times 7, then add 5 to the result", ["compute 6 times 7, then add 5 to the result"], 0),
        ("compute 6 times 7, then add 5 to the result", ["add 5 to the result"], None),
        ("who wrote Emma", [], None),
    ],
)
def test_the_chunk_of_a_part(part: str, chunks: list[str], found: int | None) -> None:
    outcomes = [
        structs.replace(chunk(text, index=i), depends_on=[i - 1] if i and "the result" in text else [])
        for i, text in enumerate(chunks)
    ]
    chosen = chunk_of(Part(text=part, gold=[1]), outcomes)
    assert (chosen.index if chosen else None) == found


def answers() -> dict[str, Answer]:
    tokens = {"prompt_tokens": 10, "completion_tokens": 5}
    votes = [vote(said(text, **tokens)) for text in ("48", "Warsaw")]
    chunks = [chunk(part.text, votes[i], index=i) for i, part in enumerate((SUM, FACT))]
    rejected = Synthesis(method="join", model="big", reason="the number 48 is missing")
    rows = [
        Answer(id="q", answer="48, Warsaw", seconds=2.0, status=Status.COMPLETE, chunks=chunks, synthesis=rejected),
        Answer(id="r", answer="5", seconds=4.0, status=Status.PARTIAL, synthesis=Synthesis(method="verbatim")),
    ]
    return {row.id: row for row in rows}


QUESTIONS = [
    QUESTION,
    *(Question(id=id_, query="What is 2 plus 3?", parts=[Part(text="2 plus 3", gold=[5])]) for id_ in "rs"),
]


def test_a_summary_counts() -> None:
    summary = summarise("full", QUESTIONS, answers())
    assert summary.answered == 2
    assert (summary.figures.parts_right, summary.figures.parts) == (2, 4)
    assert summary.statuses == {"complete": 1, "partial": 1}
    assert summary.wordings == {"rejected": 1, "verbatim": 1}
    assert summary.faults == {Fault.MODEL: 1, Fault.MISSING: 1}
    assert (summary.prompt_tokens, summary.generated_tokens) == (20, 10)
    alone = summarise("alone", QUESTIONS, {"r": Answer(id="r", prompt_tokens=7, completion_tokens=3)})
    assert (alone.prompt_tokens, alone.generated_tokens) == (7, 3)
    assert summarise("none", QUESTIONS, {}).generated_tokens is None


def test_the_report_has_a_row_a_configuration_and_a_plot(tmp_path: Path) -> None:
    summaries = [summarise("full", QUESTIONS, answers()), summarise("nothing", QUESTIONS, {})]
    assert all(len(cells(summary)) == len(COLUMNS) for summary in summaries)
    page = markdown("A set", summaries, {"machine": "a CPU, 2 cores"})
    assert (
        "| full | 2/4 | 0.500 | 1/3 | 0.333 | 3.00 | 6.0 | 20 | 10 | rejected 1, verbatim 1 | model 1, missing 1 |"
        in page
    )
    assert "| nothing | 0/4 | 0.000 | 0/3 | 0.000 | - | - | - | - | - | missing 4 |" in page
    assert "- machine: a CPU, 2 cores" in page
    plot("A set", summaries, tmp_path / "report.png")
    assert (tmp_path / "report.png").read_bytes().startswith(b"\x89PNG")
