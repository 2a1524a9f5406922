"""This engine beside its peers: `make bench-engine`, or `python -m tests.bench.engine --help`.

Every measurement runs in a process of its own, one after the other, with cold caches: same GGUF, prompts, token budget
and threads, and no prompt twice.  The contenders are
- `engine`: this project's, through `LlamaEngine.complete`;
- `locked`: `llama_cpp.Llama` behind a lock, with flash attention as in all others, which keeps the last prompt's cache;
  `locked-cold` forgets it each time;
- `raw`: a bare loop of `llama_decode` without any work on text, the ceiling; `raw-shared` computes what all prompts
  begin with once;
- `llama-server`, over loopback, if there is one;
- `engine-8` and `llama-server-8`: where more ask at once, with the eight slots that are the default.
All others have as many slots as there are clients.  The phase `long` asks prompts of 1,500 tokens one by one.  The wave
is one long prompt asked eight times at once with eight seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import shutil
import subprocess
import sys
from importlib.metadata import version
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import msgspec

import models
from models.cores import usable_cores
from tests.bench.comparison import LONG, WAVE, figures, ratios, show
from tests.bench.jobs import Job, Name, Outcome

PROMPTS = Path(__file__).with_name("prompts.jsonl")
DEFAULT_MODEL = "qwen2.5-coder-0.5b"
DEFAULT_SLOTS = 8
STEADY: tuple[Name, ...] = ("engine", "llama-server", "locked", "raw", "raw-shared")
CONTENDERS: dict[str, tuple[Name, ...]] = {  # of the phases in which others take part
    WAVE: ("engine", "llama-server", "locked", "locked-cold", "raw-shared"),
    LONG: ("engine", "llama-server"),
}
MANY: tuple[Name, ...] = ("engine-8", "llama-server-8")
FEWEST_REQUESTS = 6
WAVE_SEQUENCES, LONG_PROMPTS = 8, 3
CONTEXT_TOKENS, LONG_CONTEXT_TOKENS = 512, 2048  # per sequence
WORDS = "river stone cloud window letter garden winter bridge market silver engine forest mirror harbour candle".split()
LONG_WORDS = 1470  # of about a token each


class Phase(NamedTuple):
    """A measurement that every contender runs; `name` is the concurrency, `LONG` or `WAVE`."""

    name: str
    concurrency: int
    prompts: list[str]
    seeds: list[int] | None = None
    context_tokens: int = CONTEXT_TOKENS

    @property
    def contenders(self) -> tuple[Name, ...]:
        """Who takes part."""
        many = MANY if self.concurrency > DEFAULT_SLOTS else ()
        return (*CONTENDERS.get(self.name, STEADY), *many)


def phases(fresh: list[str], wave: str, concurrencies: list[int], rounds: int) -> list[Phase]:
    """Give the phases: each takes its prompts from the beginning, for each runs in a new process.

    With fewer prompts than `rounds` need there are fewer rounds.

    Raises:
        SystemExit: there are too few prompts.

    """
    most = len(fresh) - 1  # one is for warming up
    if (needed := max(FEWEST_REQUESTS, *concurrencies)) > most:
        raise SystemExit(f"{needed + 1} prompts are needed (one is for warming up), the file has {len(fresh)}")
    counts = {at_once: max(FEWEST_REQUESTS, min(rounds, most // at_once) * at_once) for at_once in concurrencies}
    dice = random.Random(1)
    long = [f"Which word is not a thing? {' '.join(dice.choices(WORDS, k=LONG_WORDS))}" for _ in range(LONG_PROMPTS)]
    return [
        *(Phase(str(at_once), at_once, fresh[:count]) for at_once, count in counts.items()),
        Phase(LONG, 1, long, context_tokens=LONG_CONTEXT_TOKENS),
        Phase(WAVE, WAVE_SEQUENCES, [wave] * WAVE_SEQUENCES, list(range(1, WAVE_SEQUENCES + 1))),
    ]


def run(job: Job) -> Outcome:
    """Run a contender in a process of its own.

    Raises:
        SystemExit: it failed; its last line of standard error is told.

    """
    # The engine sets this for itself.  The peers get it too, else on cores that others use they would mostly spin.
    environment = {"GOMP_SPINCOUNT": "300", **os.environ}
    command = [sys.executable, "-m", "tests.bench.contenders"]
    done = subprocess.run(command, input=msgspec.json.encode(job), capture_output=True, env=environment, check=False)
    if done.returncode:
        last = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise SystemExit(f"{job.contender}: {' '.join(last) or done.returncode}")
    return msgspec.json.decode(done.stdout, type=Outcome)


def measure(arguments: argparse.Namespace, model: Path, server: str | None) -> dict[str, dict[str, dict[str, float]]]:
    """Run all phases; figures by phase and contender.

    Contenders take turns.  Of `--repeats` the one with the median tokens/s counts, of long prompts that with the median
    time to the first text.
    """
    rows = {PROMPTS: queries_of(PROMPTS), arguments.prompts: queries_of(arguments.prompts)}
    wave = rows[PROMPTS].pop(WAVE)
    rows[arguments.prompts].pop(WAVE, None)
    fresh = list(rows[arguments.prompts].values())
    found: dict[str, dict[str, dict[str, float]]] = {}
    for phase in phases(fresh, wave, arguments.concurrency, arguments.rounds):
        if arguments.phases and phase.name not in arguments.phases:
            continue
        runs: dict[str, list[dict[str, float]]] = {}
        for repeat in range(arguments.repeats):
            for contender in phase.contenders:
                if contender.startswith("llama-server") and server is None:
                    continue
                if arguments.contenders and contender not in arguments.contenders:
                    continue
                _say(f"{phase.name}: {contender} ({repeat + 1} of {arguments.repeats})")
                job = Job(
                    contender=contender,
                    model=str(model),
                    threads=arguments.threads,
                    max_tokens=arguments.max_tokens,
                    concurrency=phase.concurrency,
                    slots=DEFAULT_SLOTS if contender in MANY else phase.concurrency,
                    context_tokens=phase.context_tokens,
                    prompts=phase.prompts,
                    warm_up=fresh[-1],
                    seeds=phase.seeds,
                    llama_server=server,
                )
                runs.setdefault(contender, []).append(figures(run(job)))
                last = runs[contender][-1]
                _say(
                    f"  {last['tokens_per_s']:.1f} tokens/s, {last['tokens_per_core_s']:.1f} per core second, "
                    f"first text after {last['first_s_p50']:.2f} s; others {last['others_share']:.0%}"
                )
        figure = "first_s_p50" if phase.name == LONG else "tokens_per_s"
        found[phase.name] = {
            contender: sorted(repeats, key=itemgetter(figure))[len(repeats) // 2] for contender, repeats in runs.items()
        }
    return found


def queries_of(path: Path) -> dict[str, str]:
    rows = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
    return {str(row.get("id", i)): row["query"] for i, row in enumerate(rows)}


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def _find_model(name: str) -> Path:
    model = models.find(name)
    path = Path(models.__file__).parent / model.file if model is not None else Path(name)
    models.catalogue.check_gguf(path)
    return path


def main() -> None:
    """Print tables, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default=DEFAULT_MODEL, help="a name of the catalogue, or a GGUF file")
    parser.add_argument("--prompts", type=Path, default=PROMPTS, help="JSON lines with `query`")
    parser.add_argument("--concurrency", type=int, nargs="+", default=[1, 4, 8, 16, 32])
    parser.add_argument("--phases", nargs="+", metavar="PHASE", help="only these: a concurrency, long, wave")
    parser.add_argument("--contenders", nargs="+", metavar="NAME", help="only these")
    parser.add_argument("--rounds", type=int, default=2, help="requests per client")
    parser.add_argument("--repeats", type=int, default=1, help="runs of each measurement; the median counts")
    parser.add_argument("--max-tokens", type=int, default=64)
    parser.add_argument("--threads", type=int, default=usable_cores())
    parser.add_argument("--llama-server", default=shutil.which("llama-server"), metavar="PATH")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    try:
        model = _find_model(arguments.model)
    except models.ModelError as error:
        raise SystemExit(str(error)) from error
    server = arguments.llama_server
    llama_server = f"llama-server: {server}" if server else "llama-server: none on PATH, give --llama-server PATH"
    _say(llama_server)
    machine = f"{platform.machine()}, {usable_cores()} cores, load {os.getloadavg()[0]:.1f} at the start"
    found = measure(arguments, model, server)
    report = {
        "machine": machine,
        "versions": {package: version(package) for package in ("dellm", "llama-cpp-python", "numpy")},
        "python": platform.python_version(),
        "command": " ".join(["python -m tests.bench.engine", *sys.argv[1:]]),
        "model": model.name,
        "threads": arguments.threads,
        "max_tokens": arguments.max_tokens,
        "llama_server": llama_server,
        "phases": found,
        "ratios": ratios(found),
    }
    if arguments.json:
        print(json.dumps(report, indent=2))  # noqa: T201
    else:
        show(report)


if __name__ == "__main__":
    main()
