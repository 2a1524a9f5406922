"""`dellm replay`: recorded queries decided again by other rules, without any inference."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec
from rich.table import Table

from schemas.messages import Check
from schemas.subjects import ANSWER, check_token
from schemas.terms import Policy, VoteRule
from services.cli.effects import show_effects
from services.cli.filled_in import filled_in
from services.cli.options import Target, bus_options, err, out, run
from services.cli.since import find_kept, since_option, start_of
from services.evaluation.answers import Answer, from_reply, read_answers
from services.evaluation.questions import read_questions
from services.evaluation.replay import changed, decide, redecided, undecidable
from services.evaluation.rows import EvaluationError
from services.evaluation.score import score
from services.ledger.again import effect_of
from services.ledger.kept import Wanted
from services.runtime.bus import Bus
from services.runtime.wire import BusError


@click.command()
@click.argument("source", metavar="[ID|FILE]", required=False)
@since_option
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
def replay(
    source: str | None,
    since_s: float | None,
    rules: tuple[str, ...],
    questions: Path | None,
    as_json: bool,
    target: Target,
) -> None:
    """Decide recorded votes again, of a query, of a file, or of all that is on record.

    A FILE is one of `dellm eval`, `ask --json` or `history --export`.  With --since the exit code is 0 where no rule
    would have had fewer right than are on record, 2 where one would, and 3 where nobody said of any what is right.
    """
    chosen = [VoteRule(rule) for rule in rules] or list(VoteRule)
    if (source is None) == (since_s is None):
        raise click.UsageError("give the ID of a query, a FILE, or --since AGO")
    if source is None:
        kept = run(find_kept(target, Wanted(since=start_of(since_s))))
        sys.exit(show_effects([effect_of(rule, kept) for rule in chosen], as_json=as_json))
    file = Path(source)
    answers = read_answers(file) if file.is_file() else {source: run(_stored(source, target))}
    rows = [row for answer in answers.values() for row in _rows(answer, chosen)]
    if not any(row.rules for row in rows):
        reasons = dict.fromkeys(reason for row in rows for reason in row.undecided.values())
        raise EvaluationError(f"{source}: nothing to decide again: {'; '.join(reasons) or 'no vote on record'}")
    if questions is not None:
        _score(questions, answers, chosen, as_json=as_json)
    elif as_json:
        for row in rows:
            click.echo(msgspec.json.encode(row))
    else:
        out().print(_table([row for row in rows if row.rules], chosen))
    for rule in chosen:
        for reason, number in Counter(row.undecided[rule] for row in rows if rule in row.undecided).items():
            err().print(f"{rule.value}: {number} of {len(rows)} not decided again: {reason}", style="dim", markup=False)


async def _stored(id_: str, target: Target) -> Answer:
    try:
        check_token(id_, "ID")
    except ValueError:
        raise click.UsageError(f"{id_!r} is neither a file nor the id of a query") from None
    async with target.open() as bus:
        return await stored_answer(bus, id_)


async def stored_answer(bus: Bus, id_: str) -> Answer:
    """Read the answer to a query, with what its record had no room for.  Raises BusError where there is none."""
    stored = await bus.last(ANSWER, id=id_)
    if stored is None:
        raise BusError(f"there is no file and no answered query {id_}, or it is over 15 minutes old")
    return from_reply(id_, await filled_in(bus, stored.message), Policy(), 0.0)


class Row(msgspec.Struct, frozen=True):
    """A chunk with the answer on record and its checks, and what each rule makes of it.

    `rules` gives (final answer, confidence, other), `unmet` the demands that the rule's winner does not meet,
    `undecided` why a rule decides nothing.
    """

    id: str
    chunk: int
    text: str
    recorded: str | None
    rules: dict[VoteRule, tuple[str, float, bool]]
    checks: list[Check] = []
    unmet: dict[VoteRule, list[str]] = {}
    undecided: dict[VoteRule, str] = {}


def _rows(answer: Answer, rules: Sequence[VoteRule]) -> list[Row]:
    rows = []
    for chunk in answer.chunks:
        whole = len(answer.chunks) == 1
        made = {rule: decision for rule in rules if (decision := decide(chunk, rule, whole=whole)) is not None}
        by_rule = {
            rule: (decision.final, round(decision.confidence, 4), changed(chunk, decision))
            for rule, decision in made.items()
        }
        unmet = {rule: _failed(decision.checks) for rule, decision in made.items()}
        undecided = {rule: undecidable(chunk, rule) or "no vote that counts" for rule in rules if rule not in made}
        id_ = answer.query_id or answer.id
        rows.append(Row(id_, chunk.index, chunk.text, chunk.final, by_rule, chunk.checks, unmet, undecided))
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
        remade = [row for answer in answers.values() for row in _rows(answer, [rule])]
        other = sum(row.rules[rule][2] for row in remade if rule in row.rules)
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
