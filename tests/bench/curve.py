"""What a long run used, sample by sample: what grew, a table, and the curve as CSV and as a picture."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from services.evaluation.drawing import drawing

PRIVATE = "private MiB"
TOLD_ONLY = ("resident MiB",)  # it holds pages of files that the system takes back when it likes
MAX_GROWTH = 0.03
MAX_GROWTH_OF_A_RATE = 0.1  # what a query leaves differs from query to query
RATE = "an act"
SETTLING = (PRIVATE, RATE, " messages", " bytes")
SPARE = 3.0  # so many more are no growth: what is under way differs
QUARTER = 4


@dataclass(frozen=True)
class Sample:
    """Figures by name, `at_s` seconds after the beginning."""

    at_s: float
    figures: Mapping[str, float]


@dataclass(frozen=True)
class Change:
    """A figure in the first and in the last quarter of what counts."""

    name: str
    first: float
    last: float

    @property
    def grown(self) -> float:
        """By which part it grew."""
        return self.last / self.first - 1 if self.first else float(self.last > 0)

    @property
    def is_size(self) -> bool:
        """Whether it is a size that settles slowly, not a number of things that a process holds."""
        return self.name.endswith((*SETTLING, *TOLD_ONLY))

    @property
    def is_fault(self) -> bool:
        """Whether it may not grow so."""
        if self.name.endswith(TOLD_ONLY):
            return False
        if self.name.endswith(PRIVATE):
            return self.grown > MAX_GROWTH
        if self.name.endswith(RATE):
            return self.grown > MAX_GROWTH_OF_A_RATE
        return self.last - self.first > SPARE and self.grown > MAX_GROWTH

    def __str__(self) -> str:
        return f"{self.name:<40} {self.first:>12.1f} {self.last:>12.1f} {self.grown:>+9.2%}"


def names(samples: Sequence[Sample]) -> list[str]:
    """List the figures in the order in which they first came."""
    return list(dict.fromkeys(name for sample in samples for name in sample.figures))


def changes(samples: Sequence[Sample], warm_up_s: float) -> list[Change]:
    """Compare the first quarter after the warm-up with the last one.

    Sizes are compared by their medians.  Numbers of things are compared by the fewest that there were: what is under
    way comes and goes, and what is never given back stays.
    """
    counted = [sample for sample in samples if sample.at_s >= warm_up_s]
    found = []
    for name in names(counted):
        values = [sample.figures[name] for sample in counted if name in sample.figures]
        share = max(1, len(values) // QUARTER)
        typical = median if Change(name, 0, 0).is_size else min
        found.append(Change(name, typical(values[:share]), typical(values[-share:])))
    return found


def write_csv(samples: Sequence[Sample], path: Path) -> None:
    """Write a row for each sample."""
    columns = names(samples)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["seconds", *columns])
        for sample in samples:
            writer.writerow([round(sample.at_s, 1), *(sample.figures.get(name, "") for name in columns)])


def draw(samples: Sequence[Sample], path: Path, warm_up_s: float) -> None:
    """Draw the private memory of every process over time, as a part of what it was after the warm-up."""
    with drawing(path, (10, 5)) as axes:
        for change in changes(samples, warm_up_s):
            if change.name.endswith(PRIVATE) and change.first:
                points = [(sample.at_s / 60, sample.figures.get(change.name)) for sample in samples]
                drawn = [(minutes, 100 * value / change.first) for minutes, value in points if value is not None]
                label = f"{change.name.removesuffix(PRIVATE).strip()} ({change.first:.0f} MiB)"
                axes.plot([minutes for minutes, _ in drawn], [value for _, value in drawn], label=label)
        axes.axvline(warm_up_s / 60, color="grey", linestyle=":")
        axes.axhspan(100, 100 * (1 + MAX_GROWTH), color="grey", alpha=0.15)
        axes.set_ylim(90, 110)
        axes.set_xlabel("minutes")
        axes.set_ylabel("private memory, % of that after the warm-up")
