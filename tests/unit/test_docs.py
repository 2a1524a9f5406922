"""What docs/ says is so: its code runs, and its commands, files, figures and log events exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import msgspec
import pytest

from schemas.terms import VoteRule
from services.checks.table import FAMILIES
from services.checks.verdict import demands
from services.kinds.kind import Kind, Said
from services.kinds.table import KINDS
from services.runtime.limits import Limits
from services.runtime.telemetry.telemetry import Telemetry
from services.voting import rules
from services.voting.rules import Voter, count
from tests import records
from tests.commands import check_command
from tests.pages import blocks

ROOT = Path(__file__).parents[2]
OPERATING, EXTENDING = "docs/operating.md", "docs/extending.md"
PAGES = ("README.md", "deploy/README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))))
MADE = ("services/kinds/weekday.py", "models/local.json")  # by a reader of the page, and by a command
SOURCE = "\n".join(path.read_text() for path in (ROOT / "services").rglob("*.py"))


def run(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {"__name__": "docs"}
    exec(code, names)  # our own page
    return names


def test_the_kind() -> None:
    kind = run(blocks(EXTENDING, "python")[0])["WEEKDAY"]
    assert isinstance(kind, Kind)
    request = "Which day of the week was 4 July 1776?"
    assert next(known for known in (kind, *KINDS) if known.recognise(request)) is kind
    assert next(known for known in (kind, *KINDS) if known.recognise("Who wrote Emma?")) is not kind
    assert kind.prompt(request, "weekday").max_tokens == 16
    assert kind.read(Said("It was a Thursday.", request, "weekday")).final == "Thursday"


def test_the_check() -> None:
    family = run(blocks(EXTENDING, "python")[1])["PALINDROME"]
    (found,) = demands("Write a palindrome.", (*FAMILIES, family))
    assert found.verify("Never odd or even") is None
    assert found.verify("Hello there") is not None
    assert not demands("What is a palindrome?", (*FAMILIES, family))


def test_the_vote_rule(monkeypatch: pytest.MonkeyPatch) -> None:
    plurality = rules._Rule(*run(blocks(EXTENDING, "python")[2])["PLURALITY"])  # noqa: SLF001
    monkeypatch.setitem(rules._RULES, VoteRule.SUM, plurality)  # noqa: SLF001
    counted = count(VoteRule.SUM, [voter("n1", 0.9, "Lima"), voter("n2", 0.1, "Quito"), voter("n3", 0.1, "Quito")])
    assert counted is not None
    assert counted.tally.winner.final == "Quito"


def voter(node: str, fitness: float, final: str) -> Voter:
    answer = records.said(final, model="m", method="fact", logprob=-0.1)
    return Voter(node, fitness, (answer,), answer, 0.8)


@pytest.mark.parametrize("page", PAGES)
def test_commands_exist(page: str) -> None:
    for block in blocks(page, "sh"):
        for line in block.replace("\\\n", " ").splitlines():
            for words in split(line):
                if Path(words[0]).name == "dellm" or words[:2] == ["python", "-m"]:
                    check_command(words)


def split(line: str) -> list[list[str]]:
    """Give the commands of a pipe, each as its words."""
    pipe: list[list[str]] = [[]]
    for word in shlex.split(line, comments=True):
        if word == "|":
            pipe.append([])
        else:
            pipe[-1].append(word)
    return [words for words in pipe if words]


@pytest.mark.parametrize("page", PAGES)
def test_links_and_files_exist(page: str) -> None:
    text = (ROOT / page).read_text()
    here = (ROOT / page).parent
    for link in re.findall(r"\]\(([^)#:]+)\)", text):
        assert (here / link).exists(), link
    for name in re.findall(r"`((?:services|schemas|tests|models|deploy|docs)/[\w./-]+\.(?:py|json|jsonl|md))`", text):
        assert (ROOT / name).exists() or name in MADE, name


def test_figures_exist() -> None:
    told = Telemetry().metrics.render().decode()
    named = re.findall(r"`(dellm_[a-z]+(?:_[a-z]+)*)", (ROOT / OPERATING).read_text())
    buckets = {"dellm_calibration", "dellm_fitness", "dellm_keys"}
    for name in set(named) - buckets:
        assert re.search(rf"^# HELP {name} ", told, re.MULTILINE), name


def test_log_events_exist() -> None:
    events = re.findall(r"`([a-z]+\.[a-z_]+)`", (ROOT / OPERATING).read_text())
    assert events
    for event in events:
        assert f'"{event}"' in SOURCE, event


def test_limits_are_limits() -> None:
    (told,) = blocks(OPERATING, "toml")
    limits = msgspec.toml.decode(told.encode(), type=Limits)
    assert set(re.findall(r"^(\w+) =", told, re.MULTILINE)) == set(Limits.__struct_fields__)
    assert limits.max_in_flight == 64
