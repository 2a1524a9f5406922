from __future__ import annotations

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from schemas.records import Fitness, Presence, Record
from services.decomposer.members import MIN_OF_MODELS, POOL_NODES, Members


def presence(node: str, *models: str) -> Presence:
    return Presence(
        node=node, cluster="c", supercluster="s", models=list(models or ("a",)), slots=1, fitness=0.5, started_at=0
    )


def ids(members: Members) -> list[str]:
    return [str(candidate.presence.node) for candidate in members.all()]


def test_who_is_not_seen_leaves_and_is_remembered() -> None:
    members = Members()
    members.arrive(presence("n1"), now=1)
    members.arrive(presence("n2"), now=2)
    members.see("n1", now=3)
    assert members.expire(before=3, now=9) == ["n2"]
    assert ids(members) == ["n1"]
    assert members.left == {"n2": 9}
    members.arrive(presence("n2"), now=10)
    assert members.left == {}


def test_who_came_again_with_other_models_has_those() -> None:
    members = Members()
    members.arrive(presence("n1", "a"), now=1)
    members.arrive(presence("n1", "b"), now=2)
    assert members.models == ["b"]
    assert (members.count("a"), members.count("b"), members.count()) == (0, 1, 1)
    members.leave("n1", now=3)
    members.leave("n1", now=4)
    assert members.models == []
    assert members.left == {"n1": 3}


def test_what_is_known_of_a_node_may_come_before_it_and_be_forgotten() -> None:
    members = Members()
    members.know("n1", Fitness(node="n1", overall=Record(fitness=0.9)))
    members.arrive(presence("n1"), now=1)
    assert members.all()[0].record("fact").fitness == 0.9
    members.know_nothing()
    assert members.all()[0].record("fact").fitness == 0.5


def test_of_many_some_are_drawn_and_the_few_with_other_models_are_among_them() -> None:
    members = Members()
    for i in range(1000):
        members.arrive(presence(f"n{i}", *(["large"] if i < 3 else ["a", "b"])), now=i)
    pool = [str(candidate.presence.node) for candidate in members.draw(Random(1), besides=["n500", "nobody"])]
    assert len(pool) <= POOL_NODES + MIN_OF_MODELS + 1
    assert {"n0", "n1", "n2", "n500"} <= set(pool)
    assert {f"n{i}" for i in range(3)} == {
        str(candidate.presence.node) for candidate in members.draw(Random(1), model="large")
    }
    drawn = {str(node.presence.node) for turn in range(200) for node in members.draw(Random(turn))}
    assert len(drawn) > 990, "nobody is left out for long"


@given(
    st.lists(st.tuples(st.sampled_from("alse"), st.integers(0, 6), st.sampled_from(["x", "y", "z"])), max_size=60),
    st.integers(1, 8),
)
def test_members_are_consistent_whatever_happens(steps: list[tuple[str, int, str]], num: int) -> None:
    members, there = Members(), dict[str, tuple[str, int]]()
    for now, (step, i, model) in enumerate(steps):
        node = f"n{i}"
        if step == "a":
            members.arrive(presence(node, model), now)
            there[node] = model, now
        elif step == "l":
            members.leave(node, now)
            there.pop(node, None)
        elif step == "s" and node in there:
            members.see(node, now)
            there[node] = there[node][0], now
        elif step == "e":
            members.expire(now - 5, now)
            there = {node: (model, seen) for node, (model, seen) in there.items() if seen >= now - 5}
        assert ids(members) == sorted(there)
        assert members.count() == len(there)
        assert members.models == sorted({model for model, _ in there.values()})
        assert not set(members.left) & set(there)
        drawn = [str(candidate.presence.node) for candidate in members.draw(Random(now), num=num)]
        assert len(set(drawn)) == len(drawn)
        assert set(drawn) <= set(there)
        assert len(drawn) >= min(num // 2, len(there))
