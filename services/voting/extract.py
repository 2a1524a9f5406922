r"""The final answer inside a model's text, which is what votes compare.

Knows the ways in which small instruct models give one: `\boxed{}`, `#### 18`, "Answer: ...", "the answer is ...", the
right side of the last equation, a bare first line, and the plain sentences of facts ("The capital of Norway is
Oslo.", "Oslo is the capital of Norway.", "It was written by Jane Austen.").  Of the two sides of "is" the answer is the
one that says less of what the question said.
"""

from __future__ import annotations

import re
from itertools import pairwise, takewhile

from schemas.terms import Operation
from services.voting.expression import expressions
from services.voting.expression import plain as plain_expression
from services.voting.quantity import Quantity, compounds, quantities
from services.voting.words import content_words, sentences

_MARKUP = (
    (re.compile(r"^[ \t]*```[^\n]*$", re.MULTILINE), ""),
    (re.compile(r"^[ \t]*####[ \t]*(?=\S{0,3}[0-9])", re.MULTILINE), "Answer: "),
    (re.compile(r"^[ \t]*(?:#{1,6}|>|[-*•+])[ \t]+(?=\S)", re.MULTILINE), ""),
    (re.compile(r"\*\*|__|`"), ""),
    (re.compile(r"(?<![\w*])\*(?=\S)([^*\n]{1,200})(?<=\S)\*(?![\w*])"), r"\1"),
    (re.compile(r"(?<=[0-9])(?=\\[dt]?frac\{)"), " "),
    (re.compile(r"(?<=[0-9])\{,\}(?=[0-9])"), ","),
    (re.compile(r"\\[dt]?frac\{([^{}]{1,40})\}\{([^{}]{1,40})\}"), r"\1/\2"),
    (re.compile(r"\\(?:text|mathrm|mathbf)\{([^{}]{0,200})\}"), r"\1"),
    (re.compile(r"\\(?:[\[\]()]|left|right)"), " "),
    (re.compile(r"\\(?:times|cdot)"), "×"),
    (re.compile(r"\\([,;! %$])"), r"\1"),
    (re.compile(r"[ \t]{2,}"), " "),
    (re.compile(r"\A(?:sure|certainly|of course|absolutely)[!.]\s+", re.IGNORECASE), ""),
    (re.compile(r"</?(?:number|answer|result)>", re.IGNORECASE), " "),
    (re.compile(r"\b(?:the\s+)?(?:final\s+)?answer(?:\s+is)?\s*:\s*\Z", re.IGNORECASE), ""),
)
_BOXED = re.compile(r"\\boxed\{((?:[^{}]|\{[^{}]{0,200}\}){1,400})\}")
_ANNOUNCED = re.compile(
    r"\b(?:answer|result)(?:\s+to\b[^\n:.]{0,80}?)?(?:\s+is\b(?:\s*:)?|\s*[:=])\s*(?=\S)", re.IGNORECASE
)
_BULLET = re.compile(r"^[ \t]*(?:[-*•+]|[0-9]{1,2}[.)])[ \t]+(\S.*)$", re.MULTILINE)
_YES_NO = re.compile(r"\s*(yes|no|true|false)(?:[,.;:!]|\s*$)", re.IGNORECASE)

_CLOCK_OR_RATIO = re.compile(
    r"(?<![\w:.])[0-9]{1,4}:[0-9]{1,4}(?![\w:])(?:\s?[ap]\.?m\b)?|\b[0-9]{1,2}\s?[ap]\.?m\b", re.IGNORECASE
)
_IN_BRACKETS = re.compile(  # words or a sum: "(since 3.5 rounds up)", "(5 × $2.50)"
    r"(?<![-+×*/÷=])\s\((?:[a-z]{2,}\s|[^()]{0,40}[0-9]\s?[-+×*/÷=])[^()]{0,80}\)", re.IGNORECASE
)
_SAID = re.compile(r".*(?:=|\b(?:is|are|was|were|equals?)\b)\s*")
_AND = re.compile(r"\s*(?:,|,?\s(?:and|or)\b)\s*")
_FOLLOWING = re.compile(r"(?:[ -][^\W\d_]+){1,3}")
_HOW_MANY = re.compile(
    r"\bhow\s+(?:many|much)\s+(?P<what>[a-z]+(?:\s+[a-z]+){0,4}?)(?=[?.,]|\s*\Z|\s+(?:do|does|did|is|are|was|were|will|"
    r"would|can|could|has|have|had|should|must|there|in|of|for|to|per|from|on|at|than|if|when)\b)",
    re.IGNORECASE,
)
_PRICE = re.compile(
    r"\bhow\s+much\b.*\b(?:money|costs?|pay|paid|spen[dt]|earn|charge|price|worth|owe|save)\b", re.IGNORECASE
)
_MONEY = frozenset("dollar cent euro pound yen rupee".split())
_LEFT = frozenset("left remain remaining".split())
_NUMBERS_IN_BRACKETS = re.compile(r"\s*\([^()]{0,60}(?<![^\W_])[0-9][^()]{0,60}\)")
_ASKS_WHEN = re.compile(
    r"\bwhen\s+(?:is|are|was|were|did|does|do|will|ha[sd])\b|\b(?:what|which)\s+(?:year|date|day)\b", re.IGNORECASE
)
_ASKS_HOW_MANY = re.compile(r"\bhow\s+(?:many|much)\b", re.IGNORECASE)
_ASKS_DEED = re.compile(r"\b(?:what|which|whom?)(?:\s+[\w'’-]+){0,3}?\s+(?:did|does|do)\b", re.IGNORECASE)
_ASKS_WHERE = re.compile(r"\bwhere\b|\b(?:what|which)\s+(?:city|town|country|state|place)\b", re.IGNORECASE)
_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]{0,6}\.?"
_MOMENT = re.compile(
    rf"(?<![\w.,$€£])(?:{_MONTH}\s(?:[0-9]{{1,2}}(?:st|nd|rd|th)?,?\s)?|[0-9]{{1,2}}(?:st|nd|rd|th)?\s{_MONTH}\s)?"
    r"(?:[0-9]{1,4}\s?(?:BCE?|AD|CE)\b|AD\s[0-9]{1,4}\b|[0-9]{3,4}(?![\w%]|[.,][0-9]))",
    re.IGNORECASE,
)
_ASIDE = re.compile(
    r",\s+(?:which|who|whose|where|when|while|with|and it|located|known|also|because|since|as|so|a|an)\b.*", re.DOTALL
)
_AGENT = re.compile(r"\b(?:was|is|were|are|been)\s+(?:\w+\s+)?\w+\s+by\s+((?:the\s+)?[A-Z].*)", re.DOTALL)
_MAKER = re.compile(
    r"((?:[A-Z][\w.'’-]*|da|de|van|von|and)(?:\s+(?:[A-Z][\w.'’-]*|da|de|van|von|der|and)){0,5})\s+(?:first\s+)?"
    r"(?:wrote|painted|discovered|invented|composed|developed|founded|directed|designed|built|sculpted|gave|created|"
    r"formulated|proposed|introduced|won|signed|sang)\b\s*"
)
_IS = re.compile(r"\s+(?:is|are|was|were)\s+(?!not\b)")
_ARTICLE = re.compile(r"(?:the|an?|its?|this|that|there|one)\b", re.IGNORECASE)
_LOCATED = re.compile(r"(?:located|found|situated|called|known as|named|about|approximately)\s+(?:in\s+)?")
_DESCRIPTION = re.compile(
    r"(?:(?:also\s+|often\s+)?(?:known as|called|named|considered)\s+)?(?:the|an?|its?|one)\b"
    r"|(?!located|found|situated|called|known|named)\w{2,}(?:ed|en|wn)\b(?!\s+by\b)"
)
_WHEN = re.compile(r"\s+(?:in|on|around|during)\s+[^,]{0,20}[0-9]{3,4}\b.*", re.DOTALL)

_MAX_SUBJECT_WORDS = 4
_MAX_SHORT_WORDS = 5
_MAX_ANSWER_WORDS = 10


def final_answer(text: str, operation: Operation, question: str = "") -> str:
    """Return the final answer of `text` to `question`; empty only if it holds nothing but white space and markup."""
    boxed = _BOXED.findall(text)
    if boxed:
        text = f"Answer: {boxed[-1]}"
    plain = plain_text(text)
    if operation is Operation.MATH:
        return _result(plain, question)
    if operation is Operation.SEARCH:
        listed = _BULLET.findall(text) if not _ANNOUNCED.search(plain) else []
        return _fact(plain, question) if len(listed) < 2 else ", ".join(_trim(plain_text(item)) for item in listed)  # noqa: PLR2004
    return " ".join(plain.split())


def plain_text(text: str) -> str:
    """Return `text` without Markdown and LaTeX markup; lines stay, runs of white space become one."""
    text = "\n".join(" ".join(line.split()) for line in text.splitlines())
    for pattern, replacement in _MARKUP:
        text = pattern.sub(replacement, text)
    return text.strip()


def _result(text: str, question: str) -> str:
    """Return a sum's result: what is announced, else a bare first line, else what the last line tells."""
    announced = _announced(text)
    if announced:
        return _number_in(announced, place=0) or announced
    yes_no = _YES_NO.match(text)
    if yes_no:
        return yes_no[1]
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if not lines:
        return ""
    if _is_bare(lines[0]):
        return _trim(lines[0])
    last = next((line for line in reversed(lines) if quantities(line) or expressions(plain_expression(line))), None)
    return _number_in(last, question, place=-1) if last else _trim(sentences(lines[0])[0])


def _announced(text: str) -> str:
    """Return what follows the last "answer:" or "answer is", to its line's end."""
    *_, after = _ANNOUNCED.split(text)
    return _trim(after.splitlines()[0]) if len(after) < len(text) else ""


def _number_in(line: str, question: str = "", *, place: int) -> str:
    """Return what a line tells: the right side of an equation, an expression, a list, what is asked, else a number.

    That is the first number of an announcement or a right side, the last of a sentence; of a short line it is all.
    """
    right = line.rpartition("=")[2] if "=" in line else ""
    if quantities(right):
        line, place = right, 0
    line = stripped if quantities(stripped := _IN_BRACKETS.sub("", line)) else line
    pairs = _CLOCK_OR_RATIO.findall(line)
    if pairs:
        return str(pairs[place])
    found = compounds(line, quantities(line))
    told = line[said.end() if (said := _SAID.match(line)) else 0 :]
    if _is_expression(told) or (said and _is_list(told)):
        return _trim(told)
    if not found:
        return ""
    if said and _is_bare(told):
        return told[: quantities(told)[0].end]
    if len(line.split()) <= _MAX_SHORT_WORDS and (len(found) > 1 or found[0].start == 0):
        return _trim(line)
    chosen = _asked(line, found, question) or found[place]
    return line[chosen.start : chosen.end].strip()


def _is_expression(told: str) -> bool:
    """Whether a phrase begins with an expression and holds no number beside expressions: "25π square cm"."""
    told = plain_expression(told)
    terms = expressions(told)
    alone = [each for each in quantities(told) if not any(term.start <= each.start < term.end for term in terms)]
    return bool(terms) and not terms[0].start and not alone and len(told.split()) <= _MAX_ANSWER_WORDS


def _is_list(told: str) -> bool:
    found = quantities(told)
    gaps = [told[one.end : other.start] for one, other in pairwise(found)]
    return (
        bool(gaps) and not found[0].start and all(map(_AND.fullmatch, gaps)) and not told[found[-1].end :].strip(" .")
    )


def _asked(line: str, found: list[Quantity], question: str) -> Quantity | None:
    """Return the last number of what the question asks to count, where the line's last number is of something else.

    A number that the question holds itself is none, and one of nothing ("so 15 remain") may be of anything.
    """
    known = {each.value for each in quantities(question)}
    new = [(each, _counted(line, each)) for each in found if each.value not in known]
    if _LEFT & content_words(question):
        for each, what in reversed(new):
            if what & _LEFT:
                return each
    last = found[-1]
    if last.unit is None and _counted(line, last) <= _LEFT:
        return None
    asked = _HOW_MANY.search(question)
    nouns = content_words(asked["what"]) if asked else frozenset()
    money = _MONEY if _PRICE.search(question) else frozenset()
    return next((each for each, what in reversed(new) if what & nouns or each.unit in money), None)


def _counted(line: str, number: Quantity) -> frozenset[str]:
    """Return the words right behind a number, its unit included, up to a mark or a word without meaning."""
    following = _FOLLOWING.match(line, number.end)
    words = takewhile(content_words, following[0].split()) if following else ()
    return content_words(" ".join([line[number.start : number.end], *words]))


def _is_bare(line: str) -> bool:
    found = quantities(line)
    return len(found) == 1 and found[0].start == 0 and "=" not in line and len(line.split()) <= _MAX_SHORT_WORDS


def _fact(text: str, question: str) -> str:
    """Return the answer of a factual sentence: a name, a number, a short phrase, else the first sentence."""
    text = _announced(text) or text
    yes_no = _YES_NO.match(text)
    if yes_no:
        return yes_no[1]
    first = next(iter(sentences(text)), "")
    sentence = _trim(_ASIDE.sub("", _NUMBERS_IN_BRACKETS.sub("", first)))
    return _moment(sentence, question) or _asserted(sentence, question) or sentence or _trim(first)


def _asserted(sentence: str, question: str) -> str:
    """Return who did it or what was done, or the side of "is" that tells something new; else nothing.

    Where the question does not decide between two sides, grammar does.
    """
    agent, maker = _AGENT.search(sentence), _MAKER.match(sentence)
    if agent:
        return _deed(_WHEN.sub("", agent[1]), sentence[: agent.start()].strip(), question)
    if maker:
        return _deed(maker[1], _WHEN.sub("", sentence[maker.end() :]), question)
    parts = _IS.split(sentence)
    if len(parts) == 1:
        return ""
    subject, told = parts[0], _LOCATED.sub("", parts[-1], count=1)
    if len(parts) == 2 and (side := _less_known(subject, told, content_words(question))):  # noqa: PLR2004  one "is"
        return side
    is_name = len(subject.split()) <= _MAX_SUBJECT_WORDS and not _ARTICLE.match(subject)
    if is_name and _DESCRIPTION.match(parts[1]) and not quantities(parts[1]):
        return subject
    return told if len(told.split()) <= _MAX_ANSWER_WORDS else ""


def _moment(sentence: str, question: str) -> str:
    """Return the one date or year that a sentence holds beyond the question's, where that is asked."""
    if not _ASKS_WHEN.search(question):
        return ""
    known = set(_MOMENT.findall(question))
    told = [moment for moment in _MOMENT.findall(sentence) if moment not in known]
    return told[0] if len(told) == 1 else ""


def _deed(doer: str, deed: str, question: str) -> str:
    """Return who did something, or what was done, whichever is asked; empty if neither is, or it is not certain."""
    if _ASKS_HOW_MANY.search(question):
        return deed if quantities(deed) and not quantities(doer) else ""
    if _ASKS_WHEN.search(question) or _ASKS_WHERE.search(question):
        return ""
    asked, is_short = content_words(question), len(deed.split()) <= _MAX_ANSWER_WORDS
    if _ASKS_DEED.search(question):
        return deed if content_words(deed) - asked and is_short else ""
    return _less_known(doer, deed, asked) or (doer if content_words(doer).isdisjoint(asked) else "")


def _less_known(one: str, other: str, asked: frozenset[str]) -> str:
    """Return the phrase of which the question held the smaller share; empty if it is long, or the shares are equal."""
    words = [content_words(one), content_words(other)]
    if not all(words):
        return ""
    known = [len(each & asked) / len(each) for each in words]
    new = one if known[0] < known[1] else other
    return new if known[0] != known[1] and len(new.split()) <= _MAX_ANSWER_WORDS else ""


def _trim(phrase: str) -> str:
    """Return a phrase without quotes and without closing punctuation, except after an initial ("D.C.")."""
    phrase = phrase.strip().strip("\"“”'‘’").strip()
    return re.sub(r"(?<![A-Z])[.,;:!\"”]+$", "", phrase).strip()
