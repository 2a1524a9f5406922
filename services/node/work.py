"""One task's work: which models are asked, in which way, and what they come to together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog

from models.advice import advice
from models.engine import Completion, Engine, EngineClosed, ModelError, PromptTooLong, Request, Turn
from models.reference import ModelReference, model_name
from schemas.messages import Check, ModelAnswer, Result
from schemas.plans import Task
from services.checks.examples import applicable, find_examples, imports, trial
from services.checks.leading import Lead, lead_of
from services.checks.syntax import python_code
from services.kinds.asking import Asking, asking, asking_again, worth_asking
from services.kinds.code import CODE
from services.kinds.kind import Reading, Said
from services.kinds.question import question
from services.kinds.table import named
from services.kinds.text import TEXT
from services.kinds.tools import Spoken, read_calls, shown_chars, spelled
from services.node.request import another_try, called_again, conversation, shortened, to_request, without_loops
from services.runtime.pieces import Pieces
from services.runtime.sandbox import run_python
from services.voting.calibration import CUT_OFF, trust
from services.voting.rules import consensus

log = structlog.get_logger(__name__)

MAX_TRIALS = 3  # of code, the first included
SPARE = 2.0  # another is begun where there is so many times the time that the first took
MIN_ANSWER_TOKENS = 256  # for which older turns make room
PUBLISH_SHARE, MAX_PUBLISH_S = 0.2, 1.0  # of a task's time is kept for the step that overruns it, and for publishing


@dataclass(frozen=True, slots=True)
class Answered:
    """What a model said, how many turns of the conversation did not fit, and what was checked of it here."""

    said: ModelAnswer
    dropped_turns: int
    checks: tuple[Check, ...] = ()


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a model said nothing; `too_long` if the request does not fit."""

    message: str
    too_long: bool = False


class Work:
    """A task and the models that can do it, of which those that are down are asked only where all are.

    `pieces` takes the text while it is written, where that is wanted.  `callers` names the models that can call tools.
    """

    def __init__(
        self,
        task: Task,
        engine: Engine,
        models: Sequence[ModelReference],
        *,
        caller: str,
        pieces: Pieces | None = None,
        run_code: bool = False,
        callers: Collection[str] = (),
    ) -> None:
        self._task = task
        self._engine = engine
        self._tools = task.generation.tools if task.generation.has_tools else []
        able = callers if self._tools else [model_name(model) for model in models]
        wanted = [model for model in models if task.model in ("", model_name(model)) and model_name(model) in able]
        self._models = [model for model in wanted if model not in engine.down()] or wanted
        self._caller = caller
        self._pieces = pieces
        self._kind = named(task.kind)
        self._examples = find_examples(task.text) if run_code and self._kind is CODE else []
        self._asked = question(task.text, task.context, task.given)

    async def result(self) -> Result:
        """Ask the models, once more where that is of use, and vote between them."""
        task, started_at = self._task, time.time()
        askings = [asking(self._kind, self._asked, task.replica, slot) for slot in range(len(self._models))]
        answers: list[Answered] = []
        problems: list[Problem] = []
        while askings:
            for told in await self._ask_those_worth_it(askings):
                if isinstance(told, Answered):
                    answers.append(told)
                else:
                    problems.append(told)
            askings = asking_again(self._kind, self._asked, askings, [answered.said.final for answered in answers])
        num_options = self._kind.num_options(self._asked)
        choice = consensus([answered.said for answered in answers], num_options=num_options)
        reasons = "; ".join(problem.message for problem in problems)
        return Result(
            id=task.id,
            chunk=task.chunk,
            node=task.node,
            replica=task.replica,
            started_at=started_at,
            latency_s=time.time() - started_at,
            answers=[answered.said for answered in answers],
            chosen=choice.chosen if choice else None,
            confidence=choice.confidence if choice else 0.0,
            error=None if choice else reasons or "the models gave no usable answer",
            dropped_turns=answers[choice.chosen].dropped_turns if choice else 0,
            too_long=choice is None and any(problem.too_long for problem in problems),
            checks=list(answers[choice.chosen].checks) if choice else [],
        )

    async def _ask_those_worth_it(self, askings: Sequence[Asking]) -> list[Answered | Problem]:
        trusts = [trust(model_name(model), how.way.method) for model, how in zip(self._models, askings, strict=True)]
        worth = worth_asking(self._kind, askings[0].way, trusts)
        wanted = zip(self._models, askings, worth, strict=True)
        return await asyncio.gather(*(self._ask(model, how) for model, how, worth in wanted if worth))

    async def _ask(self, model: ModelReference, how: Asking) -> Answered | Problem:
        """Ask one model; what goes wrong comes back as text."""
        try:
            turns, dropped = await self._fitting(how, model)
            request = to_request(
                self._task,
                how,
                model,
                advice(model),
                turns,
                caller=self._caller,
                stop_at=stop_at(self._task.deadline_at),
                lead=await self._lead(),
            )
            done = await self._complete(request)
            done, checks = await self._tried(request, done) if self._examples else (done, ())
            spoken = await self._spoken(request, done) if self._tools else None
        except EngineClosed:
            raise
        except PromptTooLong as error:
            return Problem(str(error), too_long=True)
        except ModelError as error:
            return Problem(str(error))
        except Exception as error:  # a replica elsewhere may do better than a retry here
            name = model_name(model)
            log.exception("model.failed", query=self._task.id, chunk=self._task.chunk, model=name)
            return Problem(f"{name}: {type(error).__name__}")
        said = await asyncio.to_thread(
            self._read, done, model_name(model), how.way.method, spoken
        )  # a program may take long to work out
        return Answered(said, dropped, checks)

    async def _lead(self) -> Lead | None:
        """Return what the task's text demands of its answer, where it is a text that can be led there."""
        if self._kind is not TEXT or self._tools or not self._task.checks:
            return None
        return await asyncio.to_thread(lead_of, self._task.text)

    async def _complete(self, request: Request) -> Completion:
        """Generate; a text that runs in circles is drawn once more where there is time."""
        done = await self._engine.complete(request, self._writer())
        if done.finish == "loop" and not self._kind.voted and self._has_time_after(done):
            if self._pieces:
                self._pieces.begin_anew()
            done = await self._engine.complete(without_loops(request), self._writer())
        return done

    def _writer(self) -> Callable[[str], None] | None:
        """Give what takes the text of one generation while it is written."""
        if self._pieces is None or not self._tools:
            return self._pieces.write if self._pieces else None
        pieces, written, num_shown = self._pieces, "", 0

        def write(text: str) -> None:
            nonlocal written, num_shown
            written += text
            fresh = written[num_shown : shown_chars(written)]
            num_shown += len(fresh)
            if fresh:
                pieces.write(fresh)

        return write

    async def _spoken(self, request: Request, done: Completion) -> Spoken:
        """Read the calls; a call that has a fault is drawn again, held to a grammar, else the text is the answer."""
        spoken = self._calls(done)
        if not spoken.fault or request.grammar is not None:
            return spoken if not spoken.fault else Spoken(done.text.strip())
        log.info("call.faulty", query=self._task.id, model=model_name(request.model), reason=spoken.fault)
        again = called_again(request, self._task.generation)
        if again is not None:
            drawn = self._calls(await self._engine.complete(again))
            if drawn.calls:
                return replace(drawn, content=spoken.content)
        return Spoken(done.text.strip())

    def _calls(self, done: Completion) -> Spoken:
        several = self._task.generation.parallel_tool_calls
        return read_calls(done.text, self._tools, id_=self._task.id, several=several)

    def _has_time_after(self, first: Completion) -> bool:
        """Tell whether there is time to generate once more what took so long before."""
        return self._task.deadline_at - time.time() >= SPARE * first.latency_s

    async def _tried(self, request: Request, done: Completion) -> tuple[Completion, tuple[Check, ...]]:
        """Run the request's examples on the code; what fails is asked for again, told how it failed."""
        request_text, first, reason = self._task.text, done, None
        examples = applicable(self._examples, request_text, python_code(done.text))
        if not examples:
            return done, ()
        told = f"runs {len(examples)} of the request's examples"
        for attempt in range(MAX_TRIALS):
            code = f"{imports(request_text)}\n{python_code(done.text)}"
            ending = await run_python(trial(code, examples))
            if ending.well:
                return done, (Check(family="examples", demand=told),)
            reason = reason or ending.told
            if attempt + 1 == MAX_TRIALS or not self._has_time_after(first) or done.finish == "deadline":
                break
            if self._pieces:
                self._pieces.begin_anew()
            done = await self._complete(another_try(request, ending.told, attempt))
        if done is not first and self._pieces:
            self._pieces.begin_anew()
            self._pieces.write(first.text)
        return first, (Check(family="examples", demand=told, reason=reason),)

    async def _fitting(self, how: Asking, model: ModelReference) -> tuple[tuple[Turn, ...], int]:
        """Return the conversation as far as it fits beside the answer, and how many turns were left out."""
        turns, dropped = conversation(self._task, how, datetime.now().astimezone().isoformat()), 0
        num_shown, num_last = 2 * len(how.prompt.examples), 1 + len(spelled(self._task.followed))
        while (shorter := shortened(turns, num_shown, num_last)) is not None:
            tokens = await self._engine.count_tokens(model, turns)
            if tokens + min(MIN_ANSWER_TOKENS, how.prompt.max_tokens) <= self._engine.context_tokens:
                break
            turns, dropped, num_shown = shorter, dropped + (not num_shown), 0
        return turns, dropped

    def _read(self, done: Completion, model: str, method: str, spoken: Spoken | None) -> ModelAnswer:
        if spoken is None:
            reading = self._kind.read(Said(done.text, self._asked, method, cut_off=done.finish in CUT_OFF))
        else:
            reading = Reading(spoken.content, spoken.content or " ".join(call.name for call in spoken.calls))
        return ModelAnswer(
            model=model,
            method=method,
            text=reading.text,
            final=reading.final,
            logprob=done.logprob,
            prompt_tokens=done.prompt_tokens,
            completion_tokens=done.completion_tokens,
            latency_s=done.latency_s,
            finish=done.finish,
            calls=list(spoken.calls) if spoken is not None else [],
        )


def stop_at(deadline_at: float) -> float:
    """Give the time by which a model should end, so that what it has by then still counts."""
    left_s = max(0.0, deadline_at - time.time())
    return deadline_at - min(MAX_PUBLISH_S, PUBLISH_SHARE * left_s)
