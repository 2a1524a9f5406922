"""One node of five goes bad, with real models: `python -m tests.quality.bad_node`.

Three phases: the default pool with SmolLM2-135M in the place of node-3; the same pool mended, with what was learned;
and, with `--without`, the pool without that node, from the start, on the questions of the first phase.  The questions
are drawn as canaries are.  Every ten queries a row is printed; `--out` gets all of them as JSON.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from statistics import mean

import msgspec

from schemas.commands import Feedback, Query
from schemas.messages import Reply, Vote
from schemas.records import Fitness
from schemas.subjects import FEEDBACK, FITNESS, Space
from services.cli.options import Target
from services.cli.up import hosting
from services.runtime.bus import Bus
from services.runtime.client import ask
from services.runtime.logging import configure
from services.runtime.wire import Entry
from services.trainer.questions import Known, draw_known
from services.voting.equivalence import equivalent

ROOT = Path(__file__).parents[2]
HEALTHY, WITH_BAD = ROOT / "topology.json", Path(__file__).with_name("bad_node.json")
NODES = [f"node-{i}" for i in range(1, 6)]
BAD = "node-3"
EVERY = 10


@dataclass(frozen=True)
class Phase:
    """Questions to ask a pool; `data` is where what was learned is kept."""

    name: str
    topology: Path
    nodes: Sequence[str]
    data: Path
    questions: range


class Row(msgspec.Struct):
    """What stood after some queries.

    `right` is the share of right answers, `bad_weight` the bad node's share of the weight that voted and `seconds` the
    mean of a query, all since the row before; `right_so_far` is since the phase began.  `fitness` is each node's,
    `judged` its (right, judged) counts.
    """

    phase: str
    queries: int
    right: float
    right_so_far: float
    bad_weight: float
    seconds: float
    fitness: dict[str, float]
    judged: dict[str, tuple[int, int]]


class Scored(msgspec.Struct):
    """One answer: whether it was right, the weight of the bad node's votes and of all, and how long it took."""

    right: bool
    bad_weight: float
    weight: float
    seconds: float


async def ask_and_tell(bus: Bus, known: Known, options: argparse.Namespace, *, tell: bool) -> Scored:
    """Ask one question, and say what the answer is."""
    started = time.monotonic()
    reply = await ask(bus, Query(query=known.question, id=bus.new_id(), timeout_s=options.timeout))
    if tell and len(reply.chunks) == 1:
        await bus.commit(Entry(FEEDBACK, Feedback(id=reply.id, answer=known.answer)))
    votes: list[Vote] = [vote for chunk in reply.chunks for vote in chunk.votes]
    return Scored(
        right=_is_right(reply, known),
        bad_weight=sum(vote.weight for vote in votes if vote.node == BAD),
        weight=sum(vote.weight for vote in votes),
        seconds=time.monotonic() - started,
    )


def _is_right(reply: Reply, known: Known) -> bool:
    return any(chunk.final is not None and equivalent(chunk.final, known.answer) for chunk in reply.chunks)


async def summed_up(bus: Bus, phase: Phase, scored: Sequence[Scored]) -> Row:
    """Give the row for the last queries."""
    latest = scored[-((len(scored) - 1) % EVERY + 1) :]
    known: list[Fitness] = [stored.message for stored in (await bus.read((FITNESS, FITNESS.at())))[FITNESS]]
    weight = sum(score.weight for score in latest)
    return Row(
        phase=phase.name,
        queries=len(scored),
        right=mean(score.right for score in latest),
        right_so_far=mean(score.right for score in scored),
        bad_weight=sum(score.bad_weight for score in latest) / weight if weight else 0.0,
        seconds=mean(score.seconds for score in latest),
        fitness={fitness.node: fitness.overall.fitness for fitness in known},
        judged={fitness.node: (fitness.overall.right, fitness.overall.judged) for fitness in known},
    )


def show(row: Row) -> None:
    fitness = "  ".join(f"{row.fitness.get(node, 0.5):6.2f}" for node in NODES)
    right, judged = row.judged.get(BAD, (0, 0))
    _print(
        f"{row.phase:8} {row.queries:5}  {fitness}  {right:4} of {judged:<4} {row.bad_weight:10.2f} "
        f"{row.right:6.2f} {row.right_so_far:7.2f} {row.seconds:8.1f}"
    )


async def run_phase(phase: Phase, options: argparse.Namespace) -> AsyncIterator[Row]:
    """Host the pool, and ask; a row every ten queries."""
    async with pool(phase, options) as bus:
        scored: list[Scored] = []
        for num, number in enumerate(phase.questions, 1):
            random = Random(f"{options.seed}/{number}")
            known, tell = draw_known(random, options.stories), random.random() < options.feedback
            scored.append(await ask_and_tell(bus, known, options, tell=tell))
            if num % EVERY == 0 or num == len(phase.questions):
                yield await summed_up(bus, phase, scored)


@asynccontextmanager
async def pool(phase: Phase, options: argparse.Namespace) -> AsyncIterator[Bus]:
    """Run all services with the phase's nodes, as `dellm up` does, and connect."""
    target = Target(None, Space("quality"), phase.data)
    phase.data.mkdir(parents=True, exist_ok=True)
    with (phase.data / "dellm.log").open("a") as log:
        configure(log)
        hosted = hosting(
            target,
            phase.topology,
            nodes=phase.nodes,
            canary_rate=options.canaries,
            say=lambda line: _print(f"# {line}"),
        )
        async with hosted as connection, replace(target, asked=connection).open() as bus:
            yield bus


async def main(options: argparse.Namespace) -> None:
    """Run the phases one after the other."""
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder)
        first, then = range(options.queries), range(options.queries, options.queries + options.mended)
        phases = [
            Phase("bad", WITH_BAD, NODES, data / "five", first),
            Phase("mended", HEALTHY, NODES, data / "five", then),
        ]
        if options.without:
            rest = [node for node in NODES if node != BAD]
            phases.append(Phase("without", HEALTHY, rest, data / "four", first))
        header = "  ".join(NODES)
        _print(f"phase      num  {header}  {BAD} right  its weight  right  so far  s/query")
        for phase in phases:
            if phase.questions:
                async for row in run_phase(phase, options):
                    rows.append(row)
                    show(row)
                    if options.out is not None:
                        options.out.write_bytes(msgspec.json.format(msgspec.json.encode(rows)) + b"\n")


def _print(line: str) -> None:
    print(line, flush=True)  # noqa: T201  # a report on standard output


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m tests.quality.bad_node", description=__doc__)
    parser.add_argument("--queries", type=int, default=100, help="with the bad node")
    parser.add_argument("--mended", type=int, default=100, help="after it is mended")
    parser.add_argument("--without", action="store_true", help="ask the first questions to the pool without it, too")
    parser.add_argument("--feedback", type=float, default=0.3, help="share of the queries whose answer is told")
    parser.add_argument("--canaries", type=float, default=0.0, help="canaries a query")
    parser.add_argument("--stories", type=float, default=0.25, help="share of word problems, which take longest")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds a query may take")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path, metavar="FILE", help="for the JSON")
    asyncio.run(main(parser.parse_args(sys.argv[1:])))
