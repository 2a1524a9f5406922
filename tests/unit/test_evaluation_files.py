"""Question sets and files of answers: what is read, and how what is wrong is told."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from schemas.messages import Error
from schemas.terms import ErrorCode, Policy, VoteRule
from services.evaluation.answers import Answer, appending, read_answers
from services.evaluation.questions import read_questions
from services.evaluation.rows import EvaluationError

GOOD = '{"id": "a", "query": "What is 2+2?", "gold": 4}'


def test_both_shapes_of_a_question(tmp_path: Path) -> None:
    path = tmp_path / "set.jsonl"
    parts = '[{"text": "who wrote Emma", "gold": ["Austen"], "more": 1}, {"text": "add 1 and 2", "gold": [3, "three"]}]'
    path.write_text(f'{GOOD}\n\n{{"id": "b", "query": "Both?", "kind": "k", "parts": {parts}}}\n')
    one, two = read_questions(path)
    assert [(part.text, part.gold) for part in one.parts] == [("What is 2+2?", [4])]
    assert [part.gold for part in two.parts] == [["Austen"], [3, "three"]]
    assert (one.kind, two.kind) == ("", "k")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("{", "truncated"),
        ("[1]", "Expected `object`"),
        ('{"query": "x", "gold": 1}', "missing required field `id`"),
        ('{"id": 1, "query": "x", "gold": 1}', "$.id"),
        ('{"id": "b", "query": "", "gold": 1}', "$.query"),
        ('{"id": "b", "query": "  ", "gold": 1}', "white space"),
        ('{"id": "b", "query": "x"}', "either `parts` or `gold`"),
        ('{"id": "b", "query": "x", "gold": 1, "parts": [{"text": "x", "gold": [1]}]}', "either `parts` or `gold`"),
        ('{"id": "b", "query": "x", "gold": true}', "$.gold"),
        ('{"id": "b", "query": "x", "gold": " "}', "white space"),
        ('{"id": "b", "query": "x", "parts": []}', "$.parts"),
        ('{"id": "b", "query": "x", "parts": [{"text": "x", "gold": []}]}', "$.parts[0].gold"),
        ('{"id": "b", "query": "x", "parts": [{"text": "x", "gold": [" "]}]}', "white space"),
        ('{"id": "a", "query": "x", "gold": 1}', "'a' stands twice"),
        ('{"id": "b", "query": "' + 33 * 1024 * "x" + '", "gold": 1}', "bytes"),
    ],
)
def test_a_bad_row_is_named_with_its_file_and_line(tmp_path: Path, row: str, says: str) -> None:
    path = tmp_path / "set.jsonl"
    path.write_text(f"{GOOD}\n{row}\n")
    with pytest.raises(EvaluationError) as caught:
        read_questions(path)
    assert str(caught.value).startswith(f"{path}:2: ")
    assert says in str(caught.value)


def test_a_set_must_be_there_and_hold_something(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="No such file"):
        read_questions(tmp_path / "none.jsonl")
    (tmp_path / "empty.jsonl").write_text("\n")
    with pytest.raises(EvaluationError, match="holds no question"):
        read_questions(tmp_path / "empty.jsonl")
    (tmp_path / "bytes.jsonl").write_bytes(b'\xff\xfe{"id"')
    with pytest.raises(EvaluationError, match=r"bytes\.jsonl:1: "):
        read_questions(tmp_path / "bytes.jsonl")


def test_a_file_of_answers_goes_on_where_it_ended(tmp_path: Path) -> None:
    path = tmp_path / "new" / "answers.jsonl"
    with appending(path, policy=None, model="m") as kept:
        assert kept.already == {}
        kept.append(Answer(id="a", answer="4", seconds=1.5, model="m"))
    with appending(path, policy=None, model="m") as kept:
        assert set(kept.already) == {"a"}
        kept.append(Answer(id="b", model="m"))
    assert list(read_answers(path)) == ["a", "b"]
    assert path.read_text().count("\n") == 2


@pytest.mark.parametrize("code", ErrorCode)
def test_what_failed_for_a_passing_cause_is_to_be_asked_again(code: ErrorCode) -> None:
    passing = {ErrorCode.NO_NODES, ErrorCode.OVERLOADED, ErrorCode.CANCELLED, ErrorCode.INTERNAL}
    assert Answer(id="a", error=Error(code=code, message="?")).is_final is (code not in passing)
    assert Answer(id="a", answer="4").is_final


@pytest.mark.parametrize("torn", ['{"id": "b", "ans', '{"id": "b", "model": "m"}', "\n", ""])
@pytest.mark.parametrize("before", [[], ["a"]])
def test_a_torn_last_row_is_tolerated(tmp_path: Path, torn: str, before: list[str]) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(f'{{"id": "{id_}", "model": "m"}}\n' for id_ in before) + torn)
    whole = before + ["b"] * torn.endswith("}")
    assert list(read_answers(path)) == whole
    with appending(path, policy=None, model="m") as kept:
        assert list(kept.already) == whole
        kept.append(Answer(id="c", model="m"))
    rows = [msgspec.json.decode(line)["id"] for line in path.read_bytes().splitlines() if line.strip()]
    assert rows == [*whole, "c"]


def test_a_broken_row_before_the_last_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text('{"id": "a"}\n{"id": \n{"id": "c"}\n')
    with pytest.raises(EvaluationError, match=r"answers\.jsonl:2: "):
        read_answers(path)


def test_answers_of_different_policies_or_models_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    policy = Policy(vote=VoteRule.BEST)
    with appending(path, policy=policy, model=None) as kept:
        kept.append(Answer(id="a", policy=policy))
    with appending(path, policy=Policy(vote=VoteRule.BEST), model=None) as kept:
        assert set(kept.already) == {"a"}
    for other, model in ((Policy(), None), (None, "m")):
        with (
            pytest.raises(EvaluationError, match="another policy or model"),
            appending(path, policy=other, model=model),
        ):
            pass


def test_a_row_of_another_program_needs_no_more_than_id_and_answer(tmp_path: Path) -> None:
    path = tmp_path / "answers.jsonl"
    path.write_text('{"id": "a", "answer": "4", "notes": [1]}\n{"id": "a", "answer": "5"}\n')
    assert read_answers(path)["a"].answer == "5"
