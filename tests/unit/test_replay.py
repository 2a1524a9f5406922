from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from msgspec import structs

from schemas.messages import ChunkOutcome, Vote
from schemas.terms import CALCULATOR, VoteRule
from services.cli.replay import replay
from services.evaluation.answers import Answer
from services.evaluation.replay import changed, decide, redecided
from tests.records import said


def vote(node: str, final: str, fitness: float) -> Vote:
    return Vote(
        node=node,
        model="m",
        answer=f"It is {final}.",
        final=final,
        weight=fitness * 0.8,
        confidence=0.8,
        fitness=fitness,
        won=True,
        latency_s=0.1,
        answers=[] if node == CALCULATOR else [said(final, text=f"It is {final}.", method="fact")],
    )


def outcome(*votes: Vote, kind: str = "fact") -> ChunkOutcome:
    return ChunkOutcome(
        index=0,
        text="the capital of Australia",
        kind=kind,
        decided="all",
        winner="It is Sydney.",
        final="Sydney",
        votes=list(votes),
    )


SPLIT = outcome(vote("n1", "Sydney", 0.9), vote("n2", "Canberra", 0.6), vote("n3", "Canberra", 0.6))


def test_another_rule_may_decide_otherwise() -> None:
    best, summed = decide(SPLIT, VoteRule.BEST), decide(SPLIT, VoteRule.SUM)
    assert best is not None
    assert summed is not None
    assert (best.final, changed(SPLIT, best)) == ("Sydney", False)
    assert (summed.final, changed(SPLIT, summed)) == ("Canberra", True)


def test_the_calculator_s_vote_counts_again() -> None:
    total = outcome(vote("n1", "41", 0.5), vote(CALCULATOR, "42", 1.0), kind="problem")
    made = decide(total, VoteRule.CALIBRATED)
    assert made is not None
    assert made.final == "42"


def test_votes_that_were_left_out_decide_nothing() -> None:
    lean = outcome(vote("n1", "Sydney", 0.9)).lean()
    assert decide(lean, VoteRule.SUM) is None
    row = Answer(id="1", answer="Sydney", chunks=[lean])
    assert redecided(row, VoteRule.SUM) is row


def test_an_answer_is_made_of_the_new_winners() -> None:
    assert redecided(Answer(id="1", answer="Sydney", chunks=[SPLIT]), VoteRule.SUM).answer == "It is Canberra."


def test_of_a_sum_only_the_result_counts_as_the_answer() -> None:
    steps = vote("n1", "42", 0.9)
    steps = structs.replace(steps, answers=[said("42", text="6 * 7 = 42\nAnswer: 42", method="program")])
    row = Answer(id="1", answer="41", chunks=[outcome(steps, kind="problem")])
    assert redecided(row, VoteRule.SUM).answer == "42"


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    file = tmp_path / "answers.jsonl"
    file.write_bytes(msgspec.json.encode(Answer(id="1", answer="It is Sydney.", chunks=[SPLIT])) + b"\n")
    return file


def test_a_file_is_decided_again_by_every_rule(answers: Path) -> None:
    done = CliRunner().invoke(replay, [str(answers), "--json"])
    row = msgspec.json.decode(done.output)
    assert row["recorded"] == "Sydney"
    assert set(row["rules"]) == {each.value for each in VoteRule}
    assert row["rules"]["sum"][0] == "Canberra"
    assert row["rules"]["sum"][2] is True
    table = CliRunner().invoke(replay, [str(answers), "--vote", "sum"])
    assert "-> Canberra" in table.output


def test_rules_are_scored_on_a_set(answers: Path, tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    questions.write_text('{"id": "1", "query": "?", "parts": [{"text": "?", "gold": ["Canberra"]}]}\n')
    arguments = [str(answers), "--questions", str(questions), "--vote", "best", "--vote", "sum", "--json"]
    done = CliRunner().invoke(replay, arguments)
    rows = [msgspec.json.decode(line) for line in done.output.splitlines()]
    assert [(row["rule"], row["figures"]["parts_right"], row["changed"]) for row in rows] == [
        ("best", 0, 0),
        ("sum", 1, 1),
    ]


def test_what_is_neither_a_file_nor_an_id_is_told(tmp_path: Path) -> None:
    done = CliRunner().invoke(replay, ["no such/file"])
    assert done.exit_code != 0
    assert "neither a file nor the id of a query" in done.output
    lean = tmp_path / "lean.jsonl"
    lean.write_bytes(msgspec.json.encode(Answer(id="1", answer="x")) + b"\n")
    assert "not on record" in str(CliRunner().invoke(replay, [str(lean)]).exception)
