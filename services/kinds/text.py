"""`text`: everything else, and whatever is in doubt.  The best model writes it alone: nothing is voted on."""

from __future__ import annotations

from services.kinds.kind import Kind, Reading, Said, Sampling, Way
from services.kinds.prompt import Prompt

METHOD = "text"
MAX_TOKENS = 1024

_WAYS = (Way(METHOD, Sampling.ADVISED),)


def open_prompt(question: str, _: str) -> Prompt:
    """Put a request as it stands, with room for a long answer; the model's own template speaks for the system."""
    return Prompt("", question, max_tokens=MAX_TOKENS)


def read_whole(said: Said) -> Reading:
    """Take the whole text for the answer."""
    text = said.text.strip()
    return Reading(text, text)


TEXT = Kind(
    name="text",
    recognise=lambda _: True,
    ways=lambda _: _WAYS,
    prompt=open_prompt,
    read=read_whole,
    voted=False,
)
