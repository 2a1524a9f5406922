"""What a machine's memory allows, and what is said of a machine."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.topology import Topology
from services.cli.findings import of_clock, of_cores, of_disk, of_gpu, of_memory
from services.cli.proposal import SMALL_CONTEXT, USABLE_SHARE, Offer, needed_bytes, propose

GIB = 2**30
LARGE = Offer("large", "models/large.gguf", 1_117_320_768, here=True)
SMALL = Offer("small", "models/small.gguf", 491_400_064, here=True)
TINY = Offer("tiny", "models/tiny.gguf", 98_362_432, here=True)
POOL = (TINY, LARGE, SMALL)


@pytest.mark.parametrize(
    ("free", "names", "small"),
    [
        (16 * GIB, ["large", "small"], False),
        (3.6 * GIB, ["large", "small"], False),
        (2.7 * GIB, ["large"], False),
        (1.5 * GIB, ["small"], False),
        (0.6 * GIB, ["tiny"], True),
    ],
)
def test_the_largest_that_fits(free: float, names: list[str], small: bool) -> None:  # noqa: FBT001
    found = propose(POOL, int(free), 4)
    assert found is not None
    assert ([offer.name for offer in found.models], found.small) == (names, small)
    assert found.num_nodes == 4


def test_the_default_pool_takes_what_was_measured() -> None:
    assert 2.2 * GIB < needed_bytes([LARGE.bytes, SMALL.bytes]) < 2.7 * GIB


def test_nothing_fits_in_nothing() -> None:
    assert propose(POOL, 100_000_000, 2) is None
    assert propose([], 16 * GIB, 2) is None


@given(st.lists(st.integers(10**6, 10**10), max_size=6), st.integers(0, 10**11), st.integers(1, 256))
def test_what_is_proposed_is_a_topology_within_its_budget(sizes: list[int], free: int, cores: int) -> None:
    offers = [Offer(f"m{i}", f"models/m{i}.gguf", size, here=bool(i % 2)) for i, size in enumerate(sizes)]
    found = propose(offers, free, cores)
    if found is None:
        return
    assert found.needed_bytes <= free * USABLE_SHARE
    topology = msgspec.json.decode(json.dumps(found.topology()), type=Topology)
    assert 2 <= len(topology.nodes) <= 5
    assert (topology.inference.context_tokens == SMALL_CONTEXT) is found.small


@pytest.mark.parametrize(
    ("finding", "level"),
    [
        (of_cores(1), "warning"),
        (of_cores(8), "ok"),
        (of_memory(16 * GIB, [LARGE.bytes, SMALL.bytes], 16384), "ok"),
        (of_memory(int(2.7 * GIB), [LARGE.bytes, SMALL.bytes], 16384), "warning"),
        (of_memory(1 * GIB, [LARGE.bytes, SMALL.bytes], 16384), "problem"),
        (of_disk("/", 10**10), "ok"),
        (of_disk("/", 10**9), "warning"),
        (of_disk("/", 10**8), "problem"),
        (of_gpu(there=False, usable=False, wanted=False), "ok"),
        (of_gpu(there=True, usable=True, wanted=True), "ok"),
        (of_gpu(there=True, usable=False, wanted=False), "warning"),
        (of_gpu(there=True, usable=True, wanted=False), "warning"),
        (of_gpu(there=False, usable=False, wanted=True), "warning"),
        (of_clock(0.01), "ok"),
        (of_clock(-1.0), "warning"),
        (of_clock(60.0), "problem"),
    ],
)
def test_findings(finding: object, level: str) -> None:
    assert getattr(finding, "level") == level  # noqa: B009
    assert len(str(finding).splitlines()) == 1
    assert level == "ok" or "; " in str(finding)
