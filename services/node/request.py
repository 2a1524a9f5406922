"""From a task and a way of asking to the engine's request.  Pure."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import msgspec

from models.engine import GrammarError, Request, Turn
from models.json_grammar import calls_grammar, object_grammar, schema_grammar
from schemas.terms import Role
from services.kinds.clock import needs_clock, told_time
from services.kinds.kind import Sampling
from services.kinds.prompt import PLAIN
from services.kinds.tools import chosen, instructions, spelled
from services.language.repetition import wants_repetition

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from models import ModelReference
    from models import Sampling as Advice
    from schemas.plans import Task
    from schemas.terms import PlannedGeneration, PlannedTool, PlannedTurn
    from services.checks.leading import Lead
    from services.kinds.asking import Asking

VARIED_TEMPERATURE = 0.7
LOOP_PENALTY = 1.15
TOKENS_PER_WORD, MAX_DEMANDED_TOKENS = 1.8, 3072
_MAX_SEED = 2**31
_ROLES: dict[Role, Literal["user", "assistant"]] = {Role.USER: "user", Role.ASSISTANT: "assistant"}


def conversation(task: Task, how: Asking, now: str) -> tuple[Turn, ...]:
    """Return the turns that a model sees: the client's system prompt or the kind's, what was said, what is asked.

    `now` is the node's clock (ISO 8601 with offset), for a client that did not send its own.
    """
    clients = next((turn.content for turn in task.turns if turn.role is Role.SYSTEM), "")
    system = clients if clients and how.prompt.system in ("", PLAIN) else how.prompt.system
    if task.generation.has_tools:
        system = f"{system or PLAIN}\n\n{instructions(task.generation.tools)}"
    if needs_clock(task.text):
        system = f"{system or PLAIN}\n{told_time(task.local_time or now)}"
    shown = [
        turn for asked, answered in how.prompt.examples for turn in (Turn("user", asked), Turn("assistant", answered))
    ]
    said = _engine_turns(turn for turn in task.turns if turn.role is not Role.SYSTEM)
    user = f"{how.prompt.user}\n\n{task.complaint}" if task.complaint else how.prompt.user
    after = _engine_turns(task.followed)
    return (*([Turn("system", system)] if system else []), *shown, *said, Turn("user", user), *after)


def _engine_turns(turns: Iterable[PlannedTurn]) -> list[Turn]:
    return [Turn(_ROLES.get(turn.role, "user"), turn.content) for turn in spelled(turns)]


def shortened(turns: Sequence[Turn], num_shown: int = 0, num_last: int = 1) -> tuple[Turn, ...] | None:
    """Leave out the examples, of which there are `num_shown` turns, else the oldest turn that was said.

    The system's turn and the last ones stay; None where there is no other.
    """
    first = 1 if turns[0].role == "system" else 0
    return (*turns[:first], *turns[first + max(1, num_shown) :]) if len(turns) > first + num_last else None


def to_request(
    task: Task,
    how: Asking,
    model: ModelReference,
    advice: Advice,
    turns: tuple[Turn, ...],
    *,
    caller: str,
    stop_at: float,
    lead: Lead | None = None,
) -> Request:
    """Make the engine's request.  What the client says of the generation goes before the kind's and the makers' advice.

    Where there is a `lead`, the text is led to what the request demands of it.

    Raises:
        GrammarError: the client's schema cannot be made a grammar.

    """
    wish = task.generation
    advised = how.way.sampling is Sampling.ADVISED or wish.temperature is not None
    temperature = {Sampling.GREEDY: 0.0, Sampling.VARIED: VARIED_TEMPERATURE, Sampling.ADVISED: advice.temperature}
    if wish.forces_call:
        temperature[how.way.sampling] = 0.0
    grammar = _grammar(wish)
    lead = None if grammar else lead
    return Request(
        model=model,
        messages=turns,
        max_tokens=_max_tokens(wish, how, lead.least_words if lead else 0),
        stop=(*how.prompt.stop, *wish.stop),
        temperature=temperature[how.way.sampling] if wish.temperature is None else wish.temperature,
        top_p=wish.top_p or (advice.top_p if advised else 0.95),
        top_k=advice.top_k if advised else 40,
        min_p=advice.min_p if advised else 0.05,
        repeat_penalty=advice.repeat_penalty if advised else 1.0,
        seed=(how.seed + (wish.seed or 0)) % _MAX_SEED,
        grammar=grammar,
        json_schema=_json_schema(wish),
        opening=lead.opening if lead else "",
        avoid=lead.avoid if lead else (),
        goes_on=lead,
        may_loop=wants_repetition(task.text),
        deadline_at=stop_at,
        caller=caller,
        priority="high" if task.stream else "normal",
    )


def another_try(request: Request, told: str, attempt: int) -> Request:
    """Return the request to make where code failed: a draw of its own, told how the code before it failed.

    Shown its own code, a small model says it again.
    """
    *before, asked = request.messages
    again = Turn(asked.role, f"{asked.content}\n\nTake care: code that was tried before failed. {told}")
    return replace(
        request,
        messages=(*before, again),
        temperature=max(request.temperature, VARIED_TEMPERATURE),
        seed=(request.seed + attempt + 1) % _MAX_SEED,
    )


def without_loops(request: Request) -> Request:
    """Return the request to make where a text ran in circles: another draw, in which what was said is less likely."""
    return replace(
        request,
        temperature=max(request.temperature, VARIED_TEMPERATURE),
        repeat_penalty=max(request.repeat_penalty, LOOP_PENALTY),
        seed=(request.seed + 1) % _MAX_SEED,
    )


def _max_tokens(wish: PlannedGeneration, how: Asking, least_words: int) -> int:
    """Return how many tokens an answer may have: as the client or the kind says, and room for the words demanded."""
    if wish.max_tokens is None:
        return max(how.prompt.max_tokens, min(int(TOKENS_PER_WORD * least_words), MAX_DEMANDED_TOKENS))
    return wish.max_tokens if how.way.sampling is Sampling.ADVISED else min(wish.max_tokens, how.prompt.max_tokens)


def called_again(request: Request, generation: PlannedGeneration) -> Request | None:
    """Return the request to make where a call has a fault: held to a grammar of the tools; None where none can be made.

    What the model said beside the call is kept, so that only the call is drawn.
    """
    try:
        grammar = _grammar_of_calls(generation, generation.tools)
    except GrammarError:
        return None
    return replace(request, grammar=grammar, temperature=0.0, stop=())


def _grammar_of_calls(wish: PlannedGeneration, tools: Iterable[PlannedTool]) -> str:
    return calls_grammar({tool.name: tool.parameters for tool in tools}, several=wish.parallel_tool_calls)


def _grammar(wish: PlannedGeneration) -> str | None:
    if wish.forces_call:
        return _grammar_of_calls(wish, chosen(wish.tools, wish.tool_choice))
    form = wish.response_format
    if form is None or form.type == "text":
        return None
    if form.type not in ("json_object", "json_schema"):  # of a newer version: another node may know it
        raise GrammarError(f"the form {form.type!r} is not known here")
    return object_grammar() if form.schema_ is None else schema_grammar(form.schema_)


def _json_schema(wish: PlannedGeneration) -> str | None:
    form = wish.response_format
    if wish.forces_call or form is None or form.type == "text":
        return None
    return msgspec.json.encode(form.schema_ or {}, order="sorted").decode()
