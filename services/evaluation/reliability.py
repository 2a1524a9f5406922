"""How far confidence can be believed: of the answers that were said to be 0.8 likely, 0.8 should be right.

The expected calibration error (ECE) is the distance between the two, averaged over ten bins of confidence, each with
the weight of its answers (Naeini et al. 2015).  0 is perfect.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import fsum, log
from pathlib import Path

from msgspec import Struct

from services.evaluation.drawing import drawing

NUM_BINS = 10
MIN_P = 1e-6
WIDTH, HEIGHT = 21, 11
POINTS = ((25, "@"), (5, "O"), (1, "o"))  # drawn for so many answers and more

Sure = tuple[float, bool]
"""What was said to be how likely, and whether it is right."""


class Bin(Struct, frozen=True, kw_only=True):
    """Answers of like confidence: how many, their mean confidence, and which share of them is right."""

    count: int
    confidence: float
    right: float


class Reliability(Struct, frozen=True, kw_only=True):
    """How confidence and truth agree over `count` answers; `bins` in order, those without answers left out."""

    count: int
    ece: float
    brier: float
    log_loss: float
    bins: list[Bin]


def reliability(seen: Sequence[Sure]) -> Reliability | None:
    """Hold confidence against truth; None of no answers."""
    if not seen:
        return None
    groups: list[list[Sure]] = [[] for _ in range(NUM_BINS)]
    for confidence, right in seen:
        groups[min(NUM_BINS - 1, int(confidence * NUM_BINS))].append((confidence, right))
    bins = [
        Bin(
            count=len(group),
            confidence=fsum(confidence for confidence, _ in group) / len(group),
            right=sum(right for _, right in group) / len(group),
        )
        for group in groups
        if group
    ]
    return Reliability(
        count=len(seen),
        ece=fsum(group.count * abs(group.confidence - group.right) for group in bins) / len(seen),
        brier=fsum((confidence - right) ** 2 for confidence, right in seen) / len(seen),
        log_loss=fsum(_surprise(confidence if right else 1 - confidence) for confidence, right in seen) / len(seen),
        bins=bins,
    )


def picture(title: str, found: Reliability) -> list[str]:
    """Draw the share of right answers over their confidence in characters; on the dotted diagonal they agree."""
    rows = [[" "] * WIDTH for _ in range(HEIGHT)]
    for x in range(WIDTH):
        rows[round(x / (WIDTH - 1) * (HEIGHT - 1))][x] = "."
    for group in found.bins:
        mark = next(mark for least, mark in POINTS if group.count >= least)
        rows[round(group.right * (HEIGHT - 1))][round(group.confidence * (WIDTH - 1))] = mark
    scale = {0: "0", HEIGHT - 1: "1"}
    drawn = [f"{scale.get(y, ' ')} |{''.join(rows[y])}" for y in reversed(range(HEIGHT))]
    axis = f"  +{'-' * WIDTH}"
    return [f"{title}: ECE {found.ece:.3f} of {found.count}", *drawn, axis, f"   0{'confidence':^{WIDTH - 2}}1"]


def side_by_side(*pictures: Sequence[str]) -> Iterator[str]:
    """Put pictures of equal height beside each other."""
    widths = [max(map(len, picture)) for picture in pictures]
    for rows in zip(*pictures, strict=True):
        yield "    ".join(row.ljust(width) for row, width in zip(rows, widths, strict=True)).rstrip()


def plot_reliability(title: str, curves: Mapping[str, Reliability], path: Path) -> None:
    """Draw the share of right answers over their confidence, a line each, in the form that the file's name says.

    Raises:
        EvaluationError: matplotlib, the extra `eval`, is not installed, or the file cannot be written.

    """
    with drawing(path, (7, 5)) as axes:
        axes.plot([0, 1], [0, 1], color="grey", linestyle=":")
        for name, found in curves.items():
            label = f"{name}: ECE {found.ece:.3f} of {found.count}"
            said, right = [group.confidence for group in found.bins], [group.right for group in found.bins]
            axes.plot(said, right, "o-", label=label)
        axes.set(title=title, xlabel="confidence", ylabel="share right", xlim=(0, 1), ylim=(0, 1))


def _surprise(p: float) -> float:
    return -log(max(MIN_P, p))
