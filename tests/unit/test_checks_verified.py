from __future__ import annotations

import pytest

from services.checks.verdict import complaint, demands, repaired, verify


def reasons(request: str, answer: str) -> list[str]:
    return [verdict.reason for verdict in verify(demands(request), answer) if verdict.reason]


CASES = [
    ("Write at least 5 words.", "one two three four five", "one two three", "3 words, not at least 5"),
    ("Answer in two sentences.", "Dr. Lee came. He left.", "He left.", "1 sentence, not exactly 2"),
    ("Write exactly 2 paragraphs.", "# Title\n\nOne.\n\nTwo.", "One.\n\nTwo.\n\nThree.", "3 paragraphs"),
    ("Write 2 paragraphs separated by ***.", "One.\n***\nTwo.", "One.\n\nTwo.", "1 paragraph"),
    ("Give exactly 3 bullet points.", "* a\n* b\n* c", "* a\n- b", "2 bullet points, not exactly 3"),
    ("Make a numbered list of 2 steps.", "1. a\n2. b", "1. a", "1 numbered item"),
    ("Write a four-line poem.", "a\nb\nc\nd", "a\nb", "2 lines, not exactly 4"),
    ("Write a poem with two stanzas.", "a\nb\n\nc\nd", "a\nb", "1 stanza"),
    ("Write a tweet of at most 30 characters.", "Fresh bread!", "x" * 31, "31 characters"),
    ("Write a letter with at least 2 placeholders.", "[a] and [b]", "[a](link)", "0 placeholders"),
    ("Highlight at least 2 sections with *.", "*a* b *c*", "*a*", "1 highlighted part"),
    ("Bold two key terms.", "**a** b **c**", "*a* *b*", "0 bold parts"),
    ('Use the word "cat" twice.', "Cat, cat.", "cats", '"cat" occurs 0 times, not exactly 2'),
    ("Do not mention Paris.", "Lyon", "In Paris", '"Paris" occurs 1 time'),
    ("Write a poem without the letter e.", "Oh sun", "He", 'the letter "e" occurs 1 times'),
    ("Tell me a joke in all lowercase.", "ha ha 1", "Ha", "not in lower case"),
    ("Use only uppercase letters.", "HA 1", "Ha", "not in upper case"),
    ("At least 2 words should be in all caps.", "WOW that is BIG", "A dog", "words in capitals"),
    ("Don't use any commas.", "a b", "a, b", "1 comma, not none"),
    ("Write me a note, no emojis.", "Hi :)", "Hi \U0001f600", "1 emoji"),
    ("Don't use contractions.", "I am", "I’m", "1 contraction"),
    ("Include at least 2 exclamation marks.", "Oh! Ah!", "Oh!", "1 exclamation mark"),
    ("Write numbers as digits.", "2 dogs", "two dogs", '1 numbers stand in words ("two")'),
    ("Give me two facts as JSON. Output only JSON.", '```json\n{"a": 1}\n```', "{a}", "no valid JSON"),
    ('Return a JSON object with the keys "a" and "b".', '{"a": 1, "b": 2}', '{"a": 1}', "the key b is missing"),
    ("Give me a config. Only output YAML.", "a: 1", "hello", "no valid YAML"),
    ("Describe a book in XML format.", "<book/>", "<book>", "no valid XML"),
    ("Compare Go and Rust in a table.", "|a|b|\n|---|---|\n|1|2|", "a, b", "0 rows"),
    ("Name three seas as a comma separated list.", "a, b, c", "- a\n- b", "2 lines of a list"),
    ("How many legs? Answer with just a number.", "56", "56 legs", "no number alone"),
    ("Put the title in double angle brackets.", "<<Bees>>\n...", "Bees", "double angle brackets"),
    ("Wrap your whole answer in double quotes.", '"Hi."', "Hi.", "begins with H"),
    ('End with the phrase "Is that all?".', "Yes. Is that all?", "Yes.", 'not "Is that all?"'),
    ('Start your reply with the word "Absolutely".', "Absolutely, yes", "Yes", 'begins with "Yes"'),
    ("Start each line with a hyphen.", "- a\n- b", "- a\nb", "line 2 of 2"),
    ("Write a letter and add a P.S. at the end.", "Hi.\n\nP.S. Bye", "Hi.", "no line begins with P.S."),
    ("Who is he? First repeat the question word for word.", "Who is he?\nHe", "He", "0 of"),
    ("Give two different responses, separated by ******.", "a\n******\nb", "a\n******\na", "are the same"),
    ("Can dogs fly? Answer with yes or no only.", "No.", "They cannot", "is none of"),
    ("Reply in French. How are you?", "Je vais très bien, merci beaucoup, et vous comment allez-vous ?",
     "I am doing very well today, thank you so much for asking me about it.", "written in English"),
    ("Summarise Dune, no introduction.", "Paul", "Sure! Here is", 'opens with "Sure"'),
    ("Write 2 sections. Mark each section with SECTION X.", "SECTION 1\na\nSECTION 2\nb", "SECTION 1", "1 sections"),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "good", "bad", "reason"), CASES)
def test_each_family_tells_what_is_wrong(request_: str, good: str, bad: str, reason: str) -> None:
    assert demands(request_)
    assert reasons(request_, good) == []
    assert any(reason in told for told in reasons(request_, bad))


@pytest.mark.parametrize(
    ("request_", "answer", "mended"),
    [
        ("Tell me a joke in all lowercase.", "Ha Ha", "ha ha"),
        ("Use only uppercase letters.", "Ha", "HA"),
        ("Wrap your whole answer in double quotes.", "Hi.\n", '"Hi."'),
        ("Wrap your whole answer in double quotes.", "“Hi.”", '"Hi."'),
        ("Don't use any commas.", "Well, 1,200 bees.", "Well 1200 bees."),
        ('End with the phrase "Is that all?".', "Yes.", "Yes.\n\nIs that all?"),
        ("Give me one fact as JSON. Output only JSON.", 'Sure: {"a": {"b": 1}} Bye', '{"a": {"b": 1}}'),
        ("Give me one fact as JSON. Output only JSON.", 'Here:\n```json\n{"a": 1}\n```\nBye', '{"a": 1}'),
        ("Write SQL. Just the code, no explanation.", "Here:\n```sql\nselect 1\n```\nBye", "```sql\nselect 1\n```"),
        ("Thank her, no emojis.", "Thanks \U0001f600!", "Thanks!"),
    ],
)
def test_mechanical_repairs(request_: str, answer: str, mended: str) -> None:
    assert repaired(demands(request_), answer) == mended


def test_a_repair_that_breaks_another_demand_is_not_kept() -> None:
    found = demands('Wrap your whole answer in double quotes. Your answer must end with "Bye".')
    assert repaired(found, "Bye") in {"Bye", '"Bye"'}
    found = demands('Answer in all lowercase. Include the keyword "NASA" and at least 1 word in all caps.')
    assert repaired(found, "NASA flies") == "NASA flies"


def test_what_is_met_is_left_as_it_is() -> None:
    assert repaired(demands("Use only uppercase letters."), "HA\n") == "HA\n"


def test_a_complaint_is_one_line_with_figures() -> None:
    found = demands("Write at least 5 words. No commas.")
    line = complaint(verify(found, "a,\nb"))
    assert "\n" not in line
    assert "2 words, not at least 5" in line
    assert "no commas" in line
    assert complaint(verify(found, "one two three four five")) == ""


def test_a_request_that_was_not_repeated_is_put_before_the_answer() -> None:
    found = demands("Who painted Guernica? First repeat the question word for word, then answer.")
    assert repaired(found, "Picasso.") == "Who painted Guernica?\n\nPicasso."
