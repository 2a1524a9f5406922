"""Summaries to read: the cells of a table, a Markdown page, and a plot of accuracy against time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.evaluation.drawing import drawing

if TYPE_CHECKING:
    from services.evaluation.summary import Summary

COLUMNS = ("configuration", "parts", "", "whole", "", "median s", "total s", "tokens in", "out", "wording", "errors")
NUMERIC = range(1, 9)
MARKERS = "os^Dv<>P"


LEGEND = """\
A part is right when an accepted value stands in the answer, a question when all its parts are. Tokens are those of the
models that voted. A `rejected` wording lost or invented something, or was not finished: the plain join was returned.
Errors are counted where a wrong part was lost: `cut` (no chunk asks for it), `model` (no model said it), `extraction`
(a text holds it, no final answer does), `vote` (another answer won), `synthesis` (it won, and was lost in the wording),
`missing` (no answer in time)."""


def cells(summary: Summary) -> list[str]:
    """Give the cells of a configuration's row, one for each of COLUMNS."""
    figures = summary.figures
    return [
        summary.name,
        f"{figures.parts_right}/{figures.parts}",
        f"{figures.parts_share:.3f}",
        f"{figures.whole_right}/{figures.whole}",
        f"{figures.whole_share:.3f}",
        "-" if figures.median_s is None else f"{figures.median_s:.2f}",
        "-" if figures.total_s is None else f"{figures.total_s:.1f}",
        "-" if summary.prompt_tokens is None else str(summary.prompt_tokens),
        "-" if summary.generated_tokens is None else str(summary.generated_tokens),
        _counts(summary.wordings),
        _counts(summary.faults),
    ]


def markdown(title: str, summaries: Sequence[Summary], facts: Mapping[str, str]) -> str:
    """Write a page: the table, what its columns mean, two plots that stand beside it, and facts about the run."""
    rules = ["---:" if i in NUMERIC else "---" for i in range(len(COLUMNS))]
    rows = [COLUMNS, rules, *map(cells, summaries)]
    return "\n".join(
        [
            f"# {title}",
            "",
            *(f"| {' | '.join(row)} |" for row in rows),
            "",
            LEGEND,
            "",
            "![accuracy against time](report.png)",
            "",
            *(f"- {summary.name}: {told}" for summary in summaries if (told := calibration(summary))),
            "",
            "![share right against confidence](reliability.png)",
            "",
            *(f"- {name}: {fact}" for name, fact in facts.items()),
            "",
        ]
    )


def calibration(summary: Summary) -> str:
    """Tell the expected calibration error of all answers that were voted on, and of each kind; empty without any."""
    told = [f"{kind} {found.ece:.3f} of {found.count}" for kind, found in summary.reliability.items()]
    return f"expected calibration error: {', '.join(told)}" if told else ""


def plot(title: str, summaries: Sequence[Summary], path: Path) -> None:
    """Draw the share of parts right against the median seconds, one dot a configuration.

    Raises:
        EvaluationError: matplotlib, the extra `eval`, is not installed, or the file cannot be written.

    """
    with drawing(path, (8, 5)) as axes:
        for number, summary in enumerate(summaries):
            if summary.figures.median_s is not None:
                marker = MARKERS[number % len(MARKERS)]
                axes.scatter(summary.figures.median_s, summary.figures.parts_share, marker=marker, label=summary.name)
        axes.set(title=title, xlabel="median seconds a question", ylabel="share of parts right")
        axes.margins(0.15)
        axes.set_xlim(left=0)


def _counts(counts: Mapping[Any, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.items()) or "-"
