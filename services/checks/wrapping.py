"""What encloses an answer or its title: double quotes, brackets, tags, <<title>>."""

from __future__ import annotations

import re
from collections.abc import Iterator

from services.checks.demand import Demand
from services.checks.family import Family
from services.checks.request import sentences
from services.checks.scope import demand
from services.language.orders import ANSWER, DOCUMENT

_PAIRS = (
    (r"(?:double )?(?:quotation|quote) ?marks|double quotes|(?:double )?quotes", '"', '"'),
    (r"single (?:quotation marks|quotes)", "'", "'"),
    (r"(?:square )?brackets", "[", "]"),
    (r"(?:parentheses|round brackets)", "(", ")"),
    (r"curly (?:braces|brackets)", "{", "}"),
)
_ALL = (
    rf"(?:(?:your|the|this|its) )?(?:(?:entire|whole|complete|full|final) )?(?:(?:{ANSWER}|{DOCUMENT})|it|everything)"
)
_WRAP = re.compile(
    rf"(?:\b(?:wrap|enclose|surround|put|place)\b (?P<object>{_ALL})\b[^.;]{{0,20}}?\b(?:in|inside|"
    rf"within|with|between)|\b(?P<subject>{_ALL})\b[^.;,]{{0,30}}\b(?:wrapped|enclosed|surrounded|"
    rf"placed|put|be) (?:up )?(?:in|inside|within|with|between)) (?:a pair of )?(?P<rest>[^.;]{{1,40}})",
    re.IGNORECASE,
)
_AROUND = re.compile(
    rf"\bdouble quot\w*(?: marks)?\b[^.;]{{0,40}}\baround (?:your|the) (?:entire|whole) (?:{ANSWER}|{DOCUMENT})",
    re.IGNORECASE,
)
_QUOTED_TITLE = re.compile(r"\b(?:title|headline|name|word|keyword|phrase|quote)s?\b", re.IGNORECASE)
_TAGS = re.compile(
    rf"\b(?:{ANSWER}|it)\b[^.;]{{0,40}}\b(?:in|inside|within|between|with)\b[^.;]{{0,15}}<"
    rf"(?P<tag>[A-Za-z][\w-]{{0,20}})>",
    re.IGNORECASE,
)


def _find(request: str) -> Iterator[Demand]:
    for sentence in sentences(request):
        if sentence.code:
            continue
        if tags := _TAGS.search(sentence.text):
            yield _tagged(tags["tag"])
        if _AROUND.search(sentence.text):
            yield _wrapped('"', '"', "double quotes")
        for match in _WRAP.finditer(sentence.text):
            if _QUOTED_TITLE.search(match["object"] or match["subject"]):
                continue
            for name, left, right in _PAIRS:
                if found := re.match(rf"(?:{name})\b", match["rest"], re.IGNORECASE):
                    yield _wrapped(left, right, found[0])
                    break


def _wrapped(left: str, right: str, told: str) -> Demand:
    def verify(answer: str) -> str | None:
        bare = answer.strip()
        if len(bare) > 1 and bare.startswith(left) and bare.endswith(right):
            return None
        return (
            f"begins with {bare[:1] or 'nothing'} and ends with {bare[-1:] or 'nothing'}, not with {left} and {right}"
        )

    def repair(answer: str) -> str:
        bare = answer.strip()
        if len(bare) > 1 and left == '"' and bare[0] in '“"' and bare[-1] in '”"':
            bare = bare[1:-1]
        bare = bare.removeprefix(left) if not bare.endswith(right) else bare
        return f"{left}{bare}{right}"

    return demand("wrapping", f"all of it in {told.lower()}", verify, repair=repair, subject="wrapping")


def _tagged(tag: str) -> Demand:
    def verify(answer: str) -> str | None:
        start = answer.find(f"<{tag}>")
        return None if start >= 0 and answer.find(f"</{tag}>", start) >= 0 else f"no text stands in <{tag}></{tag}>"

    return demand("wrapping", f"the answer in <{tag}></{tag}>", verify, subject=f"tag {tag}")


_ANGLES = re.compile(r"\b(?:double|two) ang(?:le|ular) (?:brackets?|braces)|<<", re.IGNORECASE)
_TITLED = re.compile(r"<<[^<>\n]*[^<>\s][^<>\n]*>>")


def _title(request: str) -> Iterator[Demand]:
    for sentence in sentences(request):
        if sentence.code or not _ANGLES.search(sentence.text):
            continue

        def verify(answer: str) -> str | None:
            return None if _TITLED.search(answer) else "nothing stands in double angle brackets <<...>>"

        told = "a title in <<...>>" if re.search(r"\btitle", sentence.text, re.IGNORECASE) else "a part in <<...>>"
        yield demand("title", told, verify, subject="title", opening="<<")
        return


WRAPPING = Family(
    "wrapping", _find, ("Wrap your whole answer in double quotes.", "Put your answer inside <answer></answer> tags.")
)
TITLE = Family("title", _title, ("Put the title in double angle brackets.",))
