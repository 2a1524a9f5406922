"""What `make bench-engine` compares: each contender, in a process of its own, answers one job and prints its figures.

Reads a job as JSON from standard input: `python -m tests.bench.contenders < job.json`.  Started by tests.bench.engine.
"""

from __future__ import annotations

import asyncio
import dataclasses
import os
import resource
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from itertools import repeat
from pathlib import Path

import msgspec
import psutil
from llama_cpp import Llama

from models import Request, turns
from models.llama import LlamaEngine
from tests.bench.jobs import SYSTEM, Answer, Contender, Job, Name, Outcome, temperature
from tests.bench.raw import RawLoop
from tests.bench.server import llama_server


@asynccontextmanager
async def engine(job: Job) -> AsyncIterator[Contender]:
    """Give this project's engine through its public interface."""
    made = LlamaEngine(
        threads=job.threads,
        context_tokens=job.context_tokens,
        sequences=job.slots,
        cache_tokens=job.context_tokens * job.slots,
    )
    await made.load(Path(job.model))

    def counters() -> dict[str, float]:
        (stats,) = made.stats().values()
        return dataclasses.asdict(stats)

    async def ask(prompt: str, seed: int | None) -> Answer:
        started = time.perf_counter()
        first: list[float] = []
        request = Request(
            model=Path(job.model),
            messages=turns(SYSTEM, prompt),
            max_tokens=job.max_tokens,
            temperature=temperature(seed),
            seed=seed or 0,
        )
        said = await made.complete(request, lambda _: first.append(time.perf_counter()) if not first else None)
        ended = time.perf_counter()
        return Answer(
            first_s=(first[0] if first else ended) - started,
            latency_s=ended - started,
            prompt_tokens=said.prompt_tokens,
            completion_tokens=said.completion_tokens,
        )

    try:
        yield Contender(ask=ask, counters=counters)
    finally:
        await made.close()


@asynccontextmanager
async def locked(job: Job, *, cold: bool = False) -> AsyncIterator[Contender]:
    """Give `llama_cpp.Llama` behind a lock; `cold`: it forgets the prompt before each request."""
    llama = Llama(
        job.model,
        n_ctx=job.context_tokens,
        n_threads=job.threads,
        n_threads_batch=job.threads,
        flash_attn=True,  # as it comes about by itself in the engine and llama-server
        verbose=False,
    )
    lock = asyncio.Lock()

    def complete(prompt: str, seed: int | None, started: float) -> Answer:
        if cold:
            llama.reset()
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": prompt}]
        options = {"max_tokens": job.max_tokens, "temperature": temperature(seed), "seed": seed}
        first_at, before = 0.0, 0
        for chunk in llama.create_chat_completion(messages, stream=True, **options):
            if not first_at and chunk["choices"][0]["delta"].get("content"):
                first_at, before = time.perf_counter(), llama.n_tokens
        ended = time.perf_counter()
        # At the first text all of the prompt and none of what was sampled is in the cache, as is the last token never.
        return Answer(
            first_s=(first_at or ended) - started,
            latency_s=ended - started,
            prompt_tokens=before,
            completion_tokens=llama.n_tokens - before + 1,
        )

    async def ask(prompt: str, seed: int | None) -> Answer:
        started = time.perf_counter()
        async with lock:
            return await asyncio.to_thread(complete, prompt, seed, started)

    yield Contender(ask=ask)


@asynccontextmanager
async def raw(job: Job, *, shared: bool = False) -> AsyncIterator[Contender]:
    """Give the ceiling; see tests.bench.raw."""
    loop = RawLoop(job, shared=shared)

    def run_all(prompts: list[str]) -> list[Answer]:
        starts = range(0, len(prompts), job.concurrency)
        return [said for i in starts for said in loop.generate(prompts[i : i + job.concurrency], job.max_tokens)]

    yield Contender(run_all=run_all, counters=lambda: {"prefill_tokens_computed": loop.prefill_computed})
    loop.close()


CONTENDERS: dict[Name, Callable[[Job], AbstractAsyncContextManager[Contender]]] = {
    "engine": engine,
    "locked": locked,
    "locked-cold": partial(locked, cold=True),
    "raw": raw,
    "raw-shared": partial(raw, shared=True),
    "llama-server": llama_server,
    "engine-8": engine,
    "llama-server-8": llama_server,
}


async def answer_all(contender: Contender, prompts: list[str], seeds: list[int] | None, at_once: int) -> list[Answer]:
    """Ask in a closed loop: each of `at_once` clients asks the next prompt when it has its answer."""
    if contender.run_all is not None:
        return contender.run_all(prompts)
    ask = contender.ask
    assert ask is not None
    left = iter(zip(prompts, seeds or repeat(None, len(prompts)), strict=True))
    answers: list[Answer] = []

    async def client() -> None:
        for prompt, seed in left:
            answers.append(await ask(prompt, seed))

    await asyncio.gather(*(client() for _ in range(at_once)))
    return answers


def busy_s() -> tuple[float, float]:
    """Give the seconds of core time that the machine and this process with its children have used."""
    cpu = psutil.cpu_times()
    own = sum(
        process.cpu_times().user + process.cpu_times().system
        for process in [psutil.Process(), *psutil.Process().children(recursive=True)]
    )
    return sum(cpu) - cpu.idle - getattr(cpu, "iowait", 0.0) - getattr(cpu, "guest", 0.0), own


async def work(job: Job) -> Outcome:
    """Start the contender, warm it up with another prompt, and measure."""
    async with CONTENDERS[job.contender](job) as contender:
        await answer_all(contender, [job.warm_up], None, 1)
        before = contender.counters()
        busy, started = busy_s(), time.perf_counter()
        answers = await answer_all(contender, job.prompts, job.seeds, job.concurrency)
        wall_s = time.perf_counter() - started
        all_s, own_s = (now - then for now, then in zip(busy_s(), busy, strict=True))
        counted = {name: value - before[name] for name, value in contender.counters().items()}
    who = resource.RUSAGE_CHILDREN if job.contender.startswith("llama-server") else resource.RUSAGE_SELF
    return Outcome(
        answers=answers,
        wall_s=wall_s,
        core_s=own_s,
        peak_rss_bytes=resource.getrusage(who).ru_maxrss * (1 if sys.platform == "darwin" else 1024),
        others_share=max(0.0, all_s - own_s) / wall_s / (os.cpu_count() or 1),
        counted=counted,
    )


if __name__ == "__main__":
    given = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(work(given))) + b"\n")
