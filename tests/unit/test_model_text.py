import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.text import NO_EVIDENCE, TextStream, mean_logprob

STOPS = ["b", "ab", "aab", "ba", "abé", "é€", "aaa", "🦊"]


def assemble(pieces: list[bytes], stop: list[str]) -> str:
    stream = TextStream(stop)
    return "".join([*(stream.feed(piece) for piece in pieces), stream.finish()])


def expected(text: str, stop: list[str]) -> str:
    """Read character by character: end as soon as a stop string is whole, before the longest of those."""
    for end in range(1, len(text) + 1):
        if found := [one for one in stop if text[:end].endswith(one)]:
            return text[: end - max(map(len, found))]
    return text


@given(st.text("aabé€🦊", max_size=30), st.lists(st.sampled_from(STOPS), unique=True), st.data())
def test_text_does_not_depend_on_where_the_bytes_are_cut(text: str, stop: list[str], data: st.DataObject) -> None:
    raw = text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(raw)), max_size=10)))
    pieces = [raw[start:end] for start, end in zip([0, *cuts], [*cuts, len(raw)], strict=True)]
    assert assemble(pieces, stop) == expected(text, stop)


def test_a_stop_string_across_pieces_is_never_emitted() -> None:
    stream = TextStream(["\n\nUser:"])
    assert [stream.feed(piece) for piece in (b"Yes.", b"\n", b"\nUs", b"er", b": no")] == ["Yes.", "", "", "", ""]
    assert stream.stopped
    assert stream.finish() == ""


def test_what_only_began_like_a_stop_string_comes_with_the_next_piece_or_the_end() -> None:
    stream = TextStream(["END"])
    assert stream.feed(b"an E") == "an "
    assert stream.feed(b"agle E") == "Eagle "
    assert not stream.stopped
    assert stream.finish() == "E"


def test_only_whole_characters_are_emitted() -> None:
    stream = TextStream()
    fox = "🦊".encode()
    assert [stream.feed(fox[:1]), stream.feed(fox[1:3]), stream.feed(fox[3:] + fox[:2])] == ["", "", "🦊"]
    assert stream.finish() == ""


def test_bytes_that_are_no_text_are_replaced() -> None:
    assert assemble([b"a\xff", b"b"], []) == "a�b"


def test_nothing_follows_a_stop() -> None:
    stream = TextStream(["."])
    assert stream.feed(b"a.b") == "a"
    assert stream.feed(b"c") == ""


def test_confidence_is_the_mean_over_the_tokens() -> None:
    assert mean_logprob([-1.0, -3.0]) == -2.0


def test_no_token_is_no_evidence() -> None:
    assert mean_logprob([]) == NO_EVIDENCE
    assert math.exp(NO_EVIDENCE) == pytest.approx(0.0)
