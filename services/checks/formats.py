"""Formats that a parser or a pattern can verify: JSON, YAML, XML, CSV, a Markdown table, code alone, a number alone."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable, Iterable, Iterator
from xml.etree import ElementTree as ET

import yaml

from services.checks.demand import Demand, Repair
from services.checks.family import Family
from services.checks.pieces import items
from services.checks.quotations import LIST, PLAIN_LIST, listed
from services.checks.request import Sentence, sentences
from services.checks.scope import demand
from services.language.patterns import NUMBER

_FENCE = re.compile(r"^[ ]{0,3}(`{3,}|~{3,})[^\n`]*\n(.*?)^[ ]{0,3}\1[`~]*[ \t]*$", re.DOTALL | re.MULTILINE)
_ONLY = re.compile(
    r"\b(?:only|just|nothing (?:else|but)|no (?:other|explanations?|additional|further|extra|prose|"
    r"comment\w*)|entire|whole|solely|without (?:any )?(?:explanation|comment|other))\b",
    re.IGNORECASE,
)
_DEEPEST = 64

Parse = Callable[[str], object]


def _json(text: str) -> object:
    return json.loads(text)


def _yaml(text: str) -> object:
    if max(map(text.count, "[{"), default=0) > _DEEPEST * 8:
        raise ValueError("too deeply nested")
    parsed = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - a safe loader
    if not isinstance(parsed, dict | list):
        raise TypeError("no mapping and no list")
    return parsed


def _xml(text: str) -> object:
    if "<!" in text.replace("<!--", "").replace("<![CDATA[", ""):
        raise ValueError("a document type or entity is declared")
    return ET.fromstring(text.strip())  # noqa: S314 - nothing is declared, so nothing expands


def _csv(text: str) -> object:
    rows = [row for row in csv.reader(text.strip().splitlines()) if row]
    if not rows or len(rows[0]) < 2 or len({len(row) for row in rows}) > 1:  # noqa: PLR2004 - one column is no table
        raise ValueError("rows of one length and of two or more columns are none")
    return rows


def _html(text: str) -> object:
    if not re.search(r"<([a-z][a-z0-9]*)\b[^>]*>", text, re.IGNORECASE):
        raise ValueError("no tag")
    return text


_PARSERS: dict[str, Parse] = {"JSON": _json, "YAML": _yaml, "XML": _xml, "CSV": _csv, "HTML": _html}
_NAME = r"(?P<name>json|yaml|xml|csv|html)"
_KIND = r"(?: (?:format|objects?|arrays?|blocks?|documents?|files?|output|code|list|string|structure|lists?))?"
_IN = re.compile(
    r"\b(?:(?:in|as|into|to|using|with)(?: an?| the| valid| proper| well-formed| pure| raw| single| "
    rf"one| only){{0,3}} {_NAME}{_KIND}"
    r"|(?:return|output|generate|give me|respond with|reply with|answer with|produce|contains?|provide|be|is)"
    rf"(?: me| us)?(?: an?| the| only| just| valid| single| pure| raw){{0,4}} "
    rf"{_NAME.replace('name', 'name2')}{_KIND}"
    rf"|{_NAME.replace('name', 'name3')}(?: format| output)? only|^only "
    rf"{_NAME.replace('name', 'name4')})(?![\w-])(?! (?:schema|parser|library|tutorial|files? (?:that|"
    r"which|named)))",
    re.IGNORECASE,
)
_NOT = re.compile(
    r"\b(?:not|don't|never|no|without|avoid|than|from|about|this|parse|parsing|between|instead of)(?: \w+)? ?$",
    re.IGNORECASE,
)
_KEYS = re.compile(
    rf"\b(?:keys?|fields?|properties|attributes?)(?: named| called)?:? (?:{LIST}|{PLAIN_LIST})", re.IGNORECASE
)


def _find(request: str) -> Iterator[Demand]:
    found = sentences(request)
    only = any(
        _ONLY.search(sentence.text)
        and re.search(
            r"\b(?:json|yaml|xml|csv|html|output|response|reply|answer|nothing else|no explanation)\b",
            sentence.text,
            re.IGNORECASE,
        )
        for sentence in found
    )
    yield from _parsed(found, only=only)
    for sentence in found:
        for finder in (_table, _comma_list, _code, _number):
            yield from finder(sentence)


def _parsed(found: Iterable[Sentence], *, only: bool) -> Iterator[Demand]:
    names: set[str] = set()
    keys: list[str] = []
    for sentence in found:
        match = None if sentence.code else _IN.search(sentence.text)
        if not match or _NOT.search(sentence.text[: match.start()]):
            continue
        names.add(next(text.upper() for key, text in match.groupdict().items() if key.startswith("name") and text))
        if named := _KEYS.search(sentence.text, match.end()):
            keys += listed(sentence, named["list"] or named["plain"])
    if len(names) == 1:
        name = names.pop()
        yield _format(name, only=only, keys=tuple(keys) if name == "JSON" else ())


def _blocks(answer: str) -> list[str]:
    return [block[1] for block in _FENCE.findall(answer)]


def _unfenced(answer: str) -> str:
    bare = answer.strip()
    whole = _FENCE.fullmatch(bare)
    return whole[2] if whole else bare


def _failure(parse: Parse, text: str) -> str | None:
    try:
        parse(text)
    except RecursionError:
        return "too deeply nested"
    except Exception as error:  # noqa: BLE001 - parsers raise what they like; any of it means that the text is none
        return " ".join(str(error).split())[:80] or type(error).__name__
    return None


def _format(name: str, *, only: bool, keys: tuple[str, ...]) -> Demand:
    parse = _PARSERS[name]

    def verify(answer: str) -> str | None:
        candidates = [_unfenced(answer)] if only else [_unfenced(answer), *_blocks(answer)[:8]]
        failures = [_failure(parse, text) for text in candidates]
        if None not in failures:
            return f"no valid {name}: {failures[-1]}"
        return _missing(parse(candidates[failures.index(None)]), keys)

    told = f"{name}{' only' if only else ''}{' with the keys ' + ', '.join(keys) if keys else ''}"
    repair = _unwrapped(parse, name) if name in {"JSON", "XML", "YAML"} else None
    return demand("format", told, verify, repair=repair, subject="format")


def _missing(parsed: object, keys: tuple[str, ...]) -> str | None:
    rows = parsed if isinstance(parsed, list) else [parsed]
    for row in rows:
        lacking = [key for key in keys if not isinstance(row, dict) or key not in row]
        if lacking:
            return f"the key {lacking[0]} is missing"
    return None


def _unwrapped(parse: Parse, name: str) -> Repair:
    """Return what takes the one block of a format out of the prose around it."""

    def repair(answer: str) -> str:
        blocks = [block.strip() for block in _blocks(answer)]
        if len(blocks) == 1 and _failure(parse, blocks[0]) is None:
            return blocks[0]
        if name == "JSON" and not blocks:
            starts = [place for place in (answer.find("{"), answer.find("[")) if place >= 0]
            end = max(answer.rfind("}"), answer.rfind("]")) + 1
            if starts and end > min(starts) and _failure(parse, answer[min(starts) : end]) is None:
                return answer[min(starts) : end]
        return answer

    return repair


_TABLE = re.compile(
    r"\b(?:in|as|into|using|with|make|create|give me|build|draw|produce|provide|format)(?: an?| the| "
    r"me| it as an?| them in an?| one)?(?: \w+)?(?: markdown| comparison| simple| two-column)? "
    rf"tables?\b(?! (?:of contents|out of|tennis|salt|setting|manners|for (?:{NUMBER}))|-)(?P<end>\s*"
    r"(?:[.,;!:]|$|\b(?:with|that|comparing|of|format|form|and|where|showing|please)\b))",
    re.IGNORECASE,
)
_SEPARATOR = frozenset("|-: \t")


def _table(sentence: Sentence) -> Iterator[Demand]:
    match = _TABLE.search(sentence.text)
    if (
        not match
        or _NOT.search(sentence.text[: match.start()])
        or re.search(r"\b(?:sql|database|html|latex|below|above|wood|oak|not)\b", sentence.text, re.IGNORECASE)
    ):
        return

    def verify(answer: str) -> str | None:
        rows = [line for line in answer.split("\n") if line.count("|") > 1]
        headed = any("--" in row and _SEPARATOR.issuperset(row) for row in rows)
        return None if headed else f"{len(rows)} rows of a Markdown table, no line of dashes under its head"

    yield demand("format", "a table", verify, subject="table")


_COMMAS = re.compile(
    r"\b(?:comma[- ](?:separated|delimited)(?: list| values| line)?|list separated (?:by|with) commas|"
    r"separated by commas)\b",
    re.IGNORECASE,
)


def _comma_list(sentence: Sentence) -> Iterator[Demand]:
    match = _COMMAS.search(sentence.text)
    if (
        not match
        or sentence.code
        or _NOT.search(sentence.text[: match.start()])
        or re.search(r"\b(?:this|these|values? file|input|parse|convert this|given)\b", sentence.text, re.IGNORECASE)
    ):
        return

    def verify(answer: str) -> str | None:
        if items(answer):
            return f"{len(items(answer))} lines of a list, not one line with commas"
        return None if "," in answer or len(answer.split()) < 3 else "no comma"  # noqa: PLR2004 - one entry has none

    yield demand("format", "a comma separated list", verify, subject="format")


_CODE_ONLY = re.compile(
    r"\b(?:just|only)(?: (?:give|show|write|return|output|provide|respond with))?(?: me)?(?: the)? "
    r"(?:\w+ )?(?:code|query|function|script|command|snippet)\b|\b(?:code|query|command) only\b",
    re.IGNORECASE,
)
_IN_BLOCK = re.compile(
    r"\b(?:in|inside|within|using|into) an? (?:markdown |fenced |\w+ )?code ?(?:block|fence)\b", re.IGNORECASE
)


def _code(sentence: Sentence) -> Iterator[Demand]:
    if _NOT.search(sentence.text) or re.search(r"\b(?:not|n't) (?:just|only)\b", sentence.text, re.IGNORECASE):
        return
    if _CODE_ONLY.search(sentence.text):

        def verify(answer: str) -> str | None:
            blocks = _FENCE.findall(answer.strip())
            if not blocks or (len(blocks) == 1 and _FENCE.fullmatch(answer.strip())):
                return None
            rest = _FENCE.sub("", answer).split()
            return f"{len(rest)} words outside {len(blocks)} code blocks"

        yield demand("format", "code only", verify, repair=_only_block, subject="code")
    elif _IN_BLOCK.search(sentence.text):

        def fenced(answer: str) -> str | None:
            return None if _FENCE.search(answer) else "no code block between fences"

        yield demand("format", "a code block", fenced, subject="code")


def _only_block(answer: str) -> str:
    blocks = list(_FENCE.finditer(answer))
    return blocks[0][0].strip() if len(blocks) == 1 else answer


_NUMBER_ONLY = re.compile(
    r"\b(?:answer|reply|respond|return|output|give|write|say)\b[^.;]{0,40}\b(?:(?:as|with|is) )?"
    r"(?:only|just|solely|a single|nothing but)(?: as| with)?(?: an?| the| one| single| final| numeric"
    r"(?:al)?){0,3} (?:number|integer|numeral)\b(?! of)|\b(?:as )?(?:an? |the )?(?:number|integer) "
    r"only\b",
    re.IGNORECASE,
)


def _number(sentence: Sentence) -> Iterator[Demand]:
    if sentence.code or not _NUMBER_ONLY.search(sentence.text):
        return

    def verify(answer: str) -> str | None:
        bare = answer.strip().strip("*`. \n$€£%")
        return (
            None
            if re.fullmatch(r"[-+]?\d[\d,]*(?:\.\d+)?(?:/\d+)?", bare)
            else f'"{" ".join(answer.split())[:40]}" is no number alone'
        )

    yield demand("format", "a number only", verify, subject="format")


FORMATS = Family(
    "format",
    _find,
    (
        'Return a JSON object with the keys "name" and "age".',
        "Compare Go and Rust in a table.",
        "Name three seas as a comma separated list.",
    ),
)
