"""Words are listed once, in `services/language`: no other module spells out numbers, dates, units or lists of words."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.language import dates, grammar, measures, nouns, number_words, verbs
from services.language.number_words import NUMBER, cardinal, value
from services.voting.quantity import quantities

ROOT = Path(__file__).parents[2]
LANGUAGE = ROOT / "services" / "language"
FILES = sorted(
    path
    for folder in ("services", "models", "schemas")
    for path in (ROOT / folder).rglob("*.py")
    if LANGUAGE not in path.parents
)
NUMBERS = {*number_words.FEW, *number_words.TEENS, *number_words.TENS}
DATES = {*dates.MONTHS, *dates.WEEKDAYS} - {"march", "may"}
UNITS = {alias for alias in measures.UNITS if len(alias) > 3} - set(dates.SPANS)
MAX_WORDS = 12  # a list of more, of which a third are words that the language knows, is data of the language
KNOWN = grammar.FUNCTION_WORDS | verbs.ASKING | frozenset((*grammar.PREPOSITION, *grammar.AUXILIARY, *nouns.WORKS))


def literals(path: Path) -> Iterator[str]:
    """Give the texts of a module that are no docstrings, a joined one as a whole."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    joined = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) for part in node.values if isinstance(part, ast.Constant))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and not {id(node)} & (told | joined):
            yield node.value


def in_a_row(text: str, known: set[str]) -> list[str]:
    """Give the known words of a text that nothing but marks divides from another one: "two|three", "two three"."""
    words = re.findall(r"[a-z]+|[^a-z]{4,}", text.lower())
    return [word for pair in pairwise(words) if known.issuperset(pair) for word in pair]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
@pytest.mark.parametrize("known", [NUMBERS, DATES, UNITS], ids=["numbers", "dates", "units"])
def test_no_other_module_lists(path: Path, known: set[str]) -> None:
    assert [found for text in literals(path) if (found := in_a_row(text, known))] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_other_module_lists_words_to_be_split(path: Path) -> None:
    lists = [
        str(node.func.value.value).split()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "split"
        and isinstance(node.func.value, ast.Constant)
    ]
    assert [
        words for words in lists if len(words) > MAX_WORDS and len(KNOWN.intersection(words)) > len(words) / 3
    ] == []


def test_numbers_in_words() -> None:
    said = {"two million and six": 2_000_006, "a dozen": 12, "one hundred and five": 105, "twenty-one thousand": 21_000}
    assert {words: cardinal(words) for words in said} == said


@given(st.sampled_from(sorted(number_words.TENS)), st.sampled_from(sorted(number_words.ONES)), st.integers(0, 9_999))
def test_every_reader_of_numbers_reads_the_same(tens: str, ones: str, number: int) -> None:
    for text in (f"{tens}-{ones}", f"{ones} hundred and {tens}", f"{ones} thousand", tens, f"{number:,}", str(number)):
        assert re.fullmatch(NUMBER, text)
        assert [quantity.value for quantity in quantities(text)] == [value(text)]


def test_every_month_is_told_by_its_beginning() -> None:
    assert [dates.month_number(month[:3]) for month in dates.MONTHS] == list(range(1, 13))


def test_a_unit_has_one_base() -> None:
    known = set(measures.UNITS.values())
    assert {*measures.IN_BASE_UNITS, *(unit for units in measures.IN_BASE_UNITS.values() for unit in units)} <= known


def test_alternatives_are_longest_first() -> None:
    assert grammar.either(("six", "sixteen", "ten")) == "sixteen|six|ten"
