"""What the measurements of `make bench-engine` come to: figures, ratios to the peers, tables."""

from __future__ import annotations

import statistics
import sys
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.jobs import Name, Outcome
from tests.bench.pipeline import percentile

WAVE, LONG = "wave", "long"

# Of the issue: (figure, phase, over which peer) -> at least.  In the wave tokens/s stand for whole requests/s: they are
# the same where all requests run their budget, and where a sampled one ends early it does not count as fast.
TARGETS: dict[tuple[str, str, Name], float] = {
    ("tokens_per_s", "1", "locked"): 0.97,
    ("tokens_per_s", "8", "raw"): 0.95,
    **{("tokens_per_s", str(at_once), "llama-server"): 1.0 for at_once in (1, 4, 8, 16, 32)},
    ("tokens_per_s", WAVE, "locked-cold"): 2.5,
    ("tokens_per_s", WAVE, "llama-server"): 1.5,
}
# Measured too, without a target.
ALSO: tuple[tuple[str, str, Name], ...] = (
    ("tokens_per_s", "8", "raw-shared"),
    ("tokens_per_s", "16", "raw"),
    *(("tokens_per_s", at_once, peer) for at_once in ("16", "32") for peer in ("engine-8", "llama-server-8")),
    ("tokens_per_s", "8", "locked"),
    ("tokens_per_s", WAVE, "locked"),
    ("tokens_per_s", WAVE, "raw-shared"),
)
PYTHON_SHARE_TARGET = 0.05
FIRST_TARGET = 1.05  # time to the first text of a long prompt, over llama-server's: at most


def figures(outcome: Outcome) -> dict[str, float]:
    """Say what an outcome comes to; times in seconds, sizes in bytes."""
    answers = outcome.answers
    latencies = [answer.latency_s for answer in answers]
    asked = sum(answer.prompt_tokens for answer in answers)
    generated = sum(answer.completion_tokens for answer in answers)
    counted = outcome.counted
    found = {
        "requests": len(answers),
        "generated_tokens": generated,
        "wall_s": outcome.wall_s,
        "tokens_per_s": generated / outcome.wall_s,
        "tokens_per_core_s": generated / outcome.core_s,
        "requests_per_s": len(answers) / outcome.wall_s,
        "first_s_p50": statistics.median(answer.first_s for answer in answers),
        "latency_s_p50": statistics.median(latencies),
        "latency_s_p99": percentile(latencies, 0.99),
        "peak_rss_bytes": outcome.peak_rss_bytes,
        "others_share": outcome.others_share,
        "prefill_tokens_asked": asked,
    }
    if "prefill_tokens_computed" in counted:
        found["prefill_tokens_computed"] = counted["prefill_tokens_computed"]
    if counted.get("steps"):
        found["step_ms"] = 1e3 * (counted["decode_s"] + counted["python_s"]) / counted["steps"]
        found["python_share"] = counted["python_s"] / (counted["decode_s"] + counted["python_s"])
    return found


def ratios(found: dict[str, dict[str, dict[str, float]]]) -> list[dict[str, Any]]:
    """Set the engine's figures against the peers' and the targets; what was not measured is left out.

    `per_core` is the same ratio by core time instead of by the clock, which depends less on what else runs.  `others`
    is the larger share of the cores that other processes used during either measurement.
    """
    rows = []
    for figure, phase, peer in (*TARGETS, *ALSO):
        if not {"engine", peer} <= found.get(phase, {}).keys():
            continue
        ratio = found[phase]["engine"][figure] / found[phase][peer][figure]
        target = TARGETS.get((figure, phase, peer))
        met = None if target is None else ratio >= target
        mine, theirs = (found[phase][side]["tokens_per_core_s"] for side in ("engine", peer))
        name = f"engine / {peer}, {figure}, {phase if phase == WAVE else f'concurrency {phase}'}"
        others = max(found[phase][side]["others_share"] for side in ("engine", peer))
        row = {"name": name, "ratio": round(ratio, 3), "target": target, "met": met, "others": round(others, 2)}
        rows.append({**row, "per_core": round(mine / theirs, 3)})
    if {"engine", "llama-server"} <= found.get(LONG, {}).keys():
        mine, theirs = (found[LONG][side]["first_s_p50"] for side in ("engine", "llama-server"))
        rows.append(
            {
                "name": "engine / llama-server, first text of a long prompt (at most)",
                "ratio": round(mine / theirs, 3),
                "target": FIRST_TARGET,
                "met": mine <= FIRST_TARGET * theirs,
                "others": round(max(found[LONG][side]["others_share"] for side in ("engine", "llama-server")), 2),
            }
        )
    if (share := found.get("8", {}).get("engine", {}).get("python_share")) is not None:
        limit = PYTHON_SHARE_TARGET
        name = "Python's share of a step, concurrency 8 (at most)"
        others = found["8"]["engine"]["others_share"]
        rows.append(
            {"name": name, "ratio": round(share, 3), "target": limit, "met": share < limit, "others": round(others, 2)}
        )
    return rows


def show(report: dict[str, Any]) -> None:
    """Print the tables."""
    console = Console(width=None if sys.stdout.isatty() else 160)
    columns = (
        "phase",
        "contender",
        "tokens/s",
        "per core s",
        "requests/s",
        "first p50",
        "p50",
        "p99",
        "peak RSS",
        "generated",
    )
    table = Table(*columns, "prefill", "others", title=f"{report['model']}, {report['machine']}")
    for phase, contenders in report["phases"].items():
        for contender, run in contenders.items():
            computed = run.get("prefill_tokens_computed")
            table.add_row(
                phase,
                contender,
                f"{run['tokens_per_s']:.1f}",
                f"{run['tokens_per_core_s']:.1f}",
                f"{run['requests_per_s']:.2f}",
                *(f"{run[name]:.2f} s" for name in ("first_s_p50", "latency_s_p50", "latency_s_p99")),
                f"{run['peak_rss_bytes'] / 1e6:.0f} MB",
                f"{run['generated_tokens']:.0f} of {run['requests'] * report['max_tokens']:.0f}",
                f"{'?' if computed is None else round(computed)} of {run['prefill_tokens_asked']:.0f}",
                f"{run['others_share']:.0%}",
            )
        table.add_section()
    console.print(table)
    table = Table("ratio", "value", "target", "met", "per core", "others")
    for row in report["ratios"]:
        met = {None: "", True: "yes", False: "no"}[row["met"]]
        table.add_row(
            row["name"],
            f"{row['ratio']}",
            str(row["target"] or ""),
            met,
            str(row.get("per_core", "")),
            f"{row['others']:.0%}",
        )
    console.print(table)
    console.print(f"{report['llama_server']}\n{report['versions']}  Python {report['python']}", style="dim")
    console.print(report["command"], style="dim", soft_wrap=True)
