"""How a chunk is put to a small instruct model, and how its replicas are made to differ.

A short answer, worked steps only for word problems, a token limit per kind.  The system text depends on the kind
alone, so that its tokens are shared by all chunks of the kind.  Chosen by trial with Qwen2.5-Coder-Instruct 0.5B and
1.5B (Q4_K_M, greedy) on parts of the dev questions.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import TYPE_CHECKING

from schemas.terms import Operation
from services.voting.prompt import Prompt
from services.voting.words import sentences

if TYPE_CHECKING:
    from schemas.messages import Chunk

SAMPLING_TEMPERATURE = 0.7
_MAX_SEED = 2**31 - 1  # llama.cpp takes a uint32, of which the last means "random"
_MAX_SUM_WORDS = 12

# Plain for word problems: told how to lay out its steps the 0.5B got 3 of 12 right, left alone 7; the 1.5B took either.
_PLAIN = "You are a helpful assistant."
_SUM = "Reply with the result only: one number, no words, no steps."
_SEARCH = "You are a helpful assistant who knows the facts. State the fact that is asked for in one sentence."
_COMPARE = "Reply in 2 to 4 sentences."  # in the user's turn: as system text it was not followed
_GENERATE = "You are a helpful assistant. Do what is asked, concisely. Begin with the result itself, without preamble."

_INTERROGATIVE = re.compile(
    r"(?:(?:in|at|on|of|from|to|by|for|with)\s+)?(?:what|which|who|whom|whose|where|when|why|how)\b"
    r"|(?:is|are|was|were|do|does|did|can|could|has|have|will|would|should)\b",
    re.IGNORECASE,
)


def prompt(chunk: Chunk) -> Prompt:
    """Return the prompt for a chunk."""
    question = _sentence(chunk.text)
    match chunk.operation:
        case Operation.MATH if _is_word_problem(chunk.text):
            return Prompt(_PLAIN, question, max_tokens=256)
        case Operation.MATH:
            return Prompt(_SUM, question, max_tokens=48, stop=("\n\n",))
        case Operation.SEARCH:
            return Prompt(_SEARCH, question, max_tokens=64, stop=("\n\n",))
        case Operation.COMPARE:
            return Prompt(_PLAIN, f"{question} {_COMPARE}", max_tokens=160)
        case Operation.GENERATE:
            return Prompt(_GENERATE, question, max_tokens=192)


def sampling(task_id: str, chunk: int, replica: int, model_slot: int) -> tuple[float, int]:
    """Return (temperature, seed): replica 0 is greedy, each other replica and model draws for itself.

    The seed, in [0, 2**31), is the same in every process, so that a redelivered task gives the same answer.
    """
    digest = sha256(f"{task_id}/{chunk}/{replica}/{model_slot}".encode()).digest()
    return (SAMPLING_TEMPERATURE if replica else 0.0), int.from_bytes(digest[:4]) & _MAX_SEED


def _sentence(text: str) -> str:
    """Return a chunk, which was cut out of a sentence, with a capital and an end mark: small models heed both."""
    text = text.strip()
    if not text or text[-1] in ".?!:;\"'`)]}":
        return text[:1].upper() + text[1:]
    return text[:1].upper() + text[1:] + ("?" if _INTERROGATIVE.match(text) else ".")


def _is_word_problem(text: str) -> bool:
    """Whether a sum is told as a story: more than one sentence, or a long one."""
    return len(sentences(text)) > 1 or len(text.split()) > _MAX_SUM_WORDS
