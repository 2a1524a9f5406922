"""That fitness learns, on simulated nodes: one of five goes bad, is found out, and is trusted again when mended."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import mean

import pytest

from tests.simulation import KINDS, Model, Pool

GOOD = Model("good", {"problem": 0.6, "fact": 0.85})
OTHER = Model("other", {"problem": 0.5, "fact": 0.8})
ONE_MODEL = {f"node-{i}": GOOD for i in range(1, 6)}
TWO_MODELS = {**ONE_MODEL, "node-4": OTHER, "node-5": OTHER}

BAD = "node-1"  # which routing prefers as long as nothing is known
BROKEN_PROMPT = Model("good", dict.fromkeys(KINDS, 0.1))
STUCK = Model("good", dict.fromkeys(KINDS, 0.05), stubborn=True)
TINY = Model("tiny", dict.fromkeys(KINDS, 0.1))

LEARNED, SCORED, REGAINED = range(100), range(100, 250), range(250, 400)
SEEDS = range(2)
MARGIN = 0.2


def fitness(pool: Pool, node: str) -> float:
    return pool.fitness[node].overall.fitness


def others(pool: Pool) -> list[float]:
    return [fitness(pool, node) for node in pool.nodes if node != BAD]


@pytest.mark.parametrize(
    ("feedback", "canaries"), [(0.3, 0.0), (0.0, 0.0), (0.0, 0.05)], ids=["feedback", "consensus", "canaries"]
)
@pytest.mark.parametrize("nodes", [ONE_MODEL, TWO_MODELS], ids=["one model", "two models"])
def test_a_bad_node_is_found_out_and_trusted_again_when_mended(
    nodes: Mapping[str, Model], feedback: float, canaries: float
) -> None:
    scored, scored_without = [], []
    for seed in SEEDS:
        healthy = {node: model for node, model in nodes.items() if node != BAD}
        without = Pool(healthy, seed, feedback=feedback, canaries=canaries)
        without.ask(LEARNED)
        right_without = [outcome.right for outcome in without.ask(SCORED)]
        for bad in (BROKEN_PROMPT, STUCK, TINY):
            pool = Pool(nodes, seed, feedback=feedback, canaries=canaries, broken={BAD: bad})
            assert pool.first_asked("problem") == BAD
            pool.ask(LEARNED)
            assert fitness(pool, BAD) < min(others(pool)) - MARGIN
            for kind in KINDS:
                by_node = {node: learned.kinds[kind].fitness for node, learned in pool.fitness.items()}
                assert by_node.pop(BAD) < min(by_node.values()) - MARGIN / 2
                assert pool.first_asked(kind) != BAD
            known = pool.fitness[BAD].overall
            assert known.right < 0.3 * known.judged < known.count

            asked = pool.ask(SCORED)
            assert mean(outcome.share[BAD] for outcome in asked) < 0.07, "of an even share of 0.2"
            scored += [outcome.right for outcome in asked]
            scored_without += right_without

            pool.broken.clear()
            pool.ask(REGAINED)
            assert fitness(pool, BAD) > mean(others(pool)) - 0.25
            assert fitness(pool, BAD) > 0.5
    assert mean(scored) >= mean(scored_without) - 0.02


def test_four_copies_of_a_weak_model_do_not_bring_down_a_better_one() -> None:
    weak, strong = Model("weak", dict.fromkeys(KINDS, 0.5)), Model("strong", dict.fromkeys(KINDS, 0.9))
    nodes = {**dict.fromkeys(ONE_MODEL, weak), BAD: strong}
    for seed in SEEDS:
        by_consensus = Pool(nodes, seed)
        by_consensus.ask(range(200))
        assert fitness(by_consensus, BAD) > mean(others(by_consensus)) - 0.15
        with_canaries = Pool(nodes, seed, canaries=0.05)
        with_canaries.ask(range(200))
        assert fitness(with_canaries, BAD) > mean(others(with_canaries)), "it stands out"
