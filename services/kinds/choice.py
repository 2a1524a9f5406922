"""`choice`: the answer is one of the options that the request gives, or yes or no."""

from __future__ import annotations

from services.kinds.kind import Kind, Reading, Said, Sampling, Way, always
from services.kinds.opening import MAX_SHORT_WORDS, asks_for_writing, begins_with_writing, is_short, opening
from services.kinds.problem import is_problem
from services.kinds.prompt import PLAIN, Prompt
from services.kinds.reading.options import Options, find_options, read_option

BRIEF, DIRECT, STEPS = "choice-brief", "choice", "choice-steps"
BRIEF_TOKENS, DIRECT_TOKENS, STEPS_TOKENS = 96, 16, 512

_ONLY = "Reply with the answer only: {form}."
_WORTH = 0.6
# As it stands a small model works a hard choice in steps of its own, and is right more often than when it is told how:
# of 20 such choices 9, in about 160 tokens; directly 7, in 3 tokens, not the same ones.  So that comes first, and the
# direct answers, which cost next to nothing, where it leaves doubt.
_WORKED = (Way(STEPS, worth=_WORTH), Way(DIRECT), Way(STEPS, Sampling.VARIED, _WORTH))
_PLAIN = (Way(BRIEF), Way(STEPS, worth=_WORTH), Way(STEPS, Sampling.VARIED, _WORTH))
_MAX_CHARS = 8000


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


def _ways(question: str) -> tuple[Way, ...]:
    return _PLAIN if _is_plain(question) else _WORKED


def _prompt(question: str, method: str) -> Prompt:
    options = find_options(question) or Options.YES_NO
    if method == BRIEF:
        return Prompt(PLAIN, question, max_tokens=BRIEF_TOKENS, stop=("\n\n",))
    if method == DIRECT:
        return Prompt(PLAIN, f"{question}\n\n{_ONLY.format(form=options.form)}", max_tokens=DIRECT_TOKENS)
    return Prompt(PLAIN, question, max_tokens=STEPS_TOKENS)


def _read(said: Said) -> Reading:
    options = find_options(said.question) or Options.YES_NO
    return Reading(said.text.strip(), read_option(said.text, options))


CHOICE = Kind(
    name="choice",
    recognise=is_choice,
    ways=_ways,
    prompt=_prompt,
    read=_read,
    comparable=always,
    replicas=2,
    num_options=lambda question: len((find_options(question) or Options.YES_NO).named),
)
