"""A request that orders words to be repeated is told from one that merely speaks of times."""

import pytest

from services.language.repetition import wants_repetition


@pytest.mark.parametrize(
    "request_",
    [
        "Write 'I must not talk in class' 50 times.",
        'Repeat the word "company" one hundred times.',
        "Please repeat the following sentence 20 times: The sea is blue.",
        "Print the line above thirty times",
        "Say hello 100 times",
        "Type the letter a over and over.",
        "Write this sentence again and again: all work and no play makes Jack a dull boy",
        "Chant “we will win” a hundred times, each on its own line.",
        "Repeat 25 times: 'never give up'",
        "Output the emoji 🦊 without stopping",
    ],
)
def test_it_is_wanted(request_: str) -> None:
    assert wants_repetition(request_)


@pytest.mark.parametrize(
    "request_",
    [
        "Write a story about a man who failed 20 times.",
        "What is 3 times 4? Write the number only.",
        "Write the 7 times table.",
        "First repeat the request word for word, then answer.",
        "Explain why people write the same thing in diaries.",
        "List three reasons why practice matters. I tried many times.",
        "How many times does the letter r occur in strawberry?",
        "Write a poem of 20 lines.",
        "Give me the capital of France.",
        "Write a function that prints the numbers from 1 to 20.",
    ],
)
def test_it_is_not(request_: str) -> None:
    assert not wants_repetition(request_)
