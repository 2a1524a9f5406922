"""`dellm score`: how good several files of answers to one set are, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import click
import msgspec
from rich.table import Table

from services.cli.options import err, out
from services.evaluation.answers import Answer, read_answers
from services.evaluation.faults import find_faults
from services.evaluation.questions import Question, read_questions
from services.evaluation.report import COLUMNS, NUMERIC, cells
from services.evaluation.summary import Summary, summarise

file_path = click.Path(path_type=Path, dir_okay=False)


@click.command()
@click.argument("questions_path", metavar="QUESTIONS", type=file_path)
@click.argument("answers_paths", metavar="ANSWERS...", type=file_path, nargs=-1, required=True)
@click.option("--wrong", is_flag=True, help="List every wrong part, with where it went wrong.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def score(questions_path: Path, answers_paths: tuple[Path, ...], wrong: bool, as_json: bool) -> None:
    """Compare files of ANSWERS to QUESTIONS: parts and questions right, seconds, tokens, and where errors lie."""
    questions = read_questions(questions_path)
    stems = len({path.stem for path in answers_paths}) == len(answers_paths)
    read = {path.stem if stems else str(path): read_answers(path) for path in answers_paths}
    known = {question.id for question in questions}
    for name, answers in read.items():
        if strangers := answers.keys() - known:
            err().print(f"{name}: {len(strangers)} answers are to no question of {questions_path}", markup=False)
    if wrong:
        for name, answers in read.items():
            _list_wrong(name, questions, answers, as_json=as_json)
        return
    summaries = [summarise(name, questions, answers) for name, answers in read.items()]
    if as_json:
        click.echo(msgspec.json.encode(summaries))
    else:
        out().print(table(summaries))


def table(summaries: Sequence[Summary]) -> Table:
    """Set summaries side by side."""
    found = Table(box=None, pad_edge=False)
    for number, column in enumerate(COLUMNS):
        found.add_column(column, header_style="dim", justify="right" if number in NUMERIC else "left")
    for summary in summaries:
        found.add_row(*cells(summary))
    return found


def _list_wrong(name: str, questions: Sequence[Question], answers: Mapping[str, Answer], *, as_json: bool) -> None:
    for question in questions:
        answer = answers.get(question.id)
        for part, fault in zip(question.parts, find_faults(question, answer), strict=True):
            if fault is None:
                continue
            row = {
                "answers": name,
                "id": question.id,
                "fault": fault,
                "part": part.text,
                "gold": part.gold,
                "answer": answer.answer if answer else "",
            }
            if as_json:
                click.echo(msgspec.json.encode(row))
            else:
                gold = " or ".join(map(str, part.gold))
                out().print(f"{name} {question.id}: {fault}: {part.text} -> {gold}", markup=False)
