"""Thousands of short generations, to see whether memory grows: `make soak`, or `python -m tests.bench.soak --help`.

With `--hours` it is mixed traffic through the whole pipeline for so long, see `soak_pipeline`.

Prompts of many lengths, some asked twice at once; greedy, sampled, and under a grammar; some cancelled, some with a
deadline too short.  Exits with 1 where resident memory grew by more than `MAX_GROWTH` after the warm-up.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import statistics
import sys
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import psutil

import models
from models import Completion, Request, turns
from models.llama import LlamaEngine
from models.shared import SharedEngine
from tests.bench.soak_pipeline import soak_pipeline

DEFAULT_MODEL = "smollm2-135m"
MAX_GROWTH = 0.05
MAX_TOKENS = 8
REPEATED = 20  # each so-many-th request is the one before it again
WORDS = "fox sea river town winter apple seven letter music stone green walk answer question number light".split()


class Sample(NamedTuple):
    """Resident memory after so many requests."""

    requests: int
    rss_bytes: int


def growth(samples: list[Sample], warm_up: int) -> tuple[float, float]:
    """Return by which part memory grew from the warm-up's end to the last sample, and its slope in bytes per request.

    There must be two samples from the warm-up's end on.
    """
    counted = [sample for sample in samples if sample.requests >= warm_up]
    requests, sizes = zip(*counted, strict=True)
    return sizes[-1] / sizes[0] - 1, statistics.linear_regression(requests, sizes).slope


def draw(model: Path, dice: random.Random) -> tuple[Request, float | None]:
    """Make up a request, and after how many seconds it is cancelled, if it is."""
    request = Request(
        model=model,
        messages=turns(
            "You are a helpful assistant.", " ".join(dice.choices(WORDS, k=dice.choice((1, 3, 10, 30, 90))))
        ),
        max_tokens=MAX_TOKENS,
        temperature=dice.choice((0.0, 0.0, 0.7, 1.3)),
        seed=dice.randrange(2**31),
        stop=dice.choice(((), (), ("\n\n", "fox"))),
        grammar="root ::= [0-9]+" if dice.random() < 0.05 else None,
        deadline_at=time.time() + dice.uniform(0.0, 0.3) if dice.random() < 0.1 else None,
    )
    return request, dice.uniform(0.0, 0.2) if dice.random() < 0.1 else None


async def ask(engine: SharedEngine, request: Request, cancel_after_s: float | None) -> str:
    """Ask, and say how it ended."""
    try:
        async with asyncio.timeout(cancel_after_s):
            completion: Completion = await engine.complete(request)
    except TimeoutError:
        return "cancelled"
    return completion.finish


async def soak(model: Path, requests: int, concurrency: int, every: int) -> list[Sample]:
    """Ask `requests` in a closed loop of `concurrency` clients; sample and print memory after `every` so many."""
    own = LlamaEngine(context_tokens=512)
    engine = SharedEngine(own)
    dice = random.Random(1)
    process, started = psutil.Process(), time.monotonic()
    endings: Counter[str] = Counter()
    samples: list[Sample] = []
    left = iter(range(requests))
    drawn = draw(model, dice)

    async def client() -> None:
        nonlocal drawn
        for number in left:
            if number % REPEATED:
                drawn = draw(model, dice)
            endings[await ask(engine, *drawn)] += 1
            done = endings.total()
            if done % every == 0:
                samples.append(Sample(done, process.memory_info().rss))
                _say(f"{done:6} requests {samples[-1].rss_bytes / 2**20:8.1f} MiB {time.monotonic() - started:8.1f} s")

    await engine.load(model)
    await asyncio.gather(*(client() for _ in range(concurrency)))
    (stats,) = own.stats().values()
    _say(", ".join(f"{count} {ending}" for ending, count in sorted(endings.items())))
    _say(
        f"{engine.sharing().shared} shared, {stats.generated_tokens} tokens generated, "
        f"{stats.prefill_tokens_computed} of {stats.prefill_tokens_asked} prompt tokens computed"
    )
    await engine.close()
    return samples


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201


def main() -> None:
    """Soak, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hours", type=float, help="soak the whole pipeline for so long instead")
    parser.add_argument("--act-every", type=float, default=2.0, metavar="SECONDS", help="with --hours: how busy it is")
    parser.add_argument("--out", type=Path, default=Path("build/soak"), metavar="FOLDER", help="with --hours")
    parser.add_argument("--model", default=DEFAULT_MODEL, help="a name of the catalogue")
    parser.add_argument("--requests", type=int, default=10_000)
    parser.add_argument("--concurrency", type=int, default=16)
    parser.add_argument("--every", type=int, default=500, help="requests between two samples")
    parser.add_argument("--warm-up", type=int, default=1000, help="requests that do not count")
    arguments = parser.parse_args()
    if arguments.hours is not None:
        faults = soak_pipeline(arguments.hours, arguments.act_every, arguments.out)
        for fault in faults:
            _say(f"FAULT  {fault}")
        sys.exit(bool(faults))
    if arguments.requests // arguments.every - (arguments.warm_up - 1) // arguments.every < 2:
        raise SystemExit("two samples are needed from the warm-up's end on: more --requests, or a smaller --every")
    model = models.find(arguments.model)
    if model is None:
        raise SystemExit(f"the catalogue has no {arguments.model!r}")
    path = Path(models.__file__).parent / model.file
    try:
        samples = asyncio.run(soak(path, arguments.requests, arguments.concurrency, arguments.every))
    except models.ModelError as error:
        raise SystemExit(str(error)) from error
    grown, slope = growth(samples, arguments.warm_up)
    _say(f"from {arguments.warm_up} requests on: {grown:+.2%}, {slope * 1000 / 2**20:+.3f} MiB per 1000 requests")
    sys.exit(grown > MAX_GROWTH)


if __name__ == "__main__":
    main()
