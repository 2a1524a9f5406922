"""A model's completion as an answer: its final answer, and how sure the model was of it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from schemas.messages import ModelAnswer
from services.node.program import before_fence, run, run_fenced
from services.node.prompts import PROGRAM, STEPS
from services.node.span import final_span
from services.voting.extract import final_answer

if TYPE_CHECKING:
    from models.engine import Completion
    from schemas.terms import Operation


_AMOUNT = re.compile(r"\bhow\s+(?:many|much|long|far|old|tall|big|heavy|often)\b(?!\s+is\s+[a-z]\b)", re.IGNORECASE)
_SIGNED = re.compile(
    r"\b(?:below|negative|minus|loss|lose|lost|debt|owes?|degrees?|temperature|change|balance|overdrawn)\b",
    re.IGNORECASE,
)


def read(done: Completion, model: str, question: str, operation: Operation, method: str) -> ModelAnswer:
    """Read what `model` said to a question when asked by `method`.

    A program is told by its steps with their values, and its final answer is what it comes to; empty if to nothing;
    an amount has no sign.  Among worked steps too a program counts for more than the output that the model made up for
    it.
    """
    text, final, span = done.text.strip(), "", None
    if method == PROGRAM:
        if not _is_cut(done) and (outcome := run(done.text)) is not None:
            text, final = outcome.steps, outcome.value
            if final.startswith("-") and _asks_for_an_amount(question):  # subtracted the wrong way round
                final = final.removeprefix("-")
                text = f"{text}\nAnswer: {final}"
    elif method == STEPS and not _is_cut(done) and (outcome := run_fenced(done.text)) is not None:
        text, final = f"{before_fence(done.text)}\n{outcome.steps}\nAnswer: {outcome.value}".strip(), outcome.value
    else:
        final = final_answer(done.text, operation, question)
        span = final_span(done.text, final, operation)
    return ModelAnswer(
        model=model,
        method=method,
        text=text,
        final=final,
        final_logprob=None if span is None else done.span_logprob(*span),
        logprob=done.logprob,
        min_logprob=done.min_logprob,
        prompt_tokens=done.prompt_tokens,
        completion_tokens=done.completion_tokens,
        latency_s=done.latency_s,
        finish=done.finish,
    )


def _is_cut(done: Completion) -> bool:
    """Whether a fenced program ran out of tokens or time: its last line may be half a line, its value means nothing."""
    return done.finish != "stop" and done.text.count("```") % 2 == 1


def _asks_for_an_amount(question: str) -> bool:
    """Whether the answer is a count or a size, which is never below zero."""
    return bool(_AMOUNT.search(question)) and not _SIGNED.search(question)
