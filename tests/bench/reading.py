"""What a reader notices: `make bench-engine`, or `python -m tests.bench.reading --help`.

- gap: the time between two tokens of an answer that streams, alone and while a prompt of 1,500 tokens comes in;
- turns: what a conversation of ten turns asks to be read, and what of it is computed;
- memory: what the process holds after that, by part.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import statistics
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

import models
from models import Request, Turn, turns
from models.cores import resident_bytes
from models.llama import LlamaEngine

WORDS = "river stone cloud window letter garden winter bridge market silver engine forest mirror harbour candle".split()
PROMPT_TOKENS = 1500
ALONE_TOKENS = 40  # before the prompt comes
GAP_TARGET = 3.0
TURNS = 10


async def long_prompt(engine: LlamaEngine, model: Path) -> tuple[Turn, ...]:
    """Make up a prompt that nobody has read."""
    dice = random.Random(1)
    words: list[str] = []
    said = turns("", "")
    while await engine.count_tokens(model, said) < PROMPT_TOKENS:
        words += dice.choices(WORDS, k=50)
        said = turns("", f"Which word is not a thing? {' '.join(words)}")
    return said


async def gap(model: Path) -> dict[str, Any]:
    """Measure the time between tokens before and while a long prompt is read."""
    engine = LlamaEngine()
    await engine.load(model)
    said = await long_prompt(engine, model)
    at: list[float] = []
    begun = asyncio.Event()

    def on_text(_: str) -> None:
        at.append(time.perf_counter())
        if len(at) == ALONE_TOKENS:
            begun.set()

    count = turns("", "Count from 1 to 900, with a line for each number, and do not stop.")
    reading = asyncio.create_task(
        engine.complete(
            Request(model=model, messages=count, max_tokens=1800, may_loop=True, caller="a", priority="high"), on_text
        )
    )
    await begun.wait()
    came_at = time.perf_counter()
    long = Request(model=model, messages=said, max_tokens=1, caller="b", priority="high")
    prompt_tokens = (await engine.complete(long)).prompt_tokens
    read_at = time.perf_counter()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)
    await engine.close()
    gaps = [(start, end - start) for start, end in pairwise(at)]
    alone = [seconds for start, seconds in gaps if start + seconds < came_at]
    beside = [seconds for start, seconds in gaps if came_at <= start + seconds <= read_at]
    return {
        "prompt_tokens": prompt_tokens,
        "read_s": read_at - came_at,
        "median_alone_s": statistics.median(alone),
        "longest_alone_s": max(alone),
        "median_beside_s": statistics.median(beside),
        "longest_beside_s": max(beside),
        "ratio": max(beside) / statistics.median(alone),
        "ratio_beside": max(beside) / statistics.median(beside),
        "target": GAP_TARGET,
    }


async def conversation(model: Path) -> tuple[list[dict[str, float]], dict[str, int]]:
    """Have a conversation; tell of each turn what was asked and computed, and what is held in the end."""
    before_loading = resident_bytes() or 0
    engine = LlamaEngine()
    await engine.load(model)
    said = [Turn("system", "You are a helpful assistant.")]
    rows = []
    for turn in range(TURNS):
        said.append(Turn("user", f"Tell me something about number {turn + 1} and the {WORDS[turn]}."))
        before = next(iter(engine.stats().values()))
        began = time.perf_counter()
        first: list[float] = []
        done = await engine.complete(
            Request(model=model, messages=tuple(said), max_tokens=80, priority="high"),
            lambda _, first=first: first.append(time.perf_counter()),  # type: ignore[misc]
        )
        after = next(iter(engine.stats().values()))
        rows.append(
            {
                "asked": after.prefill_tokens_asked - before.prefill_tokens_asked,
                "computed": after.prefill_tokens_computed - before.prefill_tokens_computed,
                "first_s": (first[0] if first else time.perf_counter()) - began,
            }
        )
        said.append(Turn("assistant", done.text))
    (stats,) = engine.stats().values()
    buffers = (resident_bytes() or 0) - before_loading - stats.weight_bytes - stats.cache_bytes
    held = {"weights": stats.weight_bytes, "KV cells": stats.cache_bytes, "buffers": buffers}
    await engine.close()
    return rows, {**held, "Python and libraries": before_loading}


def show(report: dict[str, Any]) -> None:
    """Print what was found."""
    console = Console()
    found = report["gap"]
    table = Table("between two tokens", "median", "longest", title=f"{report['model']}: a reader, beside a long prompt")
    table.add_row("alone", *(f"{found[f'{name}_alone_s'] * 1e3:.0f} ms" for name in ("median", "longest")))
    table.add_row(
        f"beside {found['prompt_tokens']} tokens, read in {found['read_s']:.1f} s",
        *(f"{found[f'{name}_beside_s'] * 1e3:.0f} ms" for name in ("median", "longest")),
    )
    console.print(table)
    told = f"longest beside over median alone {found['ratio']:.2f}, over median beside {found['ratio_beside']:.2f}"
    console.print(f"{told}; target {found['target']}")
    table = Table("turn", "prompt tokens", "computed", "first text", title="a conversation")
    for place, row in enumerate(report["turns"], 1):
        table.add_row(str(place), f"{row['asked']:.0f}", f"{row['computed']:.0f}", f"{row['first_s']:.2f} s")
    console.print(table)
    console.print("held: " + ", ".join(f"{part} {size / 2**20:.0f} MiB" for part, size in report["memory"].items()))


def main() -> None:
    """Print tables, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="qwen2.5-coder-0.5b", help="a name of the catalogue, or a GGUF file")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    known = models.find(arguments.model)
    model = Path(models.__file__).with_name(known.file) if known else Path(arguments.model)
    rows, held = asyncio.run(conversation(model))  # first, while the process holds nothing of another engine
    report = {"model": model.name, "gap": asyncio.run(gap(model)), "turns": rows, "memory": held}
    if arguments.json:
        print(json.dumps(report, indent=2))  # noqa: T201
    else:
        show(report)


if __name__ == "__main__":
    main()
