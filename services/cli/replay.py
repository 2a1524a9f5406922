"""`dellm replay`: recorded queries decided again by other rules, without any inference."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from msgspec import structs
from rich.table import Table

from schemas.messages import Check, Reply
from schemas.subjects import ANSWER, PLAN, RESULT, check_token
from schemas.terms import Policy, VoteRule
from services.cli.options import Target, bus_options, out, run
from services.evaluation.answers import Answer, from_reply, read_answers
from services.evaluation.questions import read_questions
from services.evaluation.record import restored
from services.evaluation.replay import changed, decide, redecided
from services.evaluation.rows import EvaluationError
from services.evaluation.score import score
from services.runtime.bus import Bus
from services.runtime.wire import BusError


@click.command()
@click.argument("source", metavar="ID|FILE")
@click.option(
    "--vote",
    "rules",
    multiple=True,
    type=click.Choice([rule.value for rule in VoteRule]),
    help="A rule; may be repeated. Default: every rule.",
)
@click.option("--questions", type=click.Path(path_type=Path, dir_okay=False), help="Score each rule on this set.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@bus_options
def replay(source: str, rules: tuple[str, ...], questions: Path | None, as_json: bool, target: Target) -> None:
    """Decide the recorded votes of query ID, or of each row of FILE, again.

    FILE is of `dellm eval` or `ask --json`.
    """
    chosen = [VoteRule(rule) for rule in rules] or list(VoteRule)
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
        return await stored_answer(bus, id_)


async def stored_answer(bus: Bus, id_: str) -> Answer:
    """Read the answer to a query, with what its record had no room for.  Raises BusError where there is none."""
    found = await bus.read((ANSWER, ANSWER.at(id=id_)), (PLAN, PLAN.at(id=id_)), (RESULT, RESULT.at(id=id_)))
    if not found[ANSWER]:
        raise BusError(f"there is no file and no answered query {id_}, or it is over 15 minutes old")
    reply: Reply = found[ANSWER][0].message
    assignments = [task for plan in found[PLAN] for task in plan.message.assignments]
    results = [result.message for result in found[RESULT]]
    chunks = [restored(chunk, results, assignments) for chunk in reply.chunks]
    return from_reply(id_, structs.replace(reply, chunks=chunks), Policy(), 0.0)


class Row(msgspec.Struct, frozen=True):
    """A chunk with the answer on record and its checks, and what each rule makes of it.

    `rules` gives (final answer, confidence, other), `unmet` the demands that the rule's winner does not meet.
    """

    id: str
    chunk: int
    text: str
    recorded: str | None
    rules: dict[VoteRule, tuple[str, float, bool]]
    checks: list[Check] = []
    unmet: dict[VoteRule, list[str]] = {}


def _rows(answer: Answer, rules: Sequence[VoteRule]) -> list[Row]:
    rows = []
    for chunk in answer.chunks:
        whole = len(answer.chunks) == 1
        made = {rule: decision for rule in rules if (decision := decide(chunk, rule, whole=whole)) is not None}
        if made:
            by_rule = {
                rule: (decision.final, round(decision.confidence, 4), changed(chunk, decision))
                for rule, decision in made.items()
            }
            unmet = {rule: _failed(decision.checks) for rule, decision in made.items()}
            id_ = answer.query_id or answer.id
            rows.append(Row(id_, chunk.index, chunk.text, chunk.final, by_rule, chunk.checks, unmet))
    return rows


def _failed(checks: Sequence[Check]) -> list[str]:
    return [check.demand for check in checks if check.reason is not None]


def _held(checks: Sequence[Check]) -> str:
    """Tell of each demand whether the answer on record meets it."""
    marks = {True: "held", False: "failed"}
    return "; ".join(f"{check.demand}: {marks[check.reason is None]}" for check in checks)


def _table(rows: Sequence[Row], rules: Sequence[VoteRule]) -> Table:
    table = Table(box=None, pad_edge=False)
    for column in ("query", "chunk", "recorded", "checks", *(rule.value for rule in rules)):
        table.add_column(column, header_style="dim")
    for row in rows:
        cells = [_cell(row, rule) for rule in rules]
        table.add_row(row.id, f"{row.chunk + 1}: {row.text}", row.recorded or "", _held(row.checks), *cells)
    return table


def _cell(row: Row, rule: VoteRule) -> str:
    if rule not in row.rules:
        return ""
    final, confidence, other = row.rules[rule]
    unmet = row.unmet[rule]
    return f"{'-> ' if other else ''}{final} ({confidence:.2f})" + (f" misses {'; '.join(unmet)}" if unmet else "")


def _score(path: Path, answers: dict[str, Answer], rules: Sequence[VoteRule], *, as_json: bool) -> None:
    """Show how many parts each rule gets right, the winners joined without a model."""
    questions = [question for question in read_questions(path) if question.id in answers]
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
