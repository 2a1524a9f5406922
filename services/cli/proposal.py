"""A topology that fits a machine: which models, how many nodes, how much context.  Pure.

A model's needs are estimated by its file: the weights take about as much memory as the file, and the cells of
conversations, at the default of 16,384 tokens, 0.42 of that (measured of Qwen2.5-Coder 0.5B and 1.5B).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

USUAL_CACHE_TOKENS, SMALL_CACHE_TOKENS, SMALL_CONTEXT = 16_384, 4_096, 2_048
CELLS_SHARE = 0.42  # of the file, for USUAL_CACHE_TOKENS
BASE_BYTES = 250 * 2**20  # Python, libraries, buffers, nats-server
USABLE_SHARE = 0.7  # of the memory that is free now: others want some, too
MAX_NODES = 5
POOR_BYTES = 200 * 10**6  # a file below it answers poorly


@dataclass(frozen=True, slots=True)
class Offer:
    """A model that could be used: its name, its file (as the topology names it), its size, and whether it is here."""

    name: str
    path: str
    bytes: int
    here: bool


@dataclass(frozen=True, slots=True)
class Proposal:
    """What fits: the models, best first, and the settings under which they do."""

    models: tuple[Offer, ...]
    num_nodes: int
    small: bool
    needed_bytes: int

    @property
    def told(self) -> str:
        """Say it in a few words."""
        names = " and ".join(offer.name for offer in self.models)
        context = f", a context of {SMALL_CONTEXT}" if self.small else ""
        return f"{self.num_nodes} nodes with {names}{context}: about {self.needed_bytes / 2**30:.1f} GiB"

    def topology(self) -> dict[str, Any]:
        """Write it as a topology file holds it."""
        first, *rest = (offer.path for offer in self.models)
        models = {"model_a": first, **({"model_b": rest[0]} if rest else {})}
        nodes = [{"id": f"node-{i + 1}", "cluster": "cluster-1", **models} for i in range(self.num_nodes)]
        written: dict[str, Any] = {
            "superllm": {"id": "superllm-1", "model": first},
            "superclusters": [{"id": "sc-main"}],
            "clusters": [{"id": "cluster-1", "parent": "sc-main"}],
            "nodes": nodes,
        }
        if self.small:
            written["inference"] = {"context_tokens": SMALL_CONTEXT, "cache_tokens": SMALL_CACHE_TOKENS}
        return written


def needed_bytes(sizes: Sequence[int], cache_tokens: int = USUAL_CACHE_TOKENS) -> int:
    """Estimate what models of these files hold in memory, together in one process."""
    cells = CELLS_SHARE * cache_tokens / USUAL_CACHE_TOKENS
    return BASE_BYTES + sum(int(size * (1 + cells)) for size in sizes)


def propose(offers: Sequence[Offer], free_bytes: int, cores: int) -> Proposal | None:
    """Choose the largest model that fits, and the largest other one beside it; None where nothing fits.

    Of models that answer poorly one is chosen only where there is no other.  Two differ in their votes, so a second one
    is worth more than a context of full length, but not than a larger first one.
    """
    budget = int(free_bytes * USABLE_SHARE)
    ranked = sorted(offers, key=lambda offer: (-offer.bytes, not offer.here, offer.name))
    for cache_tokens in (USUAL_CACHE_TOKENS, SMALL_CACHE_TOKENS):
        fitting = [offer for offer in ranked if needed_bytes([offer.bytes], cache_tokens) <= budget]
        if not fitting or (fitting[0].bytes < POOR_BYTES and cache_tokens != SMALL_CACHE_TOKENS):
            continue
        first = fitting[0]
        others = [
            offer
            for offer in ranked
            if offer.bytes < first.bytes
            and offer.bytes >= min(POOR_BYTES, first.bytes)
            and needed_bytes([first.bytes, offer.bytes], cache_tokens) <= budget
        ]
        chosen = (first, *others[:1])
        needed = needed_bytes([offer.bytes for offer in chosen], cache_tokens)
        small = cache_tokens == SMALL_CACHE_TOKENS
        return Proposal(chosen, min(MAX_NODES, max(2, cores)), small, needed)
    return None
