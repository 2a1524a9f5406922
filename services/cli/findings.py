"""What is to be said of a machine and a deployment: one line each, with what to do about it.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from services.cli.proposal import needed_bytes

Level = Literal["ok", "warning", "problem"]

LOW_DISK_BYTES, NO_DISK_BYTES = 3 * 10**9, 300 * 10**6
TIGHT_SHARE = 0.8
CLOCK_WARNING_S, CLOCK_PROBLEM_S = 0.3, 2.0


class Finding(Struct, frozen=True):
    """What was looked at, how it is, and what to do where it is not as it should be."""

    what: str
    level: Level
    told: str
    do: str = ""

    def __str__(self) -> str:
        return f"{self.level:8}{self.what}: {self.told}" + (f"; {self.do}" if self.do else "")


def of_cores(cores: int) -> Finding:
    """Judge the cores that this process may use."""
    if cores == 1:
        return Finding("cores", "warning", "1 core", "answers will be slow; give it more")
    return Finding("cores", "ok", f"{cores} cores")


def of_memory(free_bytes: int, sizes: Sequence[int], cache_tokens: int) -> Finding:
    """Judge the memory that is free, against what model files of these sizes will hold."""
    needed = needed_bytes(sizes, cache_tokens)
    told = f"{_gib(free_bytes)} GiB are free, the topology's models hold about {_gib(needed)} GiB"
    smaller = "take smaller models, or less `cache_tokens`; `dellm init --force` writes a topology that fits"
    if needed > free_bytes:
        return Finding("memory", "problem", told, smaller)
    if needed > TIGHT_SHARE * free_bytes:
        return Finding("memory", "warning", told, smaller)
    return Finding("memory", "ok", told)


def of_disk(folder: str, free_bytes: int) -> Finding:
    """Judge the room for models, streams and logs."""
    told = f"{free_bytes / 10**9:.1f} GB are free in {folder}"
    if free_bytes < NO_DISK_BYTES:
        return Finding("disk", "problem", told, "make room: the streams cannot be written")
    if free_bytes < LOW_DISK_BYTES:
        return Finding("disk", "warning", told, "make room before models are added")
    return Finding("disk", "ok", told)


def of_gpu(*, there: bool, usable: bool, wanted: bool) -> Finding:
    """Judge whether a GPU that is there is used."""
    build = "build llama.cpp for it: CMAKE_ARGS=-DGGML_CUDA=on, see docs/topology.md"
    if there and not usable:
        return Finding("gpu", "warning", "there is one, and this llama.cpp cannot use it", build)
    if wanted and not usable:
        return Finding("gpu", "warning", "the topology wants gpu_layers, and there is no GPU", "all runs on the CPU")
    if usable and not wanted:
        return Finding("gpu", "warning", "there is one, and the topology does not use it", 'set "gpu_layers": -1')
    return Finding("gpu", "ok", "used" if usable else "none; all runs on the CPU")


def of_clock(ahead_s: float) -> Finding:
    """Judge how far this machine's clock is before the server's: deadlines are times."""
    told = f"{abs(ahead_s):.1f} s {'ahead of' if ahead_s >= 0 else 'behind'} the server's"
    if abs(ahead_s) > CLOCK_PROBLEM_S:
        return Finding("clock", "problem", told, "synchronise the clocks (NTP): queries will end too early or late")
    if abs(ahead_s) > CLOCK_WARNING_S:
        return Finding("clock", "warning", told, "synchronise the clocks (NTP)")
    return Finding("clock", "ok", told)


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f}"
