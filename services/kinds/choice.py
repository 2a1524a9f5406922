"""`choice`: the answer is one of the options that the request gives, or yes or no.

What follows from facts that are stated (who holds what after a row of swaps, how many, which day) is put to a model as
a program, which is computed here and never run: a small model writes the steps down more surely than it takes them.
Where it only states an answer, or none that is an option, it is asked the question as it stands.
"""

from __future__ import annotations

import re

from services.kinds.kind import Kind, Reading, Said, Sampling, Way, always
from services.kinds.opening import MAX_SHORT_WORDS, asks_for_writing, begins_with_writing, is_short, opening
from services.kinds.problem import is_problem
from services.kinds.prompt import PLAIN, Prompt
from services.kinds.reading.options import Options, find_options, option_of, read_option
from services.kinds.reading.program import carry_out
from services.kinds.worked import EXAMPLES, instructed

BRIEF, DIRECT, STEPS, PROGRAM = "choice-brief", "choice", "choice-steps", "choice-program"
BRIEF_TOKENS, DIRECT_TOKENS, STEPS_TOKENS, PROGRAM_TOKENS = 96, 16, 512, 320

_ONLY = "Reply with the answer only: {form}."
_WORTH = 0.8  # what is generated is long, and a model that is behind was right too seldom to be worth it
_WORKED = (Way(STEPS, worth=_WORTH), Way(DIRECT), Way(STEPS, Sampling.VARIED, _WORTH))
_PLAIN = (Way(BRIEF), Way(STEPS, worth=_WORTH), Way(STEPS, Sampling.VARIED, _WORTH))
_COMPUTED = (Way(PROGRAM, worth=_WORTH), Way(DIRECT), Way(STEPS, Sampling.VARIED, _WORTH))
_MAX_CHARS = 8000
_MAX_FACTS_CHARS = 1500
_MIN_FACTS = 2
_SENTENCE = re.compile(r"[.!?](?=\s|$)")
_OPTIONS = re.compile(r"^[ \t]*(?:(?:options|choices|answer\s+choices)\s*:|\(?A[).])", re.IGNORECASE | re.MULTILINE)


def is_choice(request: str) -> bool:
    """Tell whether a request gives the options of its answer."""
    if len(request) > _MAX_CHARS or (options := find_options(request)) is None:
        return False
    if options.listed:
        return not begins_with_writing(request)
    return not asks_for_writing(request) and not is_problem(request)  # "Is 91 a prime number?" is better computed


def _is_plain(question: str) -> bool:
    """Whether it is one short question of knowledge, which needs no steps at first."""
    return is_short(question) and len(question.split()) <= MAX_SHORT_WORDS // 2 and "?" in opening(question)


def _states_facts(question: str) -> bool:
    """Whether it says things, not at length, before it asks something of them."""
    stem = _OPTIONS.split(question[:_MAX_CHARS], maxsplit=1)[0]
    return len(stem) <= _MAX_FACTS_CHARS and len(_SENTENCE.findall(stem)) >= _MIN_FACTS


def _ways(question: str) -> tuple[Way, ...]:
    if _is_plain(question):
        return _PLAIN
    return _COMPUTED if _states_facts(question) else _WORKED


def _prompt(question: str, method: str) -> Prompt:
    options = find_options(question) or Options.YES_NO
    if method == BRIEF:
        return Prompt(PLAIN, question, max_tokens=BRIEF_TOKENS, stop=("\n\n",))
    if method == PROGRAM:
        return Prompt(PLAIN, instructed(question), max_tokens=PROGRAM_TOKENS, stop=("\n```",), examples=EXAMPLES)
    if method == DIRECT:
        return Prompt(PLAIN, f"{question}\n\n{_ONLY.format(form=options.form)}", max_tokens=DIRECT_TOKENS)
    return Prompt(PLAIN, question, max_tokens=STEPS_TOKENS)


def _read(said: Said) -> Reading:
    options = find_options(said.question) or Options.YES_NO
    if said.method == PROGRAM:
        return _computed(said, options)
    return Reading(said.text.strip(), read_option(said.text, options))


def _computed(said: Said, options: Options) -> Reading:
    """Read a program: the option that it comes to, told after it.  One that only states its answer proves nothing."""
    outcome = None if said.cut_off else carry_out(said.text)
    if outcome is None or not outcome.worked or outcome.ambiguous:
        return Reading(said.text.strip(), "")
    final = option_of(outcome.value or outcome.text, options)
    return (
        Reading(f"{said.text.strip()}\n```\nAnswer: {options.told(final)}", final) if final else Reading(said.text, "")
    )


CHOICE = Kind(
    name="choice",
    recognise=is_choice,
    ways=_ways,
    prompt=_prompt,
    read=_read,
    comparable=always,
    enough=0.4,  # beyond it more answers were not right more often, whoever gave them
    replicas=2,
    fallback=Way(STEPS, worth=_WORTH),
    num_options=lambda question: len((find_options(question) or Options.YES_NO).named),
)
