"""How a query is cut and routed: the plan, its timers and its tasks.

The structs say what travels, never what to do with it.  Times are Unix seconds, durations are seconds, fitness lies in
[0, 1].
"""

from __future__ import annotations

from schemas.terms import (
    CachedAnswer,
    Message,
    OnPartial,
    PlannedGeneration,
    PlannedPolicy,
    PlannedTurn,
    Probability,
    Token,
)


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


class Assignment(Message, frozen=True, kw_only=True):
    """One replica of a chunk on one node, with the node's fitness for the kind when it was routed.

    `complaint` tells it what was wrong with the answers before.  The `strongest` is asked last, where the others are
    not sure enough.
    """

    chunk: int
    node: Token
    replica: int
    fitness: Probability
    complaint: str = ""
    strongest: bool = False


class Plan(Message, frozen=True, kw_only=True):
    """How a query was cut and routed.  A later `revision` replaces the one before it.

    `reply` is the client's inbox.  `assemble_by` leaves time until `deadline_at` for writing the answer.  `exhausted`
    names the chunks for which every live node has failed.  A chunk that depends on others has assignments once it is in
    `given`, with the answers that it builds on.  `due` says by when a chunk that others depend on is decided with the
    votes that there are, if any, so that there is time for those.  A chunk in `cached` is answered, and not asked.  A
    revision keeps when the first one was stored (`planned_at`).  `query` is what the user asks now, `turns` what was
    said before, as far as it is needed, `followed` the calls of tools for it and their results.  `notes` go into the
    reply.
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
    policy: PlannedPolicy = PlannedPolicy()
    exhausted: list[int] = []
    given: dict[int, list[Given]] = {}
    due: dict[int, float] = {}
    cached: dict[int, CachedAnswer] = {}
    revision: int = 0
    planned_at: float | None = None
    turns: list[PlannedTurn] = []
    followed: list[PlannedTurn] = []
    generation: PlannedGeneration = PlannedGeneration()
    local_time: str = ""
    model: str = ""
    notes: list[str] = []


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
    Without `checks` nothing that the text demands of its answer is heeded.
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
    turns: list[PlannedTurn] = []
    followed: list[PlannedTurn] = []
    generation: PlannedGeneration = PlannedGeneration()
    local_time: str = ""
    model: str = ""
    complaint: str = ""
    stream: bool = False
    checks: bool = True


class Route(Message, frozen=True, kw_only=True):
    """More work on a chunk is wanted, once for each revision of the plan (`attempt`).

    With `given` the chunk may begin, since all that it depends on is answered.  Else one more replica is wanted,
    on a node that has not tried yet, which is told the `complaint` about the answers so far: the `strongest` such node,
    or any.
    """

    id: Token
    chunk: int
    attempt: int
    given: list[Given] = []
    complaint: str = ""
    strongest: bool = False
