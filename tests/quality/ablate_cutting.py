"""What each rule of cutting gains and costs: `python -m tests.quality.ablate_cutting SET.jsonl ...`.

A row of a set holds its `query` or `request`, and its `chunks` or `parts` if it is several, or its `stages` where each
builds on the one before; without these it must stay whole.  Each rule is removed in turn.  It gains the rows that are
then wrong, and costs the rows that are then right.
"""

from __future__ import annotations

import argparse
import json
import pkgutil
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple
from unittest.mock import patch

import services.decomposer.cutting as room
from services.decomposer.cutting.cut import grouped, parts
from services.decomposer.cutting.rules import Rule

LEFT_OUT = re.compile(r"^(?:please|also|then)\s+|\s+(?=\s)|[\s?.!;,:]+$", re.IGNORECASE)
QUALITY = Path(__file__).parent


class Case(NamedTuple):
    """A query and its parts, or the stages of its only part."""

    query: str
    expected: list[str]
    stages: list[str]

    @property
    def several(self) -> bool:
        return len(self.expected) > 1 or bool(self.stages)


class Answer(NamedTuple):
    """Whether the parts are right, and the chunks."""

    right: bool
    chunks: list[str]


class Watched:
    """A pattern that notes whether it was found."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.watched = pattern
        self.found = False

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.watched, name)

        def noting(*args: Any) -> Any:
            if name == "sub":
                text, num_found = self.watched.subn(*args)
                self.found |= num_found > 0
                return text
            result = list(method(*args)) if name == "finditer" else method(*args)
            self.found |= bool(result)
            return iter(result) if name == "finditer" else result

        return noting


def modules() -> list[ModuleType]:
    """Give the modules of the room."""
    return [import_module(f"{room.__name__}.{found.name}") for found in pkgutil.iter_modules(room.__path__)]


def rules() -> dict[Rule, str]:
    """Give each rule with the module that it stands in."""
    found: dict[Rule, str] = {}
    for module in modules():
        for value in vars(module).values():
            for rule in value if isinstance(value, tuple) and not isinstance(value, Rule) else (value,):
                if isinstance(rule, Rule):
                    found.setdefault(rule, module.__name__.rpartition(".")[2])
    return found


@contextmanager
def replaced(by_rule: dict[Rule, Rule]) -> Iterator[None]:
    """Put other rules in the place of some, in each module that uses them."""
    with ExitStack() as stack:
        for module in modules():
            for name, value in list(vars(module).items()):
                if isinstance(value, Rule) and value in by_rule:
                    stack.enter_context(patch.object(module, name, by_rule[value]))
                elif isinstance(value, tuple) and any(isinstance(row, Rule) and row in by_rule for row in value):
                    rows = tuple(by_rule.get(row, row) for row in value)
                    stack.enter_context(patch.object(module, name, rows))
        yield


def read_cases(path: Path) -> list[Case]:
    """Read a set."""
    rows: list[dict[str, Any]] = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return [
        Case(
            query,
            row.get("chunks") or [part["text"] for part in row.get("parts", ())] or [query],
            row.get("stages", []),
        )
        for row in rows
        if (query := row.get("query") or row["request"])
    ]


def answer(case: Case) -> Answer:
    """Cut a query; small words at the ends of parts do not count, nor does the text of a single part."""
    found = parts(case.query)
    chunks = [
        f"{chunk.context}: {chunk.text}" if chunk.context else chunk.text for group in grouped(found) for chunk in group
    ]
    if case.stages:
        return Answer(chunks == case.stages, chunks)
    if not case.several:
        return Answer(len(found) == 1, chunks)
    bare, expected = ([LEFT_OUT.sub("", text.lower()) for text in texts] for texts in (found, case.expected))
    return Answer(bare == expected, chunks)


def watch(cases: Sequence[Case]) -> tuple[list[Answer], dict[Rule, list[int]]]:
    """Give the answer to each case, and for each rule the cases in which it is found."""
    watched = {rule: Watched(rule.pattern) for rule in rules()}
    found_in: dict[Rule, list[int]] = {rule: [] for rule in watched}
    answers = []
    with replaced({rule: Rule(rule.name, pattern, rule.example) for rule, pattern in watched.items()}):  # type: ignore[arg-type]
        for i, case in enumerate(cases):
            answers.append(answer(case))
            for rule, pattern in watched.items():
                if pattern.found:
                    found_in[rule].append(i)
                pattern.found = False
    return answers, found_in


def effect(rule: Rule, cases: Sequence[Case], known: Sequence[Answer], found_in: Sequence[int]) -> tuple[int, str]:
    """Tell what happens without a rule: the rows that it gains less those that it costs, and a text."""
    never = re.compile(f"(?!)(?:{rule.pattern.pattern})", rule.pattern.flags)  # with the same groups
    with replaced({rule: Rule(rule.name, never, rule.example)}):
        try:
            now = [answer(cases[i]) for i in found_in]
        except (AssertionError, TypeError, AttributeError, IndexError, StopIteration):
            return len(cases), "the room does not run without it"
    changed = [(cases[i], known[i], changed) for i, changed in zip(found_in, now, strict=True)]
    cuts = sum(was.right and not now.right for case, was, now in changed if case.several)
    wholes = sum(was.right and not now.right for case, was, now in changed if not case.several)
    costs = sum(now.right and not was.right for _, was, now in changed)
    chunked = sum(was.chunks != now.chunks for _, was, now in changed)
    return (
        cuts + wholes - costs,
        f"gains {cuts:3} cut, {wholes:3} whole; costs {costs:3}; {chunked:3} chunked otherwise",
    )


def main() -> None:
    """Print a row a rule, those that gain nothing first."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sets", nargs="*", type=Path, help="JSON Lines (default: those beside this file)")
    paths = parser.parse_args().sets or sorted(QUALITY.glob("*.jsonl"))
    cases = [case for path in paths for case in read_cases(path)]
    known, found_in = watch(cases)
    num_several = sum(case.several for case in cases)
    sys.stdout.write(
        f"{sum(was.right for was in known)} of {len(cases)} right with all rules; {num_several} are several\n"
    )
    rows = []
    for rule, module in rules().items():
        gain, text = effect(rule, cases, known, found_in[rule])
        rows.append((gain, f"{module:9} {rule.name:46} in {len(found_in[rule]):4} rows; {text}"))
    for _, line in sorted(rows):
        sys.stdout.write(f"{line}\n")


if __name__ == "__main__":
    main()
