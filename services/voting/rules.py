"""How votes become a decision: the rules that a query may choose from.

Each rule makes ballots of the nodes' results, scores classes of equivalent answers and says how sure the outcome is.
`best` is the original's: the single heaviest vote.  `sum` adds the weights, fitness x confidence.  `agreement` counts
models, each with its node's fitness, so that a node whose two models agree counts twice.  `log-odds` and `calibrated`
weigh evidence (see `_evidence`), the first with a node's fitness as the probability that it is right, the second with
each model's calibrated confidence, held against the fitness of its node.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import exp, fsum, log

from schemas.messages import ModelAnswer, Result, Vote
from schemas.terms import CALCULATOR, VoteRule
from services.voting.calibration import confidence, sigmoid
from services.voting.vote import Ballot, Tally, tally, weight_of

MIN_WEIGHT, MAX_WEIGHT = 1e-6, 0.999
MODELS_PER_NODE = 2
MIN_FITNESS, MAX_FITNESS = 0.02, 0.98
CALCULATOR_WEIGHT = 0.999  # the sum is exact; that the chunk asks for no more than it, nearly certain
CHANCE = 1.0  # in log-odds of fitness: 0.75 against 0.53
SURE = 0.97  # what is decided with so much confidence waits for nobody

# How often two wrong answers are the same one, by what their voters have in common.  Of 100 word problems (GSM8K) asked
# of the default pool: 0.23 for two samples of one model and method, 0.08 for two methods, 0.07 for two models.
SAME_SOURCE, SAME_MODEL, NOTHING_SHARED = 0.25, 0.1, 0.07


@dataclass(frozen=True, slots=True)
class Voter:
    """A node that has a say: its models' answers, which of them it chose, and its fitness when it was asked."""

    node: str
    fitness: float
    answers: Sequence[ModelAnswer]
    chosen: ModelAnswer
    confidence: float

    @classmethod
    def of(cls, result: Result, fitness: float) -> Voter | None:
        """Make a voter of a result; None if it brought no answer."""
        if result.chosen is None:
            return None
        return cls(result.node, fitness, result.answers, result.answers[result.chosen], result.confidence)

    @classmethod
    def again(cls, vote: Vote) -> Voter | None:
        """Make the voter of a recorded vote; None for the calculator, and where the models' answers were left out."""
        chosen = (answer for answer in vote.answers if (answer.model, answer.final) == (vote.model, vote.final))
        answer = next(chosen, None)
        return cls(vote.node, vote.fitness, vote.answers, answer, vote.confidence) if answer is not None else None

    @classmethod
    def lean(cls, vote: Vote) -> Voter | None:
        """Make the voter of a vote without its models' answers, for rules that count nodes; None for the calculator."""
        if vote.node == CALCULATOR:
            return None
        chosen = ModelAnswer(
            model=vote.model,
            text=vote.answer,
            final=vote.final,
            logprob=0.0,
            prompt_tokens=0,
            completion_tokens=0,
            latency_s=vote.latency_s,
            finish="stop",
        )
        return cls(vote.node, vote.fitness, [chosen], chosen, vote.confidence)


@dataclass(frozen=True, slots=True)
class Count:
    """How a chunk's vote stands.

    `confidence` is how likely the winner is right, in the eyes of the rule; for the rules that weigh no evidence, its
    share of the weight, but for a lone voter no more than its own confidence.  `settled` says that what is awaited
    cannot, or need not, change it.  `weights` maps voters to the weight of what they chose, `winners` are those who
    chose an answer of the winning class.
    """

    tally: Tally
    confidence: float
    settled: bool
    weights: dict[str, float]
    winners: frozenset[str]


@dataclass(frozen=True, slots=True)
class Consensus:
    """What a node says: which of its answers (`chosen` is an index), and how likely that is right."""

    chosen: int
    confidence: float


@dataclass(frozen=True, slots=True)
class _Rule:
    """`cast` makes a node's ballots given the highest fitness asked, `most` bounds the score that one more can add."""

    cast: Callable[[Voter, float], list[Ballot]]
    score: Callable[[Sequence[Ballot], Sequence[Ballot]], float]
    most: Callable[[Sequence[float]], float]
    weighs_evidence: bool = False


def count(
    rule: VoteRule,
    voters: Sequence[Voter],
    *,
    awaited: Sequence[float] = (),
    calculated: str | None = None,
    num_options: int = 0,
) -> Count | None:
    """Count the votes on a chunk; None if there are none.

    `awaited` are the fitnesses of nodes that were asked and have not answered; `calculated` is the calculator's
    value, `num_options` how many answers there are to choose from, 0 where they are not given.
    """
    by = _RULES.get(rule, _RULES[VoteRule.CALIBRATED])  # a newer version's rule is not known here
    best = max([voter.fitness for voter in voters] + list(awaited), default=1.0)
    ballots = [ballot for voter in voters for ballot in by.cast(voter, best)]
    if calculated is not None:
        ballots.append(Ballot(CALCULATOR, calculated, calculated, CALCULATOR_WEIGHT, (CALCULATOR, CALCULATOR)))
    counted = tally(ballots, partial(_evidence, num_options=num_options) if by.weighs_evidence else by.score)
    if counted is None:
        return None
    sure = _posterior(counted.scores) if by.weighs_evidence else counted.agreement
    if not by.weighs_evidence and len(voters) == 1 and calculated is None:
        sure = min(sure, voters[0].confidence)
    return Count(
        tally=counted,
        confidence=sure,
        settled=counted.margin > by.most(awaited) or (by.weighs_evidence and sure >= SURE),
        weights={ballot.voter: ballot.weight for ballot in _own(ballots, voters)},
        winners=frozenset(ballot.voter for ballot in _own(counted.members, voters)),
    )


def counts_nodes(rule: VoteRule) -> bool:
    """Tell whether a rule needs to know no more than what each node chose."""
    return rule in (VoteRule.BEST, VoteRule.SUM)


def consensus(answers: Sequence[ModelAnswer], *, num_options: int = 0) -> Consensus | None:
    """Decide between the answers of one node's models by the default rule; None where none holds a final answer."""
    slots = [slot for slot, said in enumerate(answers) if said.final.strip()]
    ballots = [_by_model("", answers[slot], confidence(answers[slot])) for slot in slots]
    counted = tally(ballots, partial(_evidence, num_options=num_options))
    if counted is None:
        return None
    return Consensus(slots[ballots.index(counted.winner)], _posterior(counted.scores))


def _own(ballots: Sequence[Ballot], voters: Sequence[Voter]) -> list[Ballot]:
    """Keep the ballots for what their voters chose; a model that its node overruled speaks for itself alone."""
    own = {voter.node: (voter.chosen.model, voter.chosen.final) for voter in voters}
    return [ballot for ballot in ballots if own.get(ballot.voter) in (None, (ballot.source[0], ballot.final))]


# --- ballots ---------------------------------------------------------------------------------------------------------


def _one_per_node(voter: Voter, weight: float) -> list[Ballot]:
    answer = voter.chosen
    return [Ballot(voter.node, answer.text, answer.final, _within(weight), (answer.model, answer.method))]


def _one_per_model(voter: Voter, weigh: Callable[[ModelAnswer], float], *, fit: bool = True) -> list[Ballot]:
    return [_by_model(voter.node, said, weigh(said), fit=fit) for said in voter.answers if said.final.strip()]


def _by_model(node: str, said: ModelAnswer, weight: float, *, fit: bool = True) -> Ballot:
    return Ballot(node, said.text, said.final, _within(weight), (said.model, said.method), fit)


def _by_product(voter: Voter, _: float) -> list[Ballot]:
    return _one_per_node(voter, voter.fitness * voter.confidence)


def _by_fitness(voter: Voter, _: float) -> list[Ballot]:
    return _one_per_node(voter, voter.fitness)


def _by_models(voter: Voter, _: float) -> list[Ballot]:
    return _one_per_model(voter, lambda _: voter.fitness)


def _by_calibration(voter: Voter, best: float) -> list[Ballot]:
    """Weigh by calibrated confidence, less what the node is behind the fittest one that was asked, in log-odds.

    Nodes that are equally good come to differ by some chance: that much does not count.
    """
    behind = max(0.0, _logit(_fit(best)) - _logit(_fit(voter.fitness)) - CHANCE)
    return _one_per_model(voter, lambda answer: sigmoid(_logit(_within(confidence(answer))) - behind), fit=not behind)


# --- scores ----------------------------------------------------------------------------------------------------------


def _heaviest(ballots: Sequence[Ballot], _: Sequence[Ballot]) -> float:
    return max(ballot.weight for ballot in ballots)


def _evidence(ballots: Sequence[Ballot], among: Sequence[Ballot], *, num_options: int = 0) -> float:
    """Return the log-odds that a class is right against "none of those given", its weights being probabilities.

    A source that is asked again and gives another answer contradicts itself, unless only an unfit node did: each of its
    answers counts by its share of the source's odds.  Of the votes on 100 word problems, recorded twice, 74 and 75 are
    decided right by this, 72 and 71 without.

    By Bayes: a voter is right with p; a wrong one gives some wrong answer, and the same one as another voter with
    probability c.  The first ballot adds log p/(1-p), each further one log p/((1-p) c), at least 0 (to be joined is no
    harm).  c is larger the more a voter has in common with those before it; each further copy of a source has c nearer
    to 1.  Where there are few options to choose from c is at least the chance that two wrong choices are the same.
    """
    chance = 1 / (num_options - 1) if num_options > 1 else 0.0
    said = _odds(ballots)
    contradicted = _odds([ballot for ballot in among if ballot.fit and ballot not in ballots])
    score, seen = 0.0, list[tuple[str, str]]()
    for ballot in sorted(ballots, key=lambda ballot: (-ballot.weight, ballot.source)):
        share = said[ballot.source] / (said[ballot.source] + contradicted[ballot.source])
        odds = _logit(_within(ballot.weight * share))
        score += max(0.0, odds - log(max(chance, _same_error(ballot.source, seen)))) if seen else odds
        seen.append(ballot.source)
    return score


def _odds(ballots: Sequence[Ballot]) -> defaultdict[tuple[str, str], float]:
    """Sum the odds, p/(1-p), by source."""
    total: defaultdict[tuple[str, str], float] = defaultdict(float)
    for ballot in ballots:
        p = _within(ballot.weight)
        total[ballot.source] += p / (1 - p)
    return total


def _same_error(source: tuple[str, str], seen: Sequence[tuple[str, str]]) -> float:
    copies = seen.count(source)
    if copies:
        return float(SAME_SOURCE ** (1 / copies))
    return SAME_MODEL if source[0] in {model for model, _ in seen} else NOTHING_SHARED


def _posterior(scores: Sequence[float]) -> float:
    """Return the probability that the first class is right, by the log-odds of all against "none of those given"."""
    top = max(0.0, *scores)
    return exp(scores[0] - top) / (exp(-top) + fsum(exp(score - top) for score in scores))


def _all_of(fitnesses: Sequence[float]) -> float:
    return fsum(map(_within, fitnesses))


def _all_models_of(fitnesses: Sequence[float]) -> float:
    return MODELS_PER_NODE * _all_of(fitnesses)


def _largest_of(fitnesses: Sequence[float]) -> float:
    return max(map(_within, fitnesses), default=0.0)


def _all_evidence(fitnesses: Sequence[float]) -> float:
    return len(fitnesses) * MODELS_PER_NODE * (_logit(MAX_WEIGHT) - log(NOTHING_SHARED))


_RULES = {
    VoteRule.BEST: _Rule(_by_product, _heaviest, _largest_of),
    VoteRule.SUM: _Rule(_by_product, weight_of, _all_of),
    VoteRule.AGREEMENT: _Rule(_by_models, weight_of, _all_models_of),
    VoteRule.LOG_ODDS: _Rule(_by_fitness, _evidence, _all_evidence, weighs_evidence=True),
    VoteRule.CALIBRATED: _Rule(_by_calibration, _evidence, _all_evidence, weighs_evidence=True),
}


def _within(weight: float) -> float:
    return min(MAX_WEIGHT, max(MIN_WEIGHT, weight))


def _fit(fitness: float) -> float:
    return min(MAX_FITNESS, max(MIN_FITNESS, fitness))


def _logit(p: float) -> float:
    return log(p / (1 - p))
