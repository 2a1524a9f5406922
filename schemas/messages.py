"""What became of a query: answers, votes, outcomes and the reply.

The structs say what travels, never what to do with it.  Payloads are JSON.  Times are Unix seconds, durations are
seconds, fitness, confidence and agreement lie in [0, 1].
"""

from __future__ import annotations

from msgspec import structs

from schemas.plans import Given
from schemas.receipts import Receipt
from schemas.terms import (
    ErrorCode,
    Message,
    PlannedCall,
    Probability,
    Source,
    Status,
    Token,
    Wording,
)


class Check(Message, frozen=True, kw_only=True):
    """A demand of the request on its answer that a program verified: what it is, and what is wrong (None: it is met).

    `repaired` says that the answer was mended mechanically to meet it.
    """

    family: str
    demand: str
    reason: str | None = None
    repaired: bool = False


class ModelAnswer(Message, frozen=True, kw_only=True):
    """What one model said.

    `method` is how it was asked, such as fact, sum, steps or program.  `final` is the extracted final answer.
    `logprob` is the mean natural-log probability of the sampled tokens, None where the model's server tells none.
    `finish` is stop, length, loop or deadline.  `calls` are the tools that it calls, beside the text.
    """

    model: str
    text: str
    final: str
    logprob: float | None
    prompt_tokens: int
    completion_tokens: int
    latency_s: float
    finish: str
    method: str = "text"
    calls: list[PlannedCall] = []


class Result(Message, frozen=True, kw_only=True):
    """A node's answer to a chunk, or `error` when it has none.

    `confidence` is the probability, from the models' log-probabilities, that goes into the vote; `chosen` indexes
    `answers`.  `dropped_turns` of the conversation did not fit before it, the oldest ones.  `too_long` says that the
    request does not fit at all.  `checks` are those that the node made itself, on the answer that it chose.
    A node that has a key of its own signs all this: the `receipt`.
    """

    id: Token
    chunk: int
    node: Token
    replica: int
    started_at: float
    latency_s: float
    answers: list[ModelAnswer] = []
    chosen: int | None = None
    confidence: Probability = 0.0
    error: str | None = None
    dropped_turns: int = 0
    too_long: bool = False
    checks: list[Check] = []
    receipt: Receipt | None = None

    def __post_init__(self) -> None:
        if self.chosen is not None and not 0 <= self.chosen < len(self.answers):
            raise ValueError(f"`chosen` is {self.chosen}, of {len(self.answers)} answers")


class Vote(Message, frozen=True, kw_only=True):
    """A node's result with the weight that it had, and whether it was of the winning class."""

    node: Token
    model: str
    answer: str
    final: str
    weight: float
    confidence: Probability
    fitness: Probability
    won: bool
    latency_s: float
    answers: list[ModelAnswer]
    receipt: Receipt | None = None


class Missing(Message, frozen=True, kw_only=True):
    """A node that was asked and gave no vote, and why.

    `failed` says that it tried and could not, `too_long` that the request does not fit its models.
    """

    node: Token
    reason: str
    failed: bool = False
    too_long: bool = False


class ChunkOutcome(Message, frozen=True, kw_only=True):
    """What became of one chunk.

    `decided` is all (every replica answered), early (the rest need not be awaited), deadline, none, cached (it was
    answered before, and voted on then, in the query that `source` tells), or unsure: the winner of the votes, whose
    confidence stands here, was not sure enough to be given.  `agreement` is the winning class's share of
    the weight that voted, `confidence` how likely the winner is right, as the vote's rule sees it.  `given` are the
    answers that it built on; `reason` says why there is no answer.  `checks` are the demands on the answer, `finish`
    how the winner's text ended, `dropped_turns` how much of the conversation did not fit, `calls` the tools that the
    winner calls.
    """

    index: int
    text: str
    kind: str
    decided: str
    winner: str | None = None
    final: str | None = None
    agreement: Probability = 0.0
    confidence: Probability = 0.0
    votes: list[Vote] = []
    missing: list[Missing] = []
    depends_on: list[int] = []
    context: str = ""
    given: list[Given] = []
    reason: str | None = None
    source: Source | None = None
    checks: list[Check] = []
    finish: str | None = None
    dropped_turns: int = 0
    calls: list[PlannedCall] = []

    def lean(self) -> ChunkOutcome:
        """Leave out what each single model said; the results in the stream hold it."""
        return structs.replace(self, votes=[structs.replace(vote, answers=[]) for vote in self.votes])

    def bare(self) -> ChunkOutcome:
        """Leave out all votes."""
        return structs.replace(self, votes=[], missing=[])


class Decided(Message, frozen=True, kw_only=True):
    """The outcome of one chunk, written before the work that it makes needless is cancelled: it stays as it is."""

    id: Token
    chunk: int
    outcome: ChunkOutcome


class Error(Message, frozen=True, kw_only=True):
    """Why there is no answer."""

    code: ErrorCode
    message: str


class Assembled(Message, frozen=True, kw_only=True):
    """The seal of a query: all its votes are counted.

    `planned_at` and `voted_at` (the last counted result) are the server's times; one clock for all nodes.
    """

    id: Token
    query: str
    reply: str
    status: Status
    outcomes: list[ChunkOutcome]
    wording: Wording = Wording.MODEL
    created_at: float
    planned_at: float
    voted_at: float
    sealed_at: float
    deadline_at: float
    error: Error | None = None
    notes: list[str] = []


class Timings(Message, frozen=True, kw_only=True):
    """Where a query's time went."""

    plan_s: float
    nodes_s: float
    assembly_s: float
    synthesis_s: float
    total_s: float


class Synthesis(Message, frozen=True, kw_only=True):
    """How the answer was worded: verbatim (one chunk), model, or join (with the reason why not the model)."""

    method: str
    model: str | None = None
    reason: str | None = None


class Reply(Message, frozen=True, kw_only=True):
    """What the client gets, and what is stored under `dellm.answer.<id>`.  `error` is set when `status` is failed.

    `notes` tell what a reader should know of the answer, a sentence each: cut off, a guess, a demand that is not met.
    `calls` are the tools that the client is to call for it, if any; the answer is what is said beside them.
    """

    id: str
    status: Status
    answer: str = ""
    error: Error | None = None
    chunks: list[ChunkOutcome] = []
    synthesis: Synthesis | None = None
    timings: Timings | None = None
    notes: list[str] = []
    calls: list[PlannedCall] = []


class Piece(Message, frozen=True, kw_only=True):
    """A piece of the answer while it is being written, by the node or by the synthesizer.

    `revised` says that it stands in the place of all pieces before it.  The reply, not the pieces, is the answer; what
    was streamed and not revised is its text.
    """

    id: Token
    index: int
    text: str
    revised: bool = False


class DeadLetter(Message, frozen=True, kw_only=True):
    """A message that could not be handled, kept for inspection."""

    subject: str
    service: Token
    sequence: int
    reason: str
    payload: str
