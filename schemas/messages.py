"""Every message of the bus.

The structs say what travels, never what to do with it.  Payloads are JSON.  Times are Unix seconds, durations are
seconds, fitness, confidence and agreement lie in [0, 1].  A reader ignores fields that it does not know, so that fields
may be added.
"""

from __future__ import annotations

from msgspec import Struct, structs

from schemas.terms import (
    CachedAnswer,
    ErrorCode,
    Generation,
    OnPartial,
    Policy,
    Probability,
    Source,
    Status,
    Token,
    Turn,
    Wording,
)


class Message(Struct, frozen=True, kw_only=True):
    """Base of all wire structs."""


# --- plan and tasks --------------------------------------------------------------------------------------------------


class Chunk(Message, frozen=True, kw_only=True):
    """One part of a query.

    It is asked once the chunks that it `depends_on` (indices before its own) are answered, and is given their answers.
    `context` is other text of the query that it needs to be understood.
    """

    index: int
    text: str
    kind: str
    depends_on: list[int] = []
    context: str = ""


class Given(Message, frozen=True, kw_only=True):
    """The answer to an earlier chunk, which a later one builds on."""

    question: str
    answer: str


class Check(Message, frozen=True, kw_only=True):
    """A demand of the request on its answer that a program verified: what it is, and what is wrong (None: it is met).

    `repaired` says that the answer was mended mechanically to meet it.
    """

    family: str
    demand: str
    reason: str | None = None
    repaired: bool = False


class Assignment(Message, frozen=True, kw_only=True):
    """One replica of a chunk on one node, with the node's fitness for the kind when it was routed.

    `complaint` tells it what was wrong with the answers before.
    """

    chunk: int
    node: Token
    replica: int
    fitness: Probability
    complaint: str = ""


class Plan(Message, frozen=True, kw_only=True):
    """How a query was cut and routed.  A later `revision` replaces the one before it.

    `reply` is the client's inbox.  `assemble_by` leaves time until `deadline_at` for writing the answer.  `exhausted`
    names the chunks for which every live node has failed.  A chunk that depends on others has assignments once it is in
    `given`, with the answers that it builds on.  `due` says by when a chunk that others depend on is decided with the
    votes that there are, if any, so that there is time for those.  A chunk in `cached` is answered, and not asked.  A
    revision keeps when the first one was stored (`planned_at`).  `query` is what the user asks now, `turns` what was
    said before, as far as it is needed.
    """

    id: Token
    query: str
    reply: str
    created_at: float
    deadline_at: float
    assemble_by: float
    on_partial: OnPartial
    chunks: list[Chunk]
    assignments: list[Assignment]
    policy: Policy = Policy()
    exhausted: list[int] = []
    given: dict[int, list[Given]] = {}
    due: dict[int, float] = {}
    cached: dict[int, CachedAnswer] = {}
    revision: int = 0
    planned_at: float | None = None
    traceparent: str | None = None
    turns: list[Turn] = []
    generation: Generation = Generation()
    local_time: str = ""
    model: str = ""


class Revised(Message, frozen=True, kw_only=True):
    """A plan in force was changed."""

    id: Token
    revision: int


class Timer(Message, frozen=True, kw_only=True):
    """Stored until the server copies it to the deadline subject."""

    id: Token


class Due(Message, frozen=True, kw_only=True):
    """Stored until the server copies it to the due subject: a chunk that others depend on is to be decided."""

    id: Token
    chunk: int


class Task(Message, frozen=True, kw_only=True):
    """Work for one node.  Replica 0 answers greedily, the others by another method or with a seed of their own.

    With `stream` the node publishes its text while it is written; `model` names the one that is to answer alone.
    """

    id: Token
    chunk: int
    node: Token
    text: str
    kind: str
    replica: int
    deadline_at: float
    context: str = ""
    given: list[Given] = []
    turns: list[Turn] = []
    generation: Generation = Generation()
    local_time: str = ""
    model: str = ""
    complaint: str = ""
    stream: bool = False


class Route(Message, frozen=True, kw_only=True):
    """More work on a chunk is wanted, once for each revision of the plan (`attempt`).

    With `given` the chunk may begin, since all that it depends on is answered.  Else one more replica is wanted,
    on a node that has not tried yet, which is told the `complaint` about the answers so far.
    """

    id: Token
    chunk: int
    attempt: int
    given: list[Given] = []
    complaint: str = ""


# --- answers ---------------------------------------------------------------------------------------------------------


class ModelAnswer(Message, frozen=True, kw_only=True):
    """What one model said.

    `method` is how it was asked, such as fact, sum, steps or program.  `final` is the extracted final answer.
    `logprob` is the mean natural-log probability of the sampled tokens, `min_logprob` the lowest mean over any window
    of eight of them.  `finish` is stop, length, loop or deadline.
    """

    model: str
    text: str
    final: str
    logprob: float
    min_logprob: float
    prompt_tokens: int
    completion_tokens: int
    latency_s: float
    finish: str
    method: str = "text"


class Result(Message, frozen=True, kw_only=True):
    """A node's answer to a chunk, or `error` when it has none.

    `confidence` is the probability, from the chosen model's log-probabilities, that goes into the vote; `agreed` says
    whether both models gave equivalent answers (None: only one answered); `chosen` indexes `answers`.
    `dropped_turns` of the conversation did not fit before it, the oldest ones.  `too_long` says that the request does
    not fit at all.  `checks` are those that the node made itself, on the answer that it chose.
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
    agreed: bool | None = None
    error: str | None = None
    dropped_turns: int = 0
    too_long: bool = False
    checks: list[Check] = []

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
    agreed: bool | None
    latency_s: float
    answers: list[ModelAnswer]


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

    `decided` is all (every replica answered), early (the rest need not be awaited), deadline, none, or cached: it was
    answered before, and voted on then, in the query that `source` tells.  `agreement` is the winning class's share of
    the weight that voted, `confidence` how likely the winner is right, as the vote's rule sees it.  `given` are the
    answers that it built on; `reason` says why a chunk that was never asked was not.  `checks` are the demands on the
    answer, `finish` how the winner's text ended, `dropped_turns` how much of the conversation did not fit.
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

    def lean(self) -> ChunkOutcome:
        """Leave out what each single model said; the results in the stream hold it."""
        return structs.replace(self, votes=[structs.replace(each, answers=[]) for each in self.votes])

    def bare(self) -> ChunkOutcome:
        """Leave out all votes."""
        return structs.replace(self, votes=[], missing=[])


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
    traceparent: str | None = None


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
    """

    id: str
    status: Status
    answer: str = ""
    error: Error | None = None
    chunks: list[ChunkOutcome] = []
    synthesis: Synthesis | None = None
    timings: Timings | None = None
    notes: list[str] = []


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
