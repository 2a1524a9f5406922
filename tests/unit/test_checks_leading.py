"""What a request demands, put so that its answer can be led there."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.checks.leading import lead_of
from services.checks.table import FAMILIES
from services.checks.verdict import demands, verify

REQUESTS = [example for family in FAMILIES for example in family.examples]


@pytest.mark.parametrize(
    ("request_text", "text", "more"),
    [
        ("Write at least 300 words about bees.", "Bees hum.", "\n\n"),
        ("Write at least 3 words about bees.", "Bees hum softly.", None),
        ("Write at least 300 words about bees.", "Bees hum in the sun. It is so. Bees hum in the sun.", None),
        ('Use the word "hive" exactly twice. Write at least 300 words about bees.', "Bees hum.", "\n\n"),
        ("Write at least 300 words about bees. Do not use any commas.", "Bees, they hum.", "\n\n"),
        ("Write at least 300 words about bees, in at most 2 sentences.", "Bees hum. Bees fly. Bees.", None),
        ("Write at most 50 words about bees.", "Bees hum.", None),
        ("Write one paragraph of at least 100 words about bees.", "Bees hum.", ""),
        ("Write exactly 3 paragraphs about jam. Separate the paragraphs with ***.", "Jam is fruit.", "\n\n***\n\n"),
        ("Write exactly 3 paragraphs about jam. Separate the paragraphs with ***.", "a ***\nb\n***\nc", None),
        ("Name a god. Give two different responses, separated by ******.", "Thor", "\n\n******\n\n"),
        ("Give exactly 3 bullet points on jam.", "- It is sweet\n- It is red", "\n- "),
        ("Give exactly 3 bullet points on jam.", "It is sweet.", "\n\n* "),
        ("Give exactly 2 bullet points on jam.", "* a\n* b\n* c", None),
        ("Write a numbered list of 3 steps.", "1. Wash.\n2. Boil.", "\n3. "),
        ("Write a letter and add a P.S. at the end.", "Dear Ann, come soon.", "\n\nP.S. "),
        ("Write a letter of at least 50 words and add a P.S. at the end.", "Dear Ann, come.\n\nP.S. Soon.", "\n\n"),
        ("Write 2 sections. Mark each section with SECTION X.", "SECTION 1\nJam.", "\n\nSECTION 2\n"),
    ],
)
def test_an_answer_that_would_end_too_soon_goes_on(request_text: str, text: str, more: str | None) -> None:
    led = lead_of(request_text)
    assert (led(text) if led else None) == more


@pytest.mark.parametrize(
    ("request_text", "opening", "avoid"),
    [
        ('Start your reply with the word "Absolutely". Is jam good?', "Absolutely", ()),
        ("Write about jam. Put the title in double angle brackets.", "<<", ()),
        ("Write about jam and do not use any commas.", "", (",", "،", "，")),
        ('Write about jam. Avoid the words "very" and "really".', "", ("very", "really")),
        (
            "Who painted Guernica? First repeat the question word for word, then answer.",
            "Who painted Guernica?\n\n",
            (),
        ),
    ],
)
def test_an_answer_begins_as_it_must_and_leaves_out_what_it_must(
    request_text: str, opening: str, avoid: tuple[str, ...]
) -> None:
    led = lead_of(request_text)
    assert led is not None
    assert (led.opening, led.avoid) == (opening, avoid)


def test_who_demands_nothing_or_a_form_in_which_every_sign_counts_is_not_led() -> None:
    assert lead_of("What is jam?") is None
    assert lead_of("Describe jam in at least 300 words. Answer in JSON only.") is None


def test_the_same_request_is_led_alike() -> None:
    request_text = "Write at least 300 words about bees."
    lead_of.cache_clear()
    first = lead_of(request_text)
    lead_of.cache_clear()
    assert first == lead_of(request_text)
    assert hash(first) == hash(lead_of(request_text))


def test_what_takes_too_long_to_repeat_is_left_to_the_model() -> None:
    led = lead_of(f"Why is {'very ' * 300}good jam sweet? First repeat the question word for word, then answer.")
    assert led is not None
    assert not led.opening


def test_room_for_the_words_that_are_demanded() -> None:
    led = lead_of("Write an essay of at least 1,200 words about bees.")
    assert led is not None
    assert led.least_words == 1200


@given(st.sampled_from(REQUESTS), st.text(max_size=200))
def test_what_goes_on_fell_short(request_text: str, text: str) -> None:
    led = lead_of(request_text)
    if led is not None and led(text) is not None:
        assert any(verdict.reason for verdict in verify(demands(request_text), text))
