"""`sum`: a calculation that the request states outright, which the calculator reads too."""

from __future__ import annotations

from services.kinds.kind import Kind, Reading, Said, Sampling, Way, always, as_final
from services.kinds.prompt import Prompt
from services.kinds.reading.extract import final_number
from services.voting.calculator import calculate

METHOD = "sum"
MAX_TOKENS = 48

_SYSTEM = "Reply with the result only: one number, no words, no steps."
_WAYS = (Way(METHOD), Way(METHOD, Sampling.VARIED))


def is_sum(request: str) -> bool:
    """Tell whether the calculator reads a request."""
    return calculate(request) is not None


def _prompt(question: str, _: str) -> Prompt:
    return Prompt(_SYSTEM, question, max_tokens=MAX_TOKENS, stop=("\n\n",))


def _read(said: Said) -> Reading:
    return Reading(said.text.strip(), final_number(said.text, said.question))


SUM = Kind(
    name="sum",
    recognise=is_sum,
    ways=lambda _: _WAYS,
    prompt=_prompt,
    read=_read,
    comparable=always,
    tell=as_final,
    stated=True,
)
