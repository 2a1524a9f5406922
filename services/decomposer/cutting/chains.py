"""Split a part into stages where one certainly builds on the answer to the one before it, or shares its subject.

Two kinds of chains are known: sums that go on with a number ("..., then add 10 to the result", "is it prime?"), told by
a closed vocabulary, and questions about whom or what a fact names ("who wrote Emma and when was she born?").  A subject
that is named once ("Marie Curie: when was she born, and where did she die?") goes with each question as its context.
In doubt a part stays whole; so does every story, since a stage of it needs the facts and not only an answer.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import pairwise

from services.decomposer.cutting.asks import LETTERS, NUMBER, Ask, Mood, ask_of, asks_quantity, is_english
from services.decomposer.cutting.clauses import Clause, find_clauses
from services.decomposer.cutting.leads import is_lead_in
from services.decomposer.cutting.masking import MASKED, mask, sentences
from services.decomposer.cutting.rules import rule
from services.decomposer.cutting.ties import refers_back
from services.language import grammar, sums, verbs
from services.language.grammar import either
from services.voting.calculator import calculate

_MAX_WORDS = 14
_MAX_SUBJECT_WORDS = 7
_SAID = frozenset("tell name say find identify give know".split())

# fmt: off
WORD = rule("word, number or sign", r"(?<![\d.,])\d[\d.,]*+\b%?|[^\W\d_]+(?:['’]s\b)?|\S", "add 9")
REFERENCE = rule("the number before",
    rf"\b(?:the\s+(?:{either(sums.RESULTS)})|(?:that|this)(?:\s+(?:{either(sums.RESULTS)}|number|value|figure|year))?"
    r"|its?)\b", "add 9 to the result")
OBJECTLESS = rule("sum that leaves the number out",
    rf"(?:add|subtract)\s+(?:{NUMBER})%?|take\s+(?:away\s+(?:{NUMBER})|(?:{NUMBER})\s+away)%?"
    rf"|(?:multiply|divide)\s+by\s+(?:{NUMBER})|take\s+the\s+(?:square|cube)\s+root", "subtract 7")
ONE_OF_TWO = rule("one number from two",
    r"\b(?:add|subtract|multiply|sum|product|difference|average|mean|total|between)\b\D{0,20}\d[\d.,%]*+(?:\s+|,"
    r"\s+and\s+)and\s+\d", "add 18 and 24")
SUM_ASKED = rule("sum is asked", r"\d\s*[-+*/×÷^%]|\b(?:squared?|cubed?|root|half|percent)\b", "12^2")
PERSON_ASKED = rule("person is asked",
    rf"who\s+(?:(?:{either(verbs.MADE)}|won|directs|wins)\b|(?:is|was)\s+the\b)|(?:name|find|identify)\s+the\b",
    "who wrote Emma")
PERSON = rule("person of the answer",
    r"\b(?:he|she|him|his|her)\b|\b(?:that|this)\s+(?:person|man|woman|author|writer|painter|artist|composer"
    r"|inventor)\b", "when was she born")
THING_ASKED = rule("thing is asked",
    r"(?:(?:what|which)\s+(?:is|was)|name|find|identify)\s+the\s+(?:capital\b|(?:\w+\s+)?(?:\w{2,}est|most|least"
    r"|first|last)\b)|(?:what|which)\s+\w+\s+(?:is|was|has)\s+(?:the\s+)?(?:\w{2,}est|most|least|first|last)\b",
    "what is the capital of Peru")
THING = rule("thing of the answer", r"\b(?:it|its)\b|\b(?:live|lives|speak|spoken|used|born|located|found)\s+there\b",
    "how high is it")
NOUN_ASKED = rule("noun is asked", r"(?:in\s+|on\s+|from\s+)?(?:what|which)(?:\s+(?:is|was)\s+the)?\s+(\w{3,})\b",
    "which country won")
SUBJECT = rule("subject before a colon", r"[^:.?!,;()\n]{2,60}(?=:\s+)", "Marie Curie: when was she born?")
# fmt: on


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage of a part.  `goes_on` says that it is a sum on the number before; `depends_on` counts within the part."""

    text: str
    depends_on: list[int] = field(default_factory=list)
    context: str = ""
    goes_on: bool = False


def stages(part: str) -> list[Stage]:
    """Give the stages of a part, two at least, or nothing."""
    return _chain(part) or _with_subject(part)


def _chain(text: str) -> list[Stage]:
    clauses = _questions(text)
    if len(clauses) < 2 or refers_back(clauses[0]):  # noqa: PLR2004
        return []
    if not all(_builds_on(later, earlier) for earlier, later in pairwise(clauses)):
        return []
    later_stages = [Stage(_of(text, clause), [i], goes_on=_is_sum(clause)) for i, clause in enumerate(clauses[1:])]
    return [Stage(_of(text, clauses[0])), *later_stages]


def _questions(text: str) -> list[Clause]:
    """Give the clauses of a text in which each asks, stands in one short sentence and can't be cut again; else none."""
    masked = mask(text)
    if not is_english(masked):
        return []
    clauses = find_clauses(masked)
    return clauses if all(map(_is_question, clauses)) else []


def _is_question(clause: Clause) -> bool:
    return (
        clause.ask is not None
        and not clause.ask.late
        and clause.ask.mood is not Mood.FRAGMENT
        and len(clause.text.split()) <= _MAX_WORDS
        and len(list(sentences(clause.text))) == 1
        and [finer.text for finer in find_clauses(clause.text)] == [clause.text]
    )


def _of(text: str, clause: Clause) -> str:
    return text[clause.span.start : clause.span.end]


def _ask(clause: Clause) -> Ask:
    assert clause.ask is not None
    return clause.ask


def _body(clause: Clause) -> str:
    return clause.text[_ask(clause).offset :].rstrip(" .?!,;")


def _builds_on(later: Clause, earlier: Clause) -> bool:
    if _goes_on_with_number(later):
        return _asks_number(earlier)
    is_question = _ask(later).mood is Mood.QUESTION or _ask(later).word in _SAID
    return is_question and _ask(later).word != "why" and _is_about_answer(_body(later), _body(earlier))


def _goes_on_with_number(clause: Clause) -> bool:
    """Tell whether a clause is a sum, in nothing but words of sums, on the one thing it points back to."""
    body = _body(clause)
    if _ask(clause).mood is Mood.COMMAND and _ask(clause).word not in sums.CONTINUING:
        return False
    words = [word.lower() for word in WORD.pattern.findall(REFERENCE.pattern.sub(" ", body))]
    if not all(word in sums.WORDS or word[0].isdigit() or word in grammar.SMALL_NUMBER for word in words):
        return False
    num_references = len(REFERENCE.pattern.findall(body))
    return num_references == 1 or (num_references == 0 and OBJECTLESS.pattern.fullmatch(body) is not None)


def _is_sum(clause: Clause) -> bool:
    """Tell whether a clause goes on with a number and asks for one, not for yes or no."""
    is_number_asked = _ask(clause).mood is Mood.COMMAND or _ask(clause).word in ("what", "how")
    return is_number_asked and _goes_on_with_number(clause)


def _asks_number(clause: Clause) -> bool:
    """Tell whether one number answers a clause."""
    body = _body(clause)
    if MASKED in body or _words(body).count("and") + _words(body).count("or") > len(ONE_OF_TWO.pattern.findall(body)):
        return False
    return bool(
        _goes_on_with_number(clause)
        or _ask(clause).word in verbs.CALCULATING
        or calculate(body) is not None
        or SUM_ASKED.pattern.search(body)
        or asks_quantity(body)
        or "year" in _words(body)[:3]
        or ONE_OF_TWO.pattern.search(body)
    )


def _is_about_answer(later: str, earlier: str) -> bool:
    """Tell whether a question is about the person or thing that the one before asks for."""
    if sum(word in grammar.REFERRING for word in _words(later)) != 1:
        return False
    noun = NOUN_ASKED.pattern.match(earlier)
    if noun and re.search(rf"\b(?:that|this)\s+{re.escape(noun[1])}\b", later, re.IGNORECASE):
        return True
    if PERSON_ASKED.pattern.match(earlier) and PERSON.pattern.search(later):
        return True
    return bool(THING_ASKED.pattern.match(earlier) and THING.pattern.search(later))


# --- a subject that is named once ------------------------------------------------------------------------------------


def _with_subject(text: str) -> list[Stage]:
    """Give the questions about a subject that is named before a colon, each with it as its context, or nothing."""
    found = SUBJECT.pattern.match(text)
    subject = found[0] if found else ""
    if not subject or len(subject.split()) > _MAX_SUBJECT_WORDS or is_lead_in(subject) or ask_of(subject):
        return []
    rest = text[len(subject) + 1 :].lstrip()
    clauses = _questions(rest)
    shared = (forms for forms in grammar.PRONOUN_FORMS if all(_is_about(clause, forms) for clause in clauses))
    return [Stage(_of(rest, clause), context=subject) for clause in clauses] if clauses[1:] and any(shared) else []


def _is_about(clause: Clause, forms: frozenset[str]) -> bool:
    """Tell whether a question is about what one pronoun stands for, and about nothing else that came before."""
    references = grammar.REFERRING.intersection(_words(clause.text))
    return _ask(clause).mood is Mood.QUESTION and bool(references) and references <= forms


def _words(text: str) -> list[str]:
    return [word.lower() for word in LETTERS.pattern.findall(text)]
