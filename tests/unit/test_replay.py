from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from msgspec import structs

from schemas.messages import Check, ChunkOutcome, Result, Vote
from schemas.plans import Assignment
from schemas.terms import CALCULATOR, VoteRule
from services.cli.replay import replay
from services.evaluation.answers import Answer
from services.evaluation.record import restored
from services.evaluation.replay import changed, decide, redecided, undecidable
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


def test_what_models_said_and_was_left_out_decides_nothing() -> None:
    lean = SPLIT.lean()
    assert decide(lean, VoteRule.CALIBRATED) is None
    assert "left out" in (undecidable(lean, VoteRule.CALIBRATED) or "")
    row = Answer(id="1", answer="Sydney", chunks=[lean])
    assert redecided(row, VoteRule.CALIBRATED) is row


@pytest.mark.parametrize("rule", [VoteRule.BEST, VoteRule.SUM])
def test_rules_that_count_nodes_decide_without_what_models_said(rule: VoteRule) -> None:
    assert decide(SPLIT.lean(), rule) == decide(SPLIT, rule)
    assert decide(SPLIT.bare(), rule) is None


def test_why_rows_of_a_file_are_not_decided_is_told(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    rows = [Answer(id="1", answer="x", chunks=[SPLIT]), Answer(id="2", answer="x", chunks=[SPLIT.lean()])]
    file.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    done = CliRunner().invoke(replay, [str(file), "--vote", "calibrated"])
    assert done.exit_code == 0
    assert "calibrated: 1 of 2 not decided again: what each model said was left out" in done.output
    last = CliRunner().invoke(replay, [str(file), "--vote", "calibrated", "--json"]).stdout.splitlines()[-1]
    assert "left out" in msgspec.json.decode(last)["undecided"]["calibrated"]


def test_an_answer_is_made_of_the_new_winners() -> None:
    assert redecided(Answer(id="1", answer="Sydney", chunks=[SPLIT]), VoteRule.SUM).answer == "It is Canberra."


def test_of_a_sum_only_the_result_counts_as_the_answer() -> None:
    steps = vote("n1", "42", 0.9)
    steps = structs.replace(steps, answers=[said("42", text="6 * 7 = 42\nAnswer: 42", method="program")])
    row = Answer(id="1", answer="41", chunks=[outcome(steps, kind="problem")])
    assert redecided(row, VoteRule.SUM).answer == "42"


def drafted(*texts: str) -> ChunkOutcome:
    """Make the outcome of a request with a demand that only short texts meet; the first one is on record."""
    votes = [
        structs.replace(vote(f"n{i}", text, 0.9 - i / 10), answer=text, answers=[said(text, text=text, method="text")])
        for i, text in enumerate(texts)
    ]
    return structs.replace(
        outcome(*votes, kind="text"),
        text="Write about rain in at most 3 words.",
        winner=texts[0],
        final=texts[0],
        checks=[Check(family="amount", demand="at most 3 words", reason="it has 7 words")],
    )


def test_a_candidate_that_misses_a_demand_cannot_win_again() -> None:
    long, short = "It rains all day and all night", "It rains"
    of = drafted(long, short)
    judged, counted = decide(of, VoteRule.SUM, whole=True), decide(of, VoteRule.SUM)
    assert judged is not None
    assert counted is not None
    assert (judged.winner, [check.reason for check in judged.checks]) == (short, [None])
    assert (counted.winner, list(counted.checks)) == (long, []), "of a part nothing is demanded"


def test_the_checks_of_the_record_and_of_each_winner_are_shown(tmp_path: Path) -> None:
    file = tmp_path / "answers.jsonl"
    answer = Answer(id="1", answer="x", chunks=[drafted("It rains all day and all night")])
    file.write_bytes(msgspec.json.encode(answer))
    row = msgspec.json.decode(CliRunner().invoke(replay, [str(file), "--vote", "sum", "--json"]).output)
    assert [(check["demand"], bool(check["reason"])) for check in row["checks"]] == [("at most 3 words", True)]
    assert len(row["unmet"]["sum"]) == 1
    table = CliRunner().invoke(replay, [str(file), "--vote", "sum"], env={"COLUMNS": "200"}).output
    assert "at most 3 words: failed" in table
    assert "misses" in table


@pytest.mark.parametrize("trim", [ChunkOutcome.lean, ChunkOutcome.bare])
def test_what_a_record_had_no_room_for_is_filled_in_from_the_results(
    trim: Callable[[ChunkOutcome], ChunkOutcome],
) -> None:
    results = [
        Result(
            id="q", chunk=0, node=cast.node, replica=0, started_at=0, latency_s=0.1, answers=cast.answers, chosen=0,
            confidence=cast.confidence,
        )
        for cast in SPLIT.votes
    ]  # fmt: skip
    tasks = [Assignment(chunk=0, node=cast.node, replica=0, fitness=cast.fitness) for cast in SPLIT.votes]
    whole = restored(trim(SPLIT), results, tasks)
    for rule in VoteRule:
        assert decide(whole, rule) == decide(SPLIT, rule)


@pytest.fixture
def answers(tmp_path: Path) -> Path:
    file = tmp_path / "answers.jsonl"
    file.write_bytes(msgspec.json.encode(Answer(id="1", answer="It is Sydney.", chunks=[SPLIT])) + b"\n")
    return file


def test_a_file_is_decided_again_by_every_rule(answers: Path) -> None:
    done = CliRunner().invoke(replay, [str(answers), "--json"])
    row = msgspec.json.decode(done.output)
    assert row["recorded"] == "Sydney"
    assert set(row["rules"]) == {rule.value for rule in VoteRule}
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
    assert "no vote on record" in str(CliRunner().invoke(replay, [str(lean)]).exception)
