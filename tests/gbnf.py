"""Draws texts from a grammar, so that what it derives can be looked at without a model."""

from __future__ import annotations

import random
import re
from functools import cache

_TOKEN = re.compile(
    r"""\s*(?:(?P<literal>"(?:[^"\\]|\\.)*")|(?P<set>\[(?:[^\]\\]|\\.)*\])|(?P<name>[a-z]+\d*)|(?P<times>\{\d+(?:,\d*)?\})|(?P<sign>[()|*+?]))"""
)
_MANY = 3  # repetitions of what may be repeated for ever


class Grammar:
    """Rules by name; `draw` derives a text at random, and ends soon where it may."""

    def __init__(self, text: str) -> None:
        self._rules = dict(line.split(" ::= ", 1) for line in text.splitlines())
        self._parsed = cache(self._parse)

    def draw(self, dice: random.Random, name: str = "root", depth: int = 0) -> str:
        return self._choose(self._parsed(name), dice, depth)

    def _choose(self, alternatives: list[list[tuple]], dice: random.Random, depth: int) -> str:  # type: ignore[type-arg]
        if depth > 60:
            alternatives = sorted(alternatives, key=lambda parts: sum(part[0] != "literal" for part in parts))[:1]
        parts = dice.choice(alternatives)
        return "".join(self._part(part, dice, depth + 1) for part in parts)

    def _part(self, part: tuple, dice: random.Random, depth: int) -> str:  # type: ignore[type-arg]
        kind, value, low, high = part
        high = low + _MANY if high is None else high
        count = low if depth > 60 else dice.randint(low, min(high, low + 8))
        return "".join(self._once(kind, value, dice, depth) for _ in range(count))

    def _once(self, kind: str, value: object, dice: random.Random, depth: int) -> str:
        match kind:
            case "literal":
                return str(value)
            case "set":
                return dice.choice(str(value))
            case "name":
                return self.draw(dice, str(value), depth)
            case _:
                assert isinstance(value, list)
                return self._choose(value, dice, depth)

    def _parse(self, name: str) -> list[list[tuple]]:  # type: ignore[type-arg]
        rule = self._rules[name].rstrip()
        tokens, place = [], 0
        while place < len(rule):
            found = _TOKEN.match(rule, place)
            assert found, f"{name}: {rule[place:]}"
            assert found.lastgroup
            tokens.append((found.lastgroup, found[found.lastgroup]))
            place = found.end()
        alternatives, end = self._alternatives(tokens, 0)
        assert end == len(tokens), f"{name}: {rule}"
        return alternatives

    def _alternatives(self, tokens: list[tuple[str, str]], at: int) -> tuple[list[list[tuple]], int]:  # type: ignore[type-arg]
        alternatives: list[list[tuple]] = [[]]  # type: ignore[type-arg]
        while at < len(tokens):
            kind, text = tokens[at]
            at += 1
            if (kind, text) == ("sign", ")"):
                return alternatives, at
            if (kind, text) == ("sign", "|"):
                alternatives.append([])
                continue
            value: object = text
            if kind == "literal":
                value = re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), text[1:-1])
            elif kind == "set":
                value = _characters(text)
            elif (kind, text) == ("sign", "("):
                kind = "group"
                value, at = self._alternatives(tokens, at)
            low: int = 1
            high: int | None = 1
            if at < len(tokens) and tokens[at][1] in "*+?":
                low, high = {"*": (0, None), "+": (1, None), "?": (0, 1)}[tokens[at][1]]
                at += 1
            elif at < len(tokens) and tokens[at][0] == "times":
                counts = tokens[at][1][1:-1].split(",")
                low, high = int(counts[0]), int(counts[-1]) if counts[-1] else None
                at += 1
            alternatives[-1].append((kind, value, low, high))
        return alternatives, at


def _characters(text: str) -> str:
    if text.startswith("[^"):
        return "abc é{}[]:,0\u4e2d"
    inner = text[1:-1].replace(r"\t", "\t").replace(r"\\", "\\")
    return re.sub(r"(.)-(.)", lambda found: "".join(map(chr, range(ord(found[1]), ord(found[2]) + 1))), inner)
