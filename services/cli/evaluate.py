"""`dellm eval`: ask a whole set of questions, keep every answer with its votes and timings, and tell the figures."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import click
import msgspec
from msgspec import structs

import models as catalogue
from models.catalogue import check_gguf
from models.engine import PromptTooLong, Request, turns
from models.reference import ModelReference, model_name, parse_reference
from schemas.commands import DEFAULT_TIMEOUT_S, MAX_TIMEOUT_S, MIN_TIMEOUT_S, Query
from schemas.messages import Error
from schemas.subjects import PIECE
from schemas.terms import ErrorCode, Policy, Status
from schemas.topology import load
from services.checks.syntax import python_code
from services.cli.ask import open_or_start
from services.cli.filled_in import filled_in
from services.cli.home import default_models
from services.cli.options import Target, bus_options, err, run, run_code_option, topology_option
from services.cli.policy import policy_options
from services.cli.tally import Tally
from services.evaluation.answers import Answer, AnswerFile, appending, from_reply
from services.evaluation.questions import Question, read_questions
from services.evaluation.reliability import plot_reliability
from services.evaluation.report import calibration
from services.evaluation.summary import summarise
from services.hosting import inference
from services.runtime.client import ask as send
from services.runtime.sandbox import run_python

Ask = Callable[[Question], Awaitable[Answer]]

BASELINE_SYSTEM = "You are a helpful assistant."
BASELINE_MAX_TOKENS = 512
TEST_S = 10.0


@click.command("eval")
@click.argument("questions_path", metavar="QUESTIONS", type=click.Path(path_type=Path, dir_okay=False))
@click.option(
    "--out",
    "answers_path",
    metavar="ANSWERS",
    type=click.Path(path_type=Path, dir_okay=False),
    required=True,
    help="JSON Lines, a row a question; those that have an answer already are not asked again.",
)
@click.option(
    "--baseline",
    metavar="MODEL",
    help="Ask this model alone: a name of the catalogue, a GGUF file, or openai:URL#NAME.",
)
@click.option("--embedded", is_flag=True, help="Start all services for this, unless `dellm up` runs.")
@policy_options
@click.option(
    "--concurrency", type=click.IntRange(min=1), default=1, show_default=True, help="Questions asked at a time."
)
@click.option("--limit", type=click.IntRange(min=1), help="Only the first so many questions.")
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(MIN_TIMEOUT_S, MAX_TIMEOUT_S),
    default=DEFAULT_TIMEOUT_S,
    show_default=True,
    help="Seconds a question.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
@click.option(
    "--plot",
    "plot_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Draw the share of right answers over their confidence, as .svg or .png.",
)
@run_code_option
@bus_options
@topology_option
def evaluate(
    questions_path: Path,
    answers_path: Path,
    baseline: str | None,
    embedded: bool,
    policy: Policy,
    concurrency: int,
    limit: int | None,
    timeout_s: float,
    as_json: bool,
    plot_path: Path | None,
    run_code: bool,
    target: Target,
    topology_path: Path,
) -> None:
    """Ask the questions of QUESTIONS and print how many are answered right, and how fast.

    A row of QUESTIONS is {"id", "query", "parts": [{"text", "gold": [...]}]} or {"id", "query", "gold"}; it may name
    its "scorer": parts; option (with gold); checks (the demands in its own text); tests (with "test", Python
    that is run after the answer's code where --run-code is given).
    """
    if baseline is not None and policy != Policy():
        raise click.UsageError(
            "--baseline asks one model once: "
            "--vote, --replicas, --max-replicas, --early, --wording, --cache, --checks do not apply"
        )
    questions = read_questions(questions_path)[:limit]
    model = None if baseline is None else _find_model(baseline)
    with appending(answers_path, policy=None if model else policy, model=model_name(model) if model else None) as kept:
        wanted = {question.id for question in questions}
        answers = {id_: answer for id_, answer in kept.already.items() if id_ in wanted and answer.is_final}
        waiting = [question for question in questions if question.id not in answers]
        asking = (
            _pipeline(target, topology_path, policy, timeout_s, embedded=embedded, run_code=run_code)
            if model is None
            else _alone(model, topology_path, timeout_s)
        )
        if waiting:
            tally = Tally(questions, answers, err())
            run(_ask_all(waiting, asking, concurrency, tally, kept, run_code=run_code))
    summary = summarise(answers_path.stem, questions, answers)
    if plot_path is not None:
        plot_reliability(answers_path.stem, summary.reliability, plot_path)
    if as_json:
        click.echo(msgspec.json.encode(summary))
        return
    click.echo(str(summary.figures))
    for kind, figures in summary.kinds.items():
        click.echo(f"  {kind}: {figures}")
    if told := calibration(summary):
        click.echo(told)


async def _ask_all(
    waiting: Sequence[Question],
    asking: AbstractAsyncContextManager[Ask],
    concurrency: int,
    tally: Tally,
    kept: AnswerFile,
    *,
    run_code: bool,
) -> None:
    """Ask each question once; each answer is kept before the next question is asked."""
    left = iter(waiting)

    async def ask_one_by_one() -> None:
        for question in left:
            answer = await ask(question)
            if run_code and question.test:
                ending = await run_python(f"{python_code(answer.answer)}\n\n{question.test}\n", time_s=TEST_S)
                answer = structs.replace(answer, passed=ending.well)
            kept.append(answer)
            tally.count(question, answer)

    async with asking as ask:
        with tally:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(min(concurrency, len(waiting))):
                    tasks.create_task(ask_one_by_one())


@asynccontextmanager
async def _pipeline(
    target: Target, topology_path: Path, policy: Policy, timeout_s: float, *, embedded: bool, run_code: bool
) -> AsyncIterator[Ask]:
    """Ask by way of the bus; every question under an id of its own, so that none is answered from what is stored."""

    def say(line: str) -> None:
        err().print(line, style="dim", markup=False)

    opened = open_or_start(target, topology_path, say, run_code=run_code) if embedded else target.open()
    async with opened as bus:

        async def ask(question: Question) -> Answer:
            query = Query(query=question.query, id=uuid.uuid4().hex, timeout_s=timeout_s, policy=policy)
            started = time.perf_counter()
            async with bus.tap(bus.space.full(PIECE.store, PIECE.at(id=query.id or ""))) as heard:
                first = asyncio.create_task(_first(heard, started))
                try:
                    reply = await send(bus, query)
                finally:
                    first.cancel()
            seconds = time.perf_counter() - started
            answer = from_reply(question.id, await filled_in(bus, reply), policy, seconds)
            read = first.result() if first.done() and not first.cancelled() else seconds
            return structs.replace(answer, first_text_s=read)

        yield ask


async def _first(heard: asyncio.Queue[tuple[str, bytes]], started: float) -> float:
    """Give the seconds until the first piece of an answer is heard."""
    await heard.get()
    return time.perf_counter() - started


@asynccontextmanager
async def _alone(model: ModelReference, topology_path: Path, timeout_s: float) -> AsyncIterator[Ask]:
    """Ask one model the whole question, in an engine with the topology's settings."""
    async with inference(load(topology_path), [model]) as engine:
        await engine.load(model)

        async def ask(question: Question) -> Answer:
            request = Request(
                model=model,
                messages=turns(BASELINE_SYSTEM, question.query),
                max_tokens=BASELINE_MAX_TOKENS,
                deadline_at=time.time() + timeout_s,
            )
            started = time.perf_counter()
            heard: list[float] = []
            try:
                done = await engine.complete(request, lambda _: heard.append(time.perf_counter() - started))
            except PromptTooLong as error:
                refusal = Error(code=ErrorCode.TOO_LARGE, message=str(error))
                return Answer(id=question.id, model=model_name(model), status=Status.FAILED, error=refusal)
            return Answer(
                id=question.id,
                answer=done.text.strip(),
                seconds=time.perf_counter() - started,
                status=Status.COMPLETE if done.finish == "stop" else Status.PARTIAL,
                model=model_name(model),
                prompt_tokens=done.prompt_tokens,
                completion_tokens=done.completion_tokens,
                finish=done.finish,
                first_text_s=heard[0] if heard else None,
            )

        yield ask


def _find_model(name: str) -> ModelReference:
    """Give a model by its name in the catalogue, else by its reference.  Raises ModelError when it is not here."""
    folder = default_models()
    known = (*catalogue.list_models(), *(quantized.model for quantized in catalogue.list_quantized(folder)))
    model = next((model for model in known if model.name == name), None)
    found = parse_reference(name) if model is None else folder / model.file
    if isinstance(found, Path):
        check_gguf(found)
    return found
