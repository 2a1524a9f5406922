"""Queries as the ledger keeps them: put together, without their texts, and which are asked for.  Pure."""

from __future__ import annotations

from random import Random

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from schemas.commands import Feedback
from schemas.ledger import Sealed
from schemas.messages import Assembled, Check, ChunkOutcome, Reply, Vote
from schemas.receipts import Receipt
from schemas.terms import PlannedCall, Status, VoteRule
from services.evaluation.replay import decide
from services.ledger.again import Verdict, effect_of
from services.ledger.hashed import hash_of, sealed
from services.ledger.judged import is_right, said_of
from services.ledger.kept import Kept, Wanted, put_together
from services.voting.equivalence import equivalent
from tests.records import said

CALL = PlannedCall(id="c1", name="river_of", arguments='{"land": "Peru"}')
words = st.text("abcdefgh 0123456789.", min_size=1, max_size=20).filter(str.strip)


def vote(node: str, final: str, *, fitness: float = 0.5, confidence: float = 0.6, won: bool = True) -> Vote:
    return Vote(
        node=node,
        model="m",
        answer=f"It is {final}.",
        final=final,
        weight=fitness * confidence,
        confidence=confidence,
        fitness=fitness,
        won=won,
        latency_s=0.1,
        answers=[said(final, text=f"It is {final}.", method="fact", calls=[CALL])],
        receipt=Receipt(statement=f"it said {final}", key="k", signature="s"),
    )


def outcome(*votes: Vote, index: int = 0, text: str = "the capital of Peru") -> ChunkOutcome:
    winner = next((cast for cast in votes if cast.won), None)
    return ChunkOutcome(
        index=index,
        text=text,
        kind="fact",
        decided="all",
        winner=winner.answer if winner else None,
        final=winner.final if winner else None,
        votes=list(votes),
        calls=[CALL],
        checks=[Check(family="words", demand="holds the word river", reason="it lacks river")],
    )


def assembled(*outcomes: ChunkOutcome, id_: str = "q1", sealed_at: float = 10.0) -> Assembled:
    return Assembled(
        id=id_,
        query="What is the capital of Peru?",
        reply="inbox",
        status=Status.COMPLETE,
        outcomes=list(outcomes),
        created_at=1,
        planned_at=2,
        voted_at=3,
        sealed_at=sealed_at,
        deadline_at=100,
        notes=["a note on Peru"],
    )


SPLIT = outcome(vote("n1", "Lima", fitness=0.9), vote("n2", "Quito", won=False), vote("n3", "Quito", won=False))


def kept(*feedback: Feedback, chunks: tuple[ChunkOutcome, ...] = (SPLIT,), id_: str = "q1") -> Kept:
    (found,) = put_together([assembled(*chunks, id_=id_), *feedback])
    return found


def test_the_pieces_of_a_query_may_come_in_any_order() -> None:
    reply = Reply(id="q1", status=Status.PARTIAL, answer="Lima", chunks=[SPLIT], notes=["n"])
    says = [Feedback(id="q1", chunk=0, good=False), Feedback(id="q1", chunk=0, answer="Lima")]
    pieces: list[Assembled | Reply | Feedback | Sealed] = [
        assembled(SPLIT),
        reply,
        Feedback(id="other", good=True),
    ]
    for seed in range(10):
        shuffled = Random(seed).sample(pieces, len(pieces))
        (found,) = put_together([*shuffled, *says])
        assert (found.id, found.answer, found.status, found.notes) == ("q1", "Lima", Status.PARTIAL, ["n"])
        assert found.feedback == says[1:], "what was said last counts"


def test_queries_come_in_the_order_of_their_seals_and_a_reused_id_is_the_later_one() -> None:
    seals = [assembled(SPLIT, id_=id_, sealed_at=at) for id_, at in (("b", 3), ("a", 2), ("b", 1))]
    assert [(one.id, one.sealed_at) for one in put_together(seals)] == [("a", 2), ("b", 3)]


def test_which_are_asked_for() -> None:
    one = kept(Feedback(id="q1", good=True))
    for wanted in (
        Wanted(),
        Wanted(since=10),
        Wanted(statuses=frozenset({"complete"})),
        Wanted(kinds=frozenset({"fact", "sum"})),
        Wanted(text="CAPITAL"),
        Wanted(prefix="q"),
        Wanted(failed_checks=True, feedback=True),
    ):
        assert wanted.takes(one), wanted
    for wanted in (
        Wanted(since=11),
        Wanted(statuses=frozenset({"failed"})),
        Wanted(kinds=frozenset({"sum"})),
        Wanted(text="Chile"),
        Wanted(prefix="p"),
    ):
        assert not wanted.takes(one), wanted
    assert not Wanted(feedback=True).takes(kept())
    assert not Wanted(canaries=False).takes(kept(id_="canary-1"))


def test_a_record_without_texts_has_none() -> None:
    record = sealed(assembled(SPLIT), [Feedback(id="q1", answer="The answer is Lima")])
    raw = msgspec.json.encode(record)
    for word in (b"Lima", b"Quito", b"Peru", b"river", b"inbox"):
        assert word not in raw
    (chunk,) = record.assembled.outcomes
    assert chunk.votes[1].final == chunk.votes[2].final == hash_of("Quito")
    assert record.feedback[0].answer == chunk.final == hash_of("Lima")


@given(st.lists(words, min_size=1, max_size=6), st.integers(0, 5))
def test_a_record_without_texts_tells_who_agrees_with_whom(finals: list[str], right: int) -> None:
    votes = [vote(f"n{i}", final, won=i == 0) for i, final in enumerate(finals)]
    chunk = outcome(*votes)
    answer = finals[right % len(finals)]
    record = sealed(assembled(chunk), [Feedback(id="q1", answer=answer)])
    (hashed,) = record.assembled.outcomes
    assert hashed.final == hashed.votes[0].final
    for plain, dark in zip(chunk.votes, hashed.votes, strict=True):
        if plain.final == answer:
            assert dark.final == record.feedback[0].answer
        if dark.final == hashed.final:
            assert equivalent(plain.final, chunk.final or "")
    again = sealed(assembled(chunk))
    assert again.assembled == record.assembled, "what is said later changes no hash"


@given(words, words)
def test_hashes_are_equal_only_to_themselves(one: str, other: str) -> None:
    assert equivalent(hash_of(one), hash_of(other)) == (one == other)
    assert not equivalent(hash_of(one), one)


def test_records_without_texts_are_decided_again_as_those_with_them() -> None:
    (dark,) = put_together([sealed(assembled(SPLIT), [Feedback(id="q1", answer="Quito")])])
    light = kept(Feedback(id="q1", answer="Quito"))
    for rule in VoteRule:
        one, other = effect_of(rule, [dark]), effect_of(rule, [light])
        assert (one.known, one.before, one.after, one.better) == (other.known, other.before, other.after, other.better)


def test_what_was_said_of_a_part_comes_before_what_was_said_of_all() -> None:
    two = (SPLIT, structs.replace(SPLIT, index=1))
    of_all, of_one = Feedback(id="q1", good=True), Feedback(id="q1", chunk=1, good=False)
    both = kept(of_all, of_one, chunks=two)
    assert [said_of(both, chunk) for chunk in both.chunks] == [of_all, of_one]
    bad = kept(Feedback(id="q1", good=False), chunks=two)
    assert [said_of(bad, chunk) for chunk in bad.chunks] == [None, None], "which part is bad nobody said"


def test_what_is_right_is_known_as_far_as_it_was_said() -> None:
    answer, good, bad = (
        Feedback(id="q1", answer="Quito"),
        Feedback(id="q1", good=True),
        Feedback(id="q1", good=False),
    )
    assert [is_right(final, SPLIT, answer) for final in ("Lima", "Quito")] == [False, True]
    assert [is_right(final, SPLIT, good) for final in ("Lima", "Quito")] == [True, False]
    assert [is_right(final, SPLIT, bad) for final in ("Lima", "Quito")] == [False, None]


def test_what_a_rule_would_have_changed() -> None:
    feedback = Feedback(id="q1", answer="Quito")
    found = effect_of(VoteRule.SUM, [kept(feedback), kept(id_="q2"), kept(chunks=(SPLIT.bare(),), id_="q3")])
    assert (found.queries, found.chunks, found.decided) == (3, 3, 2)
    assert found.undecided == {"no vote on record": 1}
    assert (found.known, found.before, found.after, found.better, found.worse) == (1, 0, 1, 1, 0)
    assert [change.verdict for change in found.changes] == [Verdict.BETTER, None]
    worse = effect_of(VoteRule.SUM, [kept(Feedback(id="q1", answer="Lima"))])
    assert (worse.before, worse.after, worse.worse) == (1, 0, 1)
    best = decide(SPLIT, VoteRule.BEST)
    assert best is not None
    assert best.final == "Lima"
    assert effect_of(VoteRule.BEST, [kept(feedback)]).changes == []
