"""How one model is asked: which way, with which prompt and seed.

The system text depends on the kind alone, so that its tokens are shared by all questions of the kind.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from hashlib import sha256
from typing import TYPE_CHECKING

from services.kinds.kind import Sampling
from services.voting.words import capital, ended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from services.kinds.kind import Kind, Way
    from services.kinds.prompt import Prompt

_MAX_SEED = 2**31 - 1  # llama.cpp takes a uint32, of which the last means "random"


@dataclass(frozen=True, slots=True)
class Asking:
    """How one model is asked; `seed` lies in [0, 2**31)."""

    prompt: Prompt
    way: Way
    seed: int


def asking(kind: Kind, question: str, replica: int, slot: int) -> Asking:
    """Return how the model in a node's `slot` is asked by replica number `replica` of a chunk.

    Replicas beyond the kind's ways begin anew and vary.  Seeds follow from the question, so that the same question
    asked twice is the same request, in every process.
    """
    ways = kind.ways(question)
    way = ways[replica % len(ways)]
    if replica >= len(ways) and way.sampling is Sampling.GREEDY:
        way = replace(way, sampling=Sampling.VARIED)
    digest = sha256(f"{question}/{kind.name}/{replica}/{slot}".encode()).digest()
    return Asking(_prompt(kind, question, way), way, int.from_bytes(digest[:4]) & _MAX_SEED)


def asking_again(kind: Kind, question: str, asked: Sequence[Asking], finals: Sequence[str]) -> list[Asking]:
    """Return how to ask again where the models answered and gave no final answer; empty where there is no other way."""
    way = kind.fallback
    if way is None or not finals or any(finals):
        return []
    if any(before.way.method == way.method for before in asked):
        return []
    prompt = _prompt(kind, question, way)
    return [Asking(prompt, way, before.seed) for before in asked]


def worth_asking(kind: Kind, way: Way, trusts: Sequence[float]) -> list[bool]:
    """Tell which of a node's models to ask, by how far each is to be trusted (`trusts`); nothing without a model.

    Of a kind that is not voted on only the best one; of equals the first.
    """
    if not trusts:
        return []
    best = max(trusts)
    if not kind.voted:
        return [slot == trusts.index(best) for slot in range(len(trusts))]
    return [trust >= way.worth * best for trust in trusts]


def _prompt(kind: Kind, question: str, way: Way) -> Prompt:
    return kind.prompt(capital(ended(question)) if kind.voted else question, way.method)
