"""How a question is put to a small instruct model, and how its replicas are made to differ.

The system text depends on the kind of question alone, so that its tokens are shared by all questions of the kind.  A
sum that is stated outright is asked for its value.  Any other is a word problem, however short, and is asked in two
ways that seldom err alike: worked steps, and a program that the node computes.  Two answers by different ways that
agree are strong evidence; a short layout of the steps made the models worse.  Chosen by trial with
Qwen2.5-Coder-Instruct 0.5B and 1.5B (Q4_K_M); of 30 short problems the larger had 28 right by a program, 23 when asked
for the number alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from schemas.terms import Operation
from services.voting.calculator import calculate
from services.voting.prompt import Prompt
from services.voting.words import INTERROGATIVE, capital, ended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from schemas.messages import ModelAnswer

SAMPLING_TEMPERATURE = 0.7
WORTH = 0.6
_MAX_SEED = 2**31 - 1  # llama.cpp takes a uint32, of which the last means "random"

FACT, SUM, STEPS, PROGRAM, COMPARE, TEXT = "fact", "sum", "steps", "program", "compare", "text"

# (method, sampled) of each replica of a word problem: two short programs that agree need no long steps.
_WAYS = ((PROGRAM, False), (PROGRAM, True), (STEPS, False), (PROGRAM, True), (STEPS, True))

_PLAIN = "You are a helpful assistant."
_SUM = "Reply with the result only: one number, no words, no steps."
_SEARCH = "You are a helpful assistant who knows the facts. State the fact that is asked for in one sentence."
_COMPARE = "Reply in 2 to 4 sentences."  # in the user's turn: as system text it was not followed
_GENERATE = "You are a helpful assistant. Do what is asked, concisely. Begin with the result itself, without preamble."
_PROGRAM = (
    "Write Python lines that compute the answer: one assignment per line with descriptive names, no functions, "
    "no print, no comments; the last line assigns `answer`. Code only."
)

# What else is looked for ("find the best ...") is answered at length if it is not told to be short.
_ASKS_A_FACT = re.compile(rf"{INTERROGATIVE.pattern}|(?:tell\s+me|name|state|give(?:\s+me)?)\b", re.IGNORECASE)
_ASKS_A_LIST = re.compile(
    r"(?:list|enumerate)\b"
    r"|(?:name|state|tell\s+me|give\s+me|(?:what|which)\s+are)\s+(?:me\s+)?(?:all\b|(?:the\s+)?(?:(?:first|last|main)\s+)?"
    r"(?:[0-9]{1,2}|two|three|four|five|six|seven|eight|nine|ten|twelve)\b(?!\s+of\b))",
    re.IGNORECASE,
)
_WORDS = re.compile(r"\b([0-9]{2,4})[\s-]+words?\b", re.IGNORECASE)
_LIST_TOKENS, _TEXT_TOKENS, _MAX_TEXT_TOKENS = 192, 192, 1024
_TOKENS_PER_WORD = 2  # above what English takes, about 1.4, so that a text of that length comes to its end


@dataclass(frozen=True, slots=True)
class Asking:
    """How one model is asked: the prompt, the method that it stands for, temperature and seed in [0, 2**31)."""

    prompt: Prompt
    method: str
    temperature: float
    seed: int


def asking(question: str, operation: Operation, replica: int, slot: int) -> Asking:
    """Return how the model in a node's `slot` is asked by replica number `replica` of a chunk.

    The first time that a method is used it is used greedily, later ones sample, each with a seed of its own.  Seeds
    follow from the question, so that the same question asked twice is the same request, in every process.
    """
    method, sampled = None, replica > 0
    if operation is Operation.MATH and calculate(question) is None:
        method, sampled = _WAYS[replica % len(_WAYS)]
        sampled |= replica >= len(_WAYS)
    digest = sha256(f"{question}/{operation}/{replica}/{slot}".encode()).digest()
    prompt, method = _prompt(capital(ended(question)), operation, method)
    return Asking(prompt, method, SAMPLING_TEMPERATURE if sampled else 0.0, int.from_bytes(digest[:4]) & _MAX_SEED)


def asking_again(question: str, ways: Sequence[Asking], answers: Sequence[ModelAnswer]) -> list[Asking]:
    """Return how to ask next, where none of the answers so far says anything: what programs came to nothing, in steps.

    It samples, since a later replica works the same steps greedily: twice the same text is no second opinion.
    """
    if not answers or any(each.final for each in answers) or any(way.method != PROGRAM for way in ways):
        return []
    prompt, method = _prompt(capital(ended(question)), Operation.MATH, STEPS)
    return [replace(way, prompt=prompt, method=method, temperature=SAMPLING_TEMPERATURE) for way in ways]


def worth_asking(trusts: Sequence[float], method: str) -> list[bool]:
    """Tell which of a node's models to ask by a method, by how far each is to be trusted with it.

    A word problem costs many tokens: there a model that is far behind the node's best would cost time and decide
    nothing.
    """
    return [method not in (PROGRAM, STEPS) or each >= WORTH * max(trusts) for each in trusts]


def _prompt(question: str, operation: Operation, method: str | None) -> tuple[Prompt, str]:
    match operation:
        case Operation.MATH if method == PROGRAM:
            return Prompt(_PLAIN, f"{question}\n\n{_PROGRAM}", max_tokens=240), PROGRAM
        case Operation.MATH if method == STEPS:
            return Prompt(_PLAIN, question, max_tokens=400), STEPS
        case Operation.MATH:
            return Prompt(_SUM, question, max_tokens=48, stop=("\n\n",)), SUM
        case Operation.SEARCH:
            return _fact_prompt(question), FACT
        case Operation.COMPARE:
            return Prompt(_PLAIN, f"{question} {_COMPARE}", max_tokens=160), COMPARE
        case Operation.GENERATE:
            return Prompt(_GENERATE, question, max_tokens=_text_tokens(question)), TEXT


def _fact_prompt(question: str) -> Prompt:
    if _ASKS_A_LIST.match(question):
        return Prompt(_PLAIN, question, max_tokens=_LIST_TOKENS)
    system = _PLAIN if _ASKS_A_FACT.match(question) else _SEARCH
    return Prompt(system, question, max_tokens=64, stop=("\n\n",))


def _text_tokens(question: str) -> int:
    """Return how many tokens a text may take: what the number of words that is asked for needs."""
    words = max((int(each) for each in _WORDS.findall(question)), default=0)
    return min(_MAX_TEXT_TOKENS, max(_TEXT_TOKENS, _TOKENS_PER_WORD * words))
