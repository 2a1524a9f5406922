"""What became of the queries of a storm.  Pure."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

STAGES = ("plan", "nodes", "assembly", "synthesis")


def percentile(values: Sequence[float], share: float) -> float:
    """Give the value below which `share` of the values lie, 0 where there are none."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))] if values else 0.0


@dataclass(frozen=True)
class Report:
    """The figures of one scene.  `slowest` tells, for the slowest hundredth, the mean seconds by stage."""

    scene: str
    asked: int
    complete: int
    partial: int
    failed: int
    errors: dict[str, int]
    lost: list[str]
    doubled: list[str]
    seconds: float
    p50_s: float
    p99_s: float
    longest_s: float
    slowest: dict[str, float]
    struck: dict[str, int] = field(default_factory=dict)
    told: dict[str, Any] = field(default_factory=dict)

    def faults(self, *, least_complete: float) -> list[str]:
        """List why a storm was not withstood."""
        found = []
        if self.lost:
            found.append(f"{len(self.lost)} lost, such as {self.lost[0]}")
        if self.doubled:
            found.append(f"{len(self.doubled)} answered in two ways, such as {self.doubled[0]}")
        if self.complete < least_complete * self.asked:
            found.append(f"{self.complete} of {self.asked} complete, where {least_complete:.0%} should be")
        return found

    def lines(self) -> list[str]:
        """Tell it, one figure a line."""
        struck = ", ".join(f"{count} {part}" for part, count in sorted(self.struck.items()))
        errors = ", ".join(f"{count} {code}" for code, count in sorted(self.errors.items()))
        slowest = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in self.slowest.items())
        told = [f"{what:<12} {value}" for what, value in self.told.items()]
        return [
            f"scene        {self.scene}",
            f"asked        {self.asked} in {self.seconds:.0f} s",
            f"complete     {self.complete}",
            f"partial      {self.partial}",
            f"failed       {self.failed}" + (f" ({errors})" if errors else ""),
            f"lost         {len(self.lost)}",
            f"two answers  {len(self.doubled)}",
            f"p50          {self.p50_s:.2f} s",
            f"p99          {self.p99_s:.2f} s",
            f"longest      {self.longest_s:.2f} s",
            f"slowest 1 %  {slowest}",
            f"struck       {sum(self.struck.values())}" + (f" ({struck})" if struck else ""),
            *told,
        ]

    def json(self) -> dict[str, Any]:
        """Tell it to programs."""
        return asdict(self)


def report(
    scene: str,
    asked: Collection[str],
    replies: Mapping[str, Sequence[bytes]],
    took_s: Mapping[str, float],
    *,
    seconds: float,
    struck: Mapping[str, int],
    told: Mapping[str, Any] | None = None,
) -> Report:
    """Count what became of the queries `asked`, from every reply that their clients had."""
    first = {id_: json.loads(payloads[0]) for id_, payloads in replies.items()}
    statuses = Counter(reply["status"] for reply in first.values())
    times = list(took_s.values())
    return Report(
        scene=scene,
        asked=len(asked),
        complete=statuses["complete"],
        partial=statuses["partial"],
        failed=statuses["failed"],
        errors=Counter(reply["error"]["code"] for reply in first.values() if reply.get("error")),
        lost=sorted(set(asked) - set(replies)),
        doubled=sorted(id_ for id_, payloads in replies.items() if len(set(payloads)) > 1),
        seconds=seconds,
        p50_s=percentile(times, 0.5),
        p99_s=percentile(times, 0.99),
        longest_s=max(times, default=0.0),
        slowest=_slowest(first, took_s),
        struck=dict(struck),
        told=dict(told or {}),
    )


def _slowest(replies: Mapping[str, dict[str, Any]], took_s: Mapping[str, float]) -> dict[str, float]:
    """Tell where the slowest hundredth waited; `delivery` is before the plan was begun, and after the answer."""
    ids = sorted((id_ for id_ in took_s if replies[id_].get("timings")), key=lambda id_: -took_s[id_])
    ids = ids[: max(1, len(ids) // 100)]
    if not ids:
        return {}
    timings = [(replies[id_]["timings"], took_s[id_]) for id_ in ids]
    stages = {stage: sum(timing[f"{stage}_s"] for timing, _ in timings) / len(ids) for stage in STAGES}
    return {**stages, "delivery": sum(took - timing["total_s"] for timing, took in timings) / len(ids)}
