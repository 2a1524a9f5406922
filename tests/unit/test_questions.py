from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.decomposer.cutting.cut import cut
from services.kinds.kind import Said
from services.kinds.table import named
from services.trainer.questions import FACTS, STORIES, Known, draw_known, draw_story
from services.voting.equivalence import equivalent

Story = Callable[[Random], Known]


@given(st.integers(0, 2**32), st.sampled_from(STORIES))
def test_a_story_is_one_chunk_of_math_with_a_natural_number_for_an_answer(seed: int, story: Story) -> None:
    known = story(Random(seed))
    (chunk,) = cut(known.question)
    assert chunk.kind == "problem"
    assert int(known.answer) > 0


@pytest.mark.parametrize(("question", "answer"), FACTS)
def test_a_fact_is_one_chunk_and_told_from_all_others(question: str, answer: str) -> None:
    (chunk,) = cut(question)
    assert chunk.kind == "fact"
    assert equivalent(named(chunk.kind).read(Said(answer, "", chunk.kind)).final, answer)
    assert equivalent(named(chunk.kind).read(Said(f"The answer is {answer}.", "", chunk.kind)).final, answer)
    assert not equivalent("I do not know.", answer)
    assert sum(asked == question for asked, _ in FACTS) == 1


def test_draws_follow_the_seed_and_are_of_both_kinds() -> None:
    drawn = [draw_known(Random(seed)) for seed in range(50)]
    assert drawn == [draw_known(Random(seed)) for seed in range(50)]
    facts = {Known(*fact) for fact in FACTS}
    assert 10 < sum(known in facts for known in drawn) < 40
    assert len({draw_story(Random(seed)).question for seed in range(200)}) > 190
    assert all(
        not re.search(rf"\b{story.answer}\b", story.question) for story in map(draw_story, map(Random, range(200)))
    )
