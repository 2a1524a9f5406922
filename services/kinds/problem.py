"""`problem`: figures in a story or a formula, to be worked to a result.

It is asked in two ways that seldom err alike: worked steps, and a program that is parsed and computed, never run.  Two
answers by different ways that agree are strong evidence; a short layout of the steps made the models worse.  Chosen by
trial with Qwen2.5-Coder-Instruct 0.5B and 1.5B (Q4_K_M): of 30 short problems the larger had 28 right by a program, 23
when asked for the number alone.
"""

from __future__ import annotations

import re

from services.kinds.kind import Kind, Reading, Said, Sampling, Way, always, as_final
from services.kinds.opening import asks_for_writing, opening
from services.kinds.prompt import PLAIN, Prompt
from services.kinds.reading.extract import final_number
from services.kinds.reading.program import before_fence, run, run_fenced
from services.kinds.sum import SUM
from services.language import grammar, verbs
from services.language.grammar import either
from services.language.number_words import FEW, MULTIPLES, TEENS, TENS
from services.voting.calculator import calculate

PROGRAM, STEPS = "program", "steps"
PROGRAM_TOKENS, STEPS_TOKENS = 240, 400

_WORTH = 0.6
_CODE = (
    "Write Python lines that compute the answer: one assignment per line with descriptive names, no functions, "
    "no print, no comments; the last line assigns `answer`. Code only."
)
# Two short programs that agree need no long steps.
_WORKED = (
    Way(PROGRAM, worth=_WORTH),
    Way(PROGRAM, Sampling.VARIED, _WORTH),
    Way(STEPS, worth=_WORTH),
    Way(PROGRAM, Sampling.VARIED, _WORTH),
    Way(STEPS, Sampling.VARIED, _WORTH),
)
_EXPLAINED = (Way(STEPS, worth=_WORTH), Way(STEPS, Sampling.VARIED, _WORTH))
_EXPLAIN = re.compile(
    r"\b(?:explain|show\s+(?:your|the|all|me)|step[\s-]by[\s-]step|justify|prove|reason(?:ing)?\s+(?:through|out)|derive"
    r"|how\s+(?:did|do)\s+you)\b",
    re.IGNORECASE,
)
_NUMERAL = re.compile(
    rf"\d[\d,]*(?:\.\d+)?|\b(?:{either((*FEW, *TEENS, *TENS, 'hundred', 'thousand', 'dozen', 'half', *MULTIPLES))})\b",
    re.IGNORECASE,
)
_YEAR = re.compile(r"1\d{3}|20\d{2}")
_VERB = re.compile(rf"(?:{either(verbs.CALCULATING)})\b".replace(" ", r"\s+"), re.IGNORECASE)
_ASKS_FOR_A_NUMBER = re.compile(
    rf"\bhow\s+(?:{either(grammar.MEASURED)})\b"
    r"|\b(?:what|which|find|calculate|determine|the)\b.{0,40}\b(?:percent|percentage|fraction|total|average|profit|cost"
    r"|probability|remainder|number\s+of)\b",
    re.IGNORECASE,
)
_THEN = re.compile(r"\b(?:add|subtract|multiply|divide|double|halve)\b", re.IGNORECASE)
_MEASURE = re.compile(
    r"\b(?:area|perimeter|circumference|volume|surface|hypotenuse|speed|interest|discount|change|tip|split|shared?"
    r"|divisor|factor|multiple|gcd|hcf|lcm|remainder|divisible)\b",
    re.IGNORECASE,
)
_DIMENSION = re.compile(r"\b(?:side|edge|radius|diameter)\b", re.IGNORECASE)
_FORMULA = re.compile(
    r"\d\s?(?:[-+*/×÷^%=]|\*\*|plus\b|minus\b|times\b|divided\s+by\b|multiplied\s+by\b|to\s+the\s+power|squared|cubed"
    r"|factorial|mod\b|choose\s+\d|percent\s+of\b)(?!\d{0,9}[-/]\d)"
    r"|\b(?:is|of|compute)\s+\d{1,9}!|\b(?:half|double|twice|triple|square|cube)\s+(?:of\s+)?\d"
    r"|(?:square|cube)\s+root|\blog(?:arithm)?\s+of\b"
    r"|\bis\s+\d[\d,]{0,20}\s+(?:an?\s+)?(?:prime|even|odd|composite|divisible|perfect)\b"
    r"|\b(?:sum|product|average|mean|median|derivative|integral|factorial|probability)\s+of\s+(?=.{0,40}\d)",
    re.IGNORECASE,
)
_AMOUNT = re.compile(r"\bhow\s+(?:many|much|long|far|old|tall|big|heavy|often)\b(?!\s+is\s+[a-z]\b)", re.IGNORECASE)
_SIGNED = re.compile(
    r"\b(?:below|negative|minus|loss|lose|lost|debt|owes?|degrees?|temperature|change|balance|overdrawn)\b",
    re.IGNORECASE,
)
_STORY = re.compile(r"[.,;]\s[^?]*\?\s*$")
_SHORT_STORY_CHARS = 300
_MAX_CHARS = 3000
_MAX_LINE_ENDS = 5  # what has more is data, and a text is asked of it


def is_problem(request: str) -> bool:
    """Tell whether a request asks for a number and brings the numbers that it follows from."""
    if (
        len(request) > _MAX_CHARS
        or request.strip().count("\n") > _MAX_LINE_ENDS
        or asks_for_writing(_EXPLAIN.sub(" ", request))
    ):
        return False
    return bool(_VERB.match(opening(request)) or _FORMULA.search(request) or _gives_numbers(request))


def _gives_numbers(request: str) -> bool:
    numbers = [number for number in _NUMERAL.findall(request) if not _YEAR.fullmatch(number)]
    if not numbers or _ASKS_FOR_A_NUMBER.search(request) or (len(numbers) > 1 and _THEN.search(request)):
        return bool(numbers)
    if len(numbers) == 1:
        return bool(_MEASURE.search(request) and _DIMENSION.search(request))
    return bool(_MEASURE.search(request)) or (len(request) <= _SHORT_STORY_CHARS and bool(_STORY.search(request)))


def _ways(question: str) -> tuple[Way, ...]:
    """Choose the ways: what was stated outright once its parts are known is a sum, an explanation needs the steps."""
    if calculate(question) is not None:
        return tuple(SUM.ways(question))
    return _EXPLAINED if _EXPLAIN.search(question) else _WORKED


def _prompt(question: str, method: str) -> Prompt:
    match method:
        case "program":
            # what is said after the program is not read
            return Prompt(PLAIN, f"{question}\n\n{_CODE}", max_tokens=PROGRAM_TOKENS, stop=("\n```",))
        case "steps":
            return Prompt(PLAIN, question, max_tokens=STEPS_TOKENS)
        case _:
            return SUM.prompt(question, method)


def _read(said: Said) -> Reading:
    """Read a program by its steps with their values, and what it comes to; worked steps by their end.

    An amount has no sign.  Among worked steps too a program counts for more than the output that the model made up for
    it.  A fenced program that was cut off says nothing: its last line may be half a line.
    """
    whole = not (said.cut_off and said.text.count("```") % 2 == 1)
    if said.method == PROGRAM:
        computed = run(said.text) if whole else None
        if computed is None:
            return Reading(said.text.strip(), "")
        if computed.value.startswith("-") and _asks_for_an_amount(said.question):  # subtracted the wrong way round
            amount = computed.value.removeprefix("-")
            return Reading(f"{computed.steps}\nAnswer: {amount}", amount)
        return Reading(computed.steps, computed.value)
    if said.method == STEPS and whole and (computed := run_fenced(said.text)) is not None:
        worked = f"{before_fence(said.text)}\n{computed.steps}\nAnswer: {computed.value}"
        return Reading(worked.strip(), computed.value)
    return Reading(said.text.strip(), final_number(said.text, said.question))


def _asks_for_an_amount(question: str) -> bool:
    """Whether the answer is a count or a size, which is never below zero."""
    return bool(_AMOUNT.search(question)) and not _SIGNED.search(question)


PROBLEM = Kind(
    name="problem",
    recognise=is_problem,
    ways=_ways,
    prompt=_prompt,
    read=_read,
    comparable=always,
    tell=as_final,
    fallback=Way(STEPS, Sampling.VARIED, _WORTH),  # a later replica works the same steps greedily
    stated=True,
)
