"""Which characters a token makes, and how likely those of a span were."""

import math
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.engine import Completion, Request, turns
from models.sequence import Sequence

STOPS = ["b", "ab", "é€", "a🦊", "🦊"]
TOKENS = 100


class Caller:
    cancelled = False
    outcome: Completion | Exception | None = None

    def start(self) -> None: ...

    def say(self, text: str) -> None: ...

    def end(self, outcome: Completion | Exception) -> None:
        self.outcome = outcome


def generate(
    pieces: list[bytes], stop: list[str], *, ends: bool = True, tokens: int = TOKENS, may_loop: bool = False
) -> Completion:
    """Let a sequence sample these pieces, the i-th with log-probability -1 - i, and an end token."""
    caller = Caller()
    request = Request(
        model=Path("fake"), messages=turns("", ""), max_tokens=tokens, stop=tuple(stop), may_loop=may_loop
    )
    sequence = Sequence(request, caller, [1], tokens)
    for i, piece in enumerate([*pieces, None] if ends else pieces):
        if sequence.finish is None:
            sequence.accept(2, -1.0 - i, piece)
    sequence.end(sequence.finish or "deadline")
    assert isinstance(caller.outcome, Completion)
    return caller.outcome


def characters(text: str, start: int, end: int) -> set[int]:
    """Say of which characters the UTF-8 bytes from `start` to `end` are."""
    owners = [i for i, character in enumerate(text) for _ in character.encode()]
    return set(owners[start:end])


@given(
    text=st.text("aabé€🦊 ", max_size=25),
    stop=st.lists(st.sampled_from(STOPS), unique=True, max_size=2),
    ends=st.booleans(),
    data=st.data(),
)
def test_tokens_span_the_characters_that_they_have_bytes_of(
    text: str, stop: list[str], data: st.DataObject, *, ends: bool
) -> None:
    raw = text.encode()
    cuts = [0, *sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=12))), len(raw)]
    whole = cuts if ends else cuts[:-1]  # else it ends wherever it is
    places = list(pairwise(whole))
    said = generate([raw[start:end] for start, end in places], stop, ends=ends)
    assert len(said.token_spans) == len(said.token_logprobs) == said.completion_tokens
    expected = [characters(text, *place) & set(range(len(said.text))) for place in places]
    spanned = [set(range(*span)) for span in said.token_spans]
    assert spanned[: len(places)] == expected[: len(spanned)]
    if len(spanned) > len(places):
        assert spanned[-1] == set(), "an end token spans nothing"

    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    within = [-1.0 - i for i, span in enumerate(spanned) if span & set(range(start, end))]
    found = said.span_logprob(start, end)
    assert found == (pytest.approx(math.fsum(within) / len(within)) if within else None)


@given(st.lists(st.binary(max_size=4), max_size=20))
def test_whatever_the_bytes_every_character_is_spanned(pieces: list[bytes]) -> None:
    said = generate(pieces, [])
    size = len(said.text)
    assert all(0 <= start <= end <= size for start, end in said.token_spans)
    assert {place for span in said.token_spans for place in range(*span)} == set(range(size))
    assert (said.span_logprob(0, size) is None) == (size == 0)


def test_a_text_that_runs_in_circles_is_ended() -> None:
    line = [b"I", b" am", b" here", b".", b"\n"]
    said = generate(line * 50, [], tokens=400)
    assert said.finish == "loop"
    assert 20 * len(line) < said.completion_tokens < 45 * len(line)
    assert said.text.startswith("I am here.\n" * 20)
    free = generate(line * 50, [], tokens=400, may_loop=True)
    assert (free.finish, free.completion_tokens) == ("stop", 251)


def test_the_answers_tokens_are_told_from_the_words_around_them() -> None:
    said = generate([b"The sum is", b" 4", b"2", b"."], [])
    start = said.text.index("42")
    assert said.token_spans == ((0, 10), (10, 12), (12, 13), (13, 14), (14, 14))
    assert said.span_logprob(start, start + 2) == -2.5
    assert said.span_logprob(99, 120) is None
