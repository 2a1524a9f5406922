"""`dellm replay`: recorded queries decided again by other rules, without any inference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.table import Table

from schemas.subjects import ANSWER, check_token
from schemas.terms import Policy, VoteRule
from services.cli.options import Target, bus_options, out, run
from services.evaluation.answers import Answer, from_reply, read_answers
from services.evaluation.questions import read_questions
from services.evaluation.replay import changed, decide, redecided
from services.evaluation.rows import EvaluationError
from services.evaluation.score import score
from services.runtime.wire import BusError


@click.command()
@click.argument("source", metavar="ID|FILE")
@click.option(
    "--vote",
    "rules",
    multiple=True,
    type=click.Choice([each.value for each in VoteRule]),
    help="A rule; may be repeated. Default: every rule.",
)
@click.option("--questions", type=click.Path(path_type=Path, dir_okay=False), help="Score each rule on this set.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@bus_options
def replay(source: str, rules: tuple[str, ...], questions: Path | None, as_json: bool, target: Target) -> None:
    """Decide the recorded votes of query ID, or of each row of FILE (of `dellm eval` or `ask --json`), again."""
    chosen = [VoteRule(each) for each in rules] or list(VoteRule)
    file = Path(source)
    answers = read_answers(file) if file.is_file() else {source: run(_stored(source, target))}
    if not any(vote.answers for answer in answers.values() for chunk in answer.chunks for vote in chunk.votes):
        raise EvaluationError(f"{source}: what the models said is not on record")
    if questions is not None:
        _score(questions, answers, chosen, as_json=as_json)
        return
    rows = [row for answer in answers.values() for row in _rows(answer, chosen)]
    if as_json:
        for row in rows:
            click.echo(msgspec.json.encode(row))
    else:
        out().print(_table(rows, chosen))


async def _stored(id_: str, target: Target) -> Answer:
    try:
        check_token(id_, "ID")
    except ValueError:
        raise click.UsageError(f"{id_!r} is neither a file nor the id of a query") from None
    async with target.open() as bus:
        stored = await bus.last(ANSWER, id=id_)
    if stored is None:
        raise BusError(f"there is no file and no answered query {id_}, or it is over 15 minutes old")
    return from_reply(id_, stored.message, Policy(), 0.0)


class Row(msgspec.Struct, frozen=True):
    """A chunk with the answer on record, and what each rule makes of it: (final answer, confidence, other)."""

    id: str
    chunk: int
    text: str
    recorded: str | None
    rules: dict[VoteRule, tuple[str, float, bool]]


def _rows(answer: Answer, rules: Sequence[VoteRule]) -> list[Row]:
    rows = []
    for chunk in answer.chunks:
        made = {rule: decision for rule in rules if (decision := decide(chunk, rule)) is not None}
        if made:
            by_rule = {
                rule: (each.final, round(each.confidence, 4), changed(chunk, each)) for rule, each in made.items()
            }
            rows.append(Row(answer.query_id or answer.id, chunk.index, chunk.text, chunk.final, by_rule))
    return rows


def _table(rows: Sequence[Row], rules: Sequence[VoteRule]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("query", "chunk", "recorded", *(rule.value for rule in rules)):
        table.add_column(column, header_style="dim")
    for row in rows:
        cells = [
            f"{'-> ' if other else ''}{final} ({confidence:.2f})" for final, confidence, other in row.rules.values()
        ]
        table.add_row(row.id, f"{row.chunk + 1}: {row.text}", row.recorded or "", *cells)
    return table


def _score(path: Path, answers: dict[str, Answer], rules: Sequence[VoteRule], *, as_json: bool) -> None:
    """Show how many parts each rule gets right, the winners joined without a model."""
    questions = [each for each in read_questions(path) if each.id in answers]
    if not questions:
        raise EvaluationError(f"{path}: none of its questions was answered")
    table = Table(box=None, pad_edge=False)
    for column in ("rule", "parts right", "questions right", "chunks decided otherwise"):
        table.add_column(column, header_style="dim", justify="left" if column == "rule" else "right")
    for rule in rules:
        again = {id_: redecided(answer, rule) for id_, answer in answers.items()}
        found = score(questions, again)
        other = sum(row.rules[rule][2] for answer in answers.values() for row in _rows(answer, [rule]))
        if as_json:
            click.echo(msgspec.json.encode({"rule": rule, "figures": found, "changed": other}))
        table.add_row(
            rule.value,
            f"{found.parts_right}/{found.parts}",
            f"{found.whole_right}/{len(questions)}",
            str(other),
        )
    if not as_json:
        out().print(table)
