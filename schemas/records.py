"""What the key-value buckets hold: who is there, what is known of them, and which queries are in flight."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, field

from schemas.terms import Message, Probability, Token

MAX_EVIDENCE = 1e6
MAX_LATENCY_S = 86_400.0

Weight = Annotated[float, Meta(ge=0.0, le=MAX_EVIDENCE)]
Count = Annotated[int, Meta(ge=0)]
Latency = Annotated[float, Meta(ge=0.0, le=MAX_LATENCY_S)]


class ModelUse(Message, frozen=True, kw_only=True):
    """What a loaded model has done in one process, and what it holds there.

    Of `prompt_tokens` that were asked, `computed_tokens` were computed; the cells of the others were there already.
    The cells of `kept_prefixes` requests that ended are kept.
    """

    requests: Count
    prompt_tokens: Count
    computed_tokens: Count
    generated_tokens: Count
    kept_prefixes: Count
    reused_prefixes: Count
    evicted_prefixes: Count
    compute_s: Annotated[float, Meta(ge=0.0)]
    weight_bytes: Count
    cache_bytes: Count


class Presence(Message, frozen=True, kw_only=True):
    """A node's heartbeat: where it stands, what it runs and how many tasks it takes at once.

    Tasks for the models that it is still `loading` wait until these are loaded.  Those that are `down` run elsewhere,
    and cannot be asked now for the reason that is given.  `use` tells of the loaded ones, which all nodes of a
    `process` share; it holds `resident_bytes` in all.  `tools` names the models that can call tools.
    """

    node: Token
    cluster: str
    supercluster: str
    models: list[str]
    slots: Annotated[int, Meta(ge=1, le=4096)]
    fitness: Probability
    started_at: float
    loading: list[str] = []
    down: dict[str, str] = {}
    process: str = ""
    resident_bytes: Count | None = None
    use: dict[str, ModelUse] = {}
    tools: list[str] = []


class Record(Message, frozen=True, kw_only=True):
    """What is known of a node's work.

    `fitness` is the expected share of right answers.  `count` is the number of observations, `judged` how many of them
    told right from wrong and `right` how many of those were right, all since the beginning.  `evidence_right` and
    `evidence_wrong` are the same as weights, in judgements of full weight, of which old ones fade.  `latency_s` is
    smoothed (None: never measured).
    """

    fitness: Probability
    count: Count = 0
    judged: Count = 0
    right: Count = 0
    evidence_right: Weight = 0.0
    evidence_wrong: Weight = 0.0
    latency_s: Latency | None = None


class Fitness(Message, frozen=True, kw_only=True):
    """A node's fitness over all kinds and for each.

    `prior` is the fitness that it began with.  `applied` holds the stream sequences of the latest messages that moved
    it, in order, so that a redelivery moves nothing.  `told` names the chunks of the latest queries by whose
    feedback it was moved, so that feedback that is sent again moves nothing.
    """

    node: Token
    overall: Record
    kinds: dict[Token, Record] = field(default_factory=dict)
    prior: Probability = 0.5
    applied: list[int] = field(default_factory=list)
    told: list[str] = field(default_factory=list)


class Admission(Message, frozen=True, kw_only=True):
    """A query that is in flight."""

    id: Token
    admitted_at: float


class ApiKey(Message, frozen=True, kw_only=True):
    """A key of the gateway, known by its hash; times are Unix seconds.

    `per_minute` requests may begin and `concurrent` ones run at a time, at each gateway; 0 is any number.  A revoked
    key stays on record: where there ever was a key, nobody is let in without one.
    """

    name: Token
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
    created_at: float
    per_minute: Count = 0
    concurrent: Count = 0
    revoked_at: float | None = None


class Calibration(Message, frozen=True, kw_only=True):
    """An operator's own calibration, fitted at a time (Unix s), in the place of that which comes with DELLM.

    A model's answer by a method is right with the probability sigmoid(a + b x mean log-probability): `curves` holds
    [a, b] by the beginning of the model's name and by the method.
    """

    name: Token
    fitted_at: float
    curves: dict[str, dict[str, Annotated[list[float], Meta(min_length=2, max_length=2)]]]
