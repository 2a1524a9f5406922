"""A fake model behind the narrow `Runner`, and a fake caller.

It keeps a real KV cache's books: which tokens the cells of each slot hold.  The next token is a function of all tokens
before it, read from those cells, so that a wrong cell changes the text.
"""

from __future__ import annotations

from collections.abc import Sequence as Values
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.backend import DecodeError
from models.engine import Completion, GrammarError, ModelError, Request, Turn, turns
from models.scheduler import HIGH_EXTRA, Chunk
from models.sequence import Caller
from models.slots import Share
from models.stepper import Stepper

VOCABULARY = 97
END = 0
POISON = 96
BLUR = 97  # in no vocabulary: it is never said
CONTEXT_TOKENS = 160
BATCH_TOKENS = 16
TOKEN_S = 1e-9  # less than it really takes


def next_token(tokens: Values[int]) -> int:
    """Say what the fake model says after these tokens; about one in twenty is an end."""
    value = 0
    for token in tokens:
        value = (value * 31 + token + 7) % 1_000_003
    return END if value % 20 == 0 else 1 + value % (POISON - 1)


@dataclass
class FakeGrammar:
    """Allows the tokens that it lists, in any order."""

    tokens: list[int]
    accepted: list[int] = field(default_factory=list)
    closed: int = 0

    def allows(self, token: int) -> bool:
        return token in self.tokens

    def mask(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        masked = np.full(VOCABULARY, -np.inf, np.float32)
        masked[self.tokens] = logits[self.tokens]
        return masked

    def accept(self, token: int) -> None:
        assert self.allows(token)
        assert not self.closed
        self.accepted.append(token)

    def close(self) -> None:
        self.closed += 1


@dataclass
class FakeRunner:
    """Prompts are token numbers in text.  A batch that holds POISON fails; the logits after BLUR are no numbers.

    Without `sharing` the state of a slot goes back to its beginning only.  `failed` are the callers whose sequences
    were in a batch that failed.
    """

    sequences: int = 4
    slots: int = 0  # as many as sequences, and those of high priority
    context_tokens: int = CONTEXT_TOKENS
    cache_tokens: int = 0  # enough for all slots
    batch_tokens: int = BATCH_TOKENS
    lone_tokens: int = 3 * BATCH_TOKENS
    threads: int = 1
    gpu_layers: int = 0
    sharing: bool = True
    weight_bytes: int = 0
    cache_bytes: int = 0
    cells: dict[int, list[int]] = field(default_factory=dict)
    places: dict[int, list[int]] = field(default_factory=dict)  # of the cells, which sequences share
    places_made: int = 0
    batches: list[list[tuple[int, int, int]]] = field(default_factory=list)
    grammars: list[FakeGrammar] = field(default_factory=list)
    failed: list[Caller] = field(default_factory=list)
    decode_s: float = 0.0
    closed: bool = False

    def __post_init__(self) -> None:
        self.slots = self.slots or self.sequences + HIGH_EXTRA
        self.cache_tokens = self.cache_tokens or self.slots * self.context_tokens

    def prompt(self, messages: Values[Turn]) -> list[int]:
        return [int(word) for turn in messages for word in turn.content.split()]

    def share(self, share: Share) -> None:
        held = self.cells.get(share.source, [])
        assert len(held) >= share.tokens
        assert self.sharing or share.tokens == 0 or share.source == share.target
        if not self.sharing and 0 < share.tokens < len(held):
            raise ModelError("its state cannot go back to an earlier token")
        self.cells[share.target] = held[: share.tokens]
        self.places[share.target] = self.places.get(share.source, [])[: share.tokens]

    def run(self, chunks: Values[Chunk]) -> NDArray[np.float32]:
        self.decode_s += TOKEN_S * sum(chunk.count for chunk in chunks)  # the same in every run: the pace goes by it
        return self._run(chunks)

    def _run(self, chunks: Values[Chunk]) -> NDArray[np.float32]:
        assert 0 < len(chunks) <= self.sequences + HIGH_EXTRA
        assert len({chunk.slot for chunk in chunks}) == len(chunks)
        assert sum(chunk.count for chunk in chunks) <= self.lone_tokens
        self.batches.append([(chunk.slot, chunk.start, chunk.count) for chunk in chunks])
        logits = []
        for chunk in chunks:
            cells = self.cells.setdefault(chunk.slot, [])
            assert len(cells) == chunk.start, "a cell is computed after the one before it"
            cells += chunk.tokens.tolist()
            assert len(cells) <= self.context_tokens
            new = range(self.places_made, self.places_made + chunk.count)
            self.places_made = new.stop
            self.places.setdefault(chunk.slot, []).extend(new)
        assert len({place for own in self.places.values() for place in own}) <= self.cache_tokens
        if any(POISON in chunk.tokens for chunk in chunks):
            self.failed += [chunk.sequence.caller for chunk in chunks]
            raise DecodeError("poisoned")
        for chunk in chunks:
            if chunk.last:
                row = np.zeros(VOCABULARY, np.float32)
                row[next_token(self.cells[chunk.slot])] = np.nan if BLUR in self.cells[chunk.slot] else 9
                logits.append(row)
        return np.array(logits, np.float32).reshape(-1, VOCABULARY)

    def grammar(self, text: str) -> FakeGrammar:
        if text == "wrong":
            raise GrammarError("wrong")
        self.grammars.append(FakeGrammar([int(word) for word in text.split() if word != "none"]))
        return self.grammars[-1]

    def tokens(self, text: str) -> list[int]:
        return [int(word) for word in text.split()]

    def piece(self, token: int) -> bytes | None:
        return None if token == END else b"%d " % token

    def close(self) -> None:
        self.closed = True


@dataclass
class FakeCaller:
    cancelled: bool = False
    started: int = 0
    said: list[str] = field(default_factory=list)
    outcomes: list[Completion | Exception] = field(default_factory=list)

    def start(self) -> None:
        self.started += 1

    def say(self, text: str) -> None:
        assert not self.outcomes, "nothing is said after the end"
        self.said.append(text)

    def end(self, outcome: Completion | Exception) -> None:
        self.outcomes.append(outcome)

    @property
    def completion(self) -> Completion:
        (outcome,) = self.outcomes
        assert isinstance(outcome, Completion), outcome
        return outcome


def ask(prompt: Values[int], max_tokens: int = 12, **options: object) -> Request:
    user = " ".join(map(str, prompt))
    return Request(**({"model": Path("fake"), "messages": turns("", user), "max_tokens": max_tokens} | options))  # type: ignore[arg-type]


def alone(prompt: Values[int], max_tokens: int = 12) -> str:
    """Say what the fake model answers, by its definition."""
    tokens, text = list(prompt), ""
    for _ in range(min(max_tokens, CONTEXT_TOKENS - len(prompt))):
        if (token := next_token(tokens)) == END:
            break
        tokens.append(token)
        text += f"{token} "
    return text


def finish(stepper: Stepper, steps: int = 10_000) -> None:
    for _ in range(steps):
        if not stepper.busy:
            return
        stepper.step()
    raise AssertionError("it does not come to an end")
