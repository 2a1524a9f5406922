"""Loops are noticed; what is meant to repeat is not taken for one."""

from __future__ import annotations

import random
import time
from itertools import cycle, islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.loops import LoopWatch

ROOT = Path(__file__).parents[2]
SENTENCE = "The city is also home to a number of museums, including the Museum of Modern Art. "
PARAGRAPH = (
    "The fox looked at the sea for a long time and did not say a word. He had walked through the woods, over the "
    "hills, and along the river, and now that he was there he did not know what to do. A gull came down and sat on a "
    "stone. 'What do you want here?' it asked, and the fox said that he wanted to see whether the water had an end.\n\n"
)
CHORUS = (
    "Oh, carry me home when the evening is low,\n"
    "Carry me home where the wild roses grow,\n"
    "Over the hill where the cold rivers flow,\n"
    "Carry me, carry me home.\n\n"
)
LOOPS = {
    "a sentence": SENTENCE * 40,
    "a paragraph": PARAGRAPH * 9,
    "a line": "I'm sorry, but I can't help with that.\n" * 40,
    "a few words": "and the man who was the man who was " * 40,
    "one word": "yeah " * 300,
    "an enumeration that says the same": "".join(f"{i}. Make sure that the brakes are working.\n" for i in range(60)),
    "bullets": "".join("- **Safety**: it is safe to use.\n- **Cost**: it is cheap.\n" for _ in range(40)),
    "lines in any order": "".join(random.Random(3).choices(CHORUS.splitlines(keepends=True), k=150)),
    "code": "    if (x > 0) {\n        return foo(x, y);\n    }\n" * 60,
    "Chinese": "我今天去了公园，看到了很多花。" * 40,
    "nothing": "Here it is:\n" + " \n" * 600,
    "json that does not end": '{"name": "Ann", "tags": [' + '"red", "green", "red", ' * 80,
    "a start that is fine": PARAGRAPH.replace("fox", "dog") + SENTENCE * 30,
}
NO_LOOPS = {
    "laughter": "Ha ha ha ha ha ha ha! " * 6 + "That was good.",
    "a song": (PARAGRAPH.replace("\n\n", "\n") + CHORUS).replace("fox", "man")
    + CHORUS
    + "Now the moon is a lantern, the road is a thread,\nAnd the stars are the lamps at the foot of my bed.\n\n"
    + CHORUS * 2,
    "a table": "| Name | Age | City | Active |\n| --- | --- | --- | --- |\n"
    + "".join(f"| Person {i} | {20 + i % 5} | Berlin | yes |\n" for i in range(30)),
    "a matrix": "[" + ",\n ".join(["[0, 0, 0, 0, 0, 0, 0, 0, 0]"] * 9) + "]",
    "times tables": "".join(f"7 x {i} = {7 * i}\n" for i in range(1, 60)),
    "deep indentation": "".join(" " * 4 * depth + f"if value_{depth} is not None:\n" for depth in range(20)),
    "a week": "".join(
        f"{day}: Get up at 7:00, go for a run, have breakfast, work until noon, have lunch, work, have dinner, rest.\n"
        for day in ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
    ),
    "the alphabet": "".join(f"{letter} is for {letter}{letter}\n" for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ") * 2,
    "a rule": "=" * 400 + "\n" + "-" * 400 + "\n",
    "form": "Name: ____________________\n" * 12,
    "rows of HTML": "".join(f'<tr><td class="name">Item{i}</td><td class="n">{i * 7}</td></tr>\n' for i in range(40)),
    "asserts": "".join(f"    assert add({i}, {i + 1}) == {2 * i + 1}\n" for i in range(30)),
    "a chorus twice in a row": CHORUS * 3,
    "code twice": (ROOT / "models" / "batch.py").read_text() * 2,
}


def feed(text: str, size: int = 4) -> int | None:
    """Feed it in pieces; say after how many characters it was noticed."""
    watch = LoopWatch()
    for start in range(0, len(text), size):
        if watch.feed(text[start : start + size]):
            return start + size
    return None


@pytest.mark.parametrize("name", LOOPS)
def test_a_loop_is_noticed(name: str) -> None:
    assert feed(LOOPS[name]) is not None


@pytest.mark.parametrize("name", NO_LOOPS)
def test_what_may_repeat_is_none(name: str) -> None:
    assert feed(NO_LOOPS[name]) is None


@pytest.mark.parametrize("path", sorted(ROOT.glob("*/*.py")), ids=str)
def test_no_file_of_this_project_is_a_loop(path: Path) -> None:
    assert feed(path.read_text()) is None


def test_it_is_noticed_before_much_was_said() -> None:
    assert (feed(SENTENCE * 40) or 0) < 150 * 6
    assert (feed(PARAGRAPH * 9) or 0) < 3.5 * len(PARAGRAPH)


@settings(max_examples=30)
@given(name=st.sampled_from([*LOOPS, *NO_LOOPS]), sizes=st.lists(st.integers(1, 60), min_size=1, max_size=5))
def test_however_it_is_cut_the_verdict_is_the_same(name: str, sizes: list[int]) -> None:
    text = {**LOOPS, **NO_LOOPS}[name]
    watch, place = LoopWatch(), 0
    for size in islice(cycle(sizes), len(text)):
        watch.feed(text[place : place + size])
        place += size
    assert watch.looping == (name in LOOPS)


@given(st.text(max_size=400))
def test_a_short_text_is_none(text: str) -> None:
    assert feed(text) is None


def test_its_time_goes_with_the_length() -> None:
    def seconds(times: int) -> float:
        text = " ".join(str(number) for number in range(3000 * times))
        began = time.perf_counter()
        feed(text)
        return time.perf_counter() - began

    assert min(seconds(4) for _ in range(3)) < 12 * min(seconds(1) for _ in range(3))
