"""The answers to one question that differ by value, best first: what `n` choices are here.

Elsewhere `n` draws so many texts, which may all say the same.  Here the nodes' answers are put into classes of equal
ones, as the vote does, and each class is one choice: at most `n`, fewer where all agree.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from schemas.messages import ChunkOutcome, ModelAnswer, Reply, Vote
from services.kinds.table import named
from services.voting.equivalence import equivalent


@dataclass
class Choice:
    """A class of equal answers: its best text, the weight behind it, and who said so."""

    text: str
    final: str
    weight: float = 0.0
    voters: list[str] = field(default_factory=list)


def is_voted_on(kinds: list[str]) -> bool:
    """Tell whether a request of chunks of these kinds has answers that can be compared as wholes."""
    return len(kinds) == 1 and named(kinds[0]).voted


def choices(reply: Reply, num: int) -> list[Choice]:
    """Give at most `num` choices; the first is the answer."""
    outcome = reply.chunks[0] if len(reply.chunks) == 1 else None
    first = Choice(reply.answer, (outcome.final if outcome is not None else None) or reply.answer)
    found = [first]
    for vote in outcome.votes if outcome is not None else []:
        if vote.won or num > 1:
            _count(found, vote, first, whole=num > 1)
    others = sorted(found[1:], key=lambda choice: -choice.weight)
    return [first, *others][:num]


def _count(found: list[Choice], vote: Vote, first: Choice, *, whole: bool) -> None:
    """Add a vote to its class; as a `whole`, what a model of its node said otherwise is a class of no weight."""
    choice = first if vote.won else _of(found, vote.final, vote.answer)
    choice.weight += vote.weight
    choice.voters.append(vote.node)
    for said in vote.answers if whole else ():
        _of(found, said.final, said.text)


def _of(found: list[Choice], final: str, text: str) -> Choice:
    for choice in found:
        if choice.final == final or equivalent(choice.final, final):
            return choice
    found.append(Choice(text, final))
    return found[-1]


def reasoning(reply: Reply) -> str:
    """Tell in words how the answer came to be: each part, its kind, and who voted for what."""
    return "\n\n".join("\n".join(_told(outcome)) for outcome in reply.chunks)


def _told(outcome: ChunkOutcome) -> list[str]:
    lines = [f"{outcome.text.strip()} ({outcome.kind}, decided: {outcome.decided})"]
    for vote in outcome.votes:
        won = "for" if vote.won else "against"
        lines.append(f"- {vote.node} ({vote.model}) votes {won} it, weight {vote.weight:.2f}: {_line(vote.final)}")
        lines += [f"  - {said.model}, asked for {said.method}: {_line(said.final)}" for said in _several(vote.answers)]
    lines += [f"- {missing.node} has no vote: {_line(missing.reason)}" for missing in outcome.missing]
    for check in outcome.checks:
        verdict = "met" if check.reason is None else f"not met: {check.reason}"
        lines.append(f"- demand: {_line(check.demand)}: {verdict}{', mended' if check.repaired else ''}")
    lines.append(f"- confidence {outcome.confidence:.2f}, agreement {outcome.agreement:.2f}")
    return lines


def _several(answers: list[ModelAnswer]) -> list[ModelAnswer]:
    return answers if len(answers) > 1 else []


def _line(text: str, limit: int = 200) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"
