from __future__ import annotations

import pytest
from msgspec import structs

from schemas.commands import Feedback
from schemas.messages import Assembled, ChunkOutcome, Missing, Result, Vote
from schemas.terms import CALCULATOR, Status
from services.trainer.fitness import Observation
from services.trainer.judgement import (
    CONSENSUS_WEIGHT,
    FEEDBACK_WEIGHT,
    UnusableFeedback,
    disproved,
    from_assembled,
    from_feedback,
    from_late,
)
from tests.records import said


def vote(node: str, final: str, *, won: bool = False, model: str = "m", fitness: float = 0.6) -> Vote:
    return Vote(
        node=node,
        model=model,
        answer=final,
        final=final,
        weight=0.5,
        confidence=0.9,
        fitness=fitness,
        won=won,
        latency_s=2.0,
        answers=[],
    )


def outcome(index: int, votes: list[Vote], missing: list[Missing] | None = None, decided: str = "all") -> ChunkOutcome:
    final = next((vote.final for vote in votes if vote.won), None)
    return ChunkOutcome(
        index=index,
        text="?",
        kind="problem",
        decided=decided,
        winner=final,
        final=final,
        votes=votes,
        missing=missing or [],
    )


def assembled(*outcomes: ChunkOutcome) -> Assembled:
    return Assembled(
        id="q",
        query="?",
        reply="",
        status=Status.COMPLETE,
        outcomes=list(outcomes),
        created_at=0,
        planned_at=1,
        voted_at=5,
        sealed_at=5,
        deadline_at=10,
    )


def judged(observations: list[Observation]) -> dict[str, bool | None]:
    return {observation.node: observation.right for observation in observations}


def by_consensus(*votes: Vote) -> dict[str, tuple[bool | None, float]]:
    """Give what the consensus says of each voter, with the weight as a share of the most that it may have."""
    seen = from_assembled(assembled(outcome(0, list(votes))))
    return {
        observation.node: (observation.right, round(observation.weight / CONSENSUS_WEIGHT, 2)) for observation in seen
    }


def test_consensus_judges_votes() -> None:
    judged = by_consensus(vote("a", "1", model="x"), vote("b", "1.0", model="y"), vote("c", "2", model="z"))
    assert judged == {"a": (True, 0.33), "b": (True, 0.33), "c": (False, 0.33)}


def test_what_its_own_copies_say_too_counts_less() -> None:
    copies = by_consensus(vote("a", "1"), vote("b", "1"))
    others = by_consensus(vote("a", "1", model="x"), vote("b", "1", model="y"))
    assert copies["a"] == (True, 0.5)
    assert others["a"] == (True, 1.0)


def test_a_crowd_of_copies_is_no_crowd() -> None:
    crowd = [vote(f"n{i}", "1") for i in range(20)]
    one, two, three = (vote(node, "2", model=node) for node in "xyz")
    assert by_consensus(*crowd, one)["x"] == (False, 0.33)
    assert by_consensus(*crowd, one, two)["x"] == (True, 0.0), "two others are worth as much"
    assert by_consensus(*crowd, one, two, three)["n1"] == (False, 0.2)


def test_one_that_differs_from_its_copies_is_judged_by_them() -> None:
    judged = by_consensus(*(vote(node, "1") for node in "abcd"), vote("broken", "2"))
    assert judged["broken"][0] is False
    assert judged["a"][0] is True
    assert judged["a"][1] < judged["broken"][1]


@pytest.mark.parametrize(
    "votes",
    [
        [vote("a", "1"), vote("b", "2")],
        [vote("a", "1", fitness=0.9), vote("b", "2", fitness=0.1), vote("c", "3", fitness=0.1)],
        [vote("a", "1"), vote("b", "1"), vote("c", "2", model="x"), vote("d", "2", model="x")],
        [
            *(vote(node, "1", fitness=0.9) for node in "ab"),
            *(vote(node, "2", model="x", fitness=0.8) for node in "cd"),
        ],
        [*(vote(node, "1", model=node, fitness=0.1) for node in "abc"), vote("d", "2", model="d", fitness=0.9)],
        [*(vote(node, "1", fitness=0.0) for node in "ab")],
    ],
    ids=["one to one", "all differ", "two to two", "model against model", "number against fitness", "nobody is fit"],
)
def test_consensus_is_silent_where_there_is_none(votes: list[Vote]) -> None:
    assert {right for right, _ in by_consensus(*votes).values()} == {None}


EXACT = vote(CALCULATOR, "102", won=True, model=CALCULATOR, fitness=1.0)


@pytest.mark.parametrize(("final", "right"), [("102", True), ("112", False)])
@pytest.mark.parametrize("fitness", [0.0, 0.6, 1.0])
def test_one_node_is_judged_by_the_calculator(final: str, fitness: float, *, right: bool) -> None:
    (judged,) = by_consensus(vote("a", final, fitness=fitness), EXACT).values()
    assert judged[0] is right
    assert judged[1] > 0


def test_a_crowd_of_copies_is_judged_by_the_calculator_too() -> None:
    assert {right for right, _ in by_consensus(EXACT, *(vote(node, "112") for node in "abcde")).values()} == {False}


def test_a_lone_vote_is_judged_by_nobody() -> None:
    (seen,) = from_assembled(assembled(outcome(0, [vote("a", "1", won=True)])))
    assert (seen.right, seen.latency_s) == (None, 2.0)


def test_a_long_text_is_no_sign_of_a_slow_node() -> None:
    def seen_s(latency_s: float, tokens: int) -> float | None:
        answers = [said("words", completion_tokens=tokens, latency_s=latency_s)]
        written = structs.replace(vote("a", "words", won=True), latency_s=latency_s, answers=answers)
        (seen,) = from_assembled(assembled(structs.replace(outcome(0, [written]), kind="text")))
        return seen.latency_s

    assert seen_s(60.0, 600) == seen_s(10.0, 100) == pytest.approx(25.6)
    assert seen_s(30.0, 100) == pytest.approx(3 * 25.6)
    assert seen_s(1.0, 1) == 8.0, "it has read the request"


def test_failing_is_wrong_being_slow_is_slow_and_being_cut_short_is_nothing() -> None:
    silent = Missing(node="silent", reason="no answer in time")
    broken = Missing(node="broken", reason="no memory", failed=True)
    at_deadline = from_assembled(assembled(outcome(0, [], [silent, broken], decided="none")))
    assert judged(at_deadline) == {"silent": None, "broken": False}
    assert {outcome.node: outcome.at_least_s for outcome in at_deadline} == {"silent": 4.0, "broken": None}
    assert from_assembled(assembled(outcome(0, [], [silent], decided="early"))) == []
    later = structs.replace(outcome(1, [], [silent, broken], decided="none"), depends_on=[0])
    assert [observation.node for observation in from_assembled(assembled(later))] == ["broken"], (
        "it was asked some time later"
    )


def late(final: str) -> Result:
    return Result(id="q", chunk=0, node="late", replica=0, started_at=0, latency_s=9, answers=[said(final)], chosen=0)


AGREED = assembled(outcome(0, [vote("a", "1", won=True), vote("b", "1", won=True)]))


@pytest.mark.parametrize(("final", "right"), [("1", True), ("2", False)])
def test_late_but_right_is_right(final: str, *, right: bool) -> None:
    (seen,) = from_late(AGREED, late(final))
    assert (seen.node, seen.right, seen.latency_s) == ("late", right, 9)
    assert seen.weight < CONSENSUS_WEIGHT


@pytest.mark.parametrize(
    ("feedback", "right"),
    [
        (Feedback(id="q", answer="2"), True),
        (Feedback(id="q", answer="1"), False),
        (Feedback(id="q", good=True), False),
        (Feedback(id="q", good=False), None),
        (Feedback(id="q", chunk=1, answer="2"), False),
    ],
)
def test_what_the_client_said_holds_for_a_late_result_too(feedback: Feedback, *, right: bool | None) -> None:
    (seen,) = from_late(AGREED, late("2"), feedback)
    assert seen.right is right
    assert (seen.weight == FEEDBACK_WEIGHT) is (feedback.chunk is None)


@pytest.mark.parametrize(
    "refused", [Feedback(id="q", answer="2"), Feedback(id="q", good=False), Feedback(id="q", good=True, answer="2")]
)
def test_feedback_that_was_refused_judges_no_late_result(refused: Feedback) -> None:
    two = assembled(*AGREED.outcomes, outcome(1, [vote("b", "2", won=True)]))
    (seen,) = from_late(two, late("2"), refused)
    assert (seen.right, seen.weight < FEEDBACK_WEIGHT) == (False, True)


def test_a_counted_result_is_not_late() -> None:
    assert from_late(assembled(outcome(0, [vote("late", "1", won=True)])), late("1")) == []


ONE = assembled(outcome(0, [vote("a", "1", won=True), vote("b", "2", won=False)]))
TWO = assembled(outcome(0, [vote("a", "1", won=True)]), outcome(1, [vote("b", "2", won=True)]))


@pytest.mark.parametrize(
    ("of", "feedback", "right"),
    [
        (ONE, Feedback(id="q", good=True), {"a": True, "b": False}),
        (ONE, Feedback(id="q", good=False), {"a": False, "b": None}),
        (ONE, Feedback(id="q", answer="2"), {"a": False, "b": True}),
        (TWO, Feedback(id="q", good=True), {"a": True, "b": True}),
        (TWO, Feedback(id="q", chunk=1, good=False), {"b": False}),
    ],
)
def test_feedback_judges_votes(of: Assembled, feedback: Feedback, right: dict[str, bool | None]) -> None:
    assert judged(from_feedback(of, feedback)) == right


@pytest.mark.parametrize(
    ("feedback", "says"),
    [
        (Feedback(id="q"), "either"),
        (Feedback(id="q", good=True, answer="2"), "either"),
        (Feedback(id="q", good=False), "by `chunk`"),
        (Feedback(id="q", answer="2"), "by `chunk`"),
        (Feedback(id="q", chunk=2, good=False), "0 to 1"),
    ],
)
def test_unusable_feedback(feedback: Feedback, says: str) -> None:
    with pytest.raises(UnusableFeedback, match=says):
        from_feedback(TWO, feedback)
    with pytest.raises(UnusableFeedback, match=says):
        disproved(TWO, feedback)


@pytest.mark.parametrize(
    ("of", "feedback", "wrong"),
    [
        (ONE, Feedback(id="q", good=True), []),
        (ONE, Feedback(id="q", good=False), [0]),
        (ONE, Feedback(id="q", answer="1.0"), []),
        (ONE, Feedback(id="q", answer="2"), [0]),
        (TWO, Feedback(id="q", good=True), []),
        (TWO, Feedback(id="q", chunk=1, good=False), [1]),
        (assembled(outcome(0, [], decided="cached")), Feedback(id="q", good=False), [0]),
    ],
)
def test_feedback_disproves_winners(of: Assembled, feedback: Feedback, wrong: list[int]) -> None:
    assert [observation.index for observation in disproved(of, feedback)] == wrong


def test_nothing_is_learned_of_an_answer_that_nobody_voted_on() -> None:
    cached = assembled(outcome(0, [], decided="cached"))
    assert from_assembled(cached) == []
    assert from_feedback(cached, Feedback(id="q", good=False)) == []
