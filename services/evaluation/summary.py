"""What a configuration's answers come to: the figures, the tokens, who worded, and where the errors lie."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

from msgspec import Struct

from schemas.messages import ChunkOutcome, ModelAnswer, Synthesis
from services.evaluation.answers import Answer
from services.evaluation.faults import Fault, chunk_of, find_faults
from services.evaluation.questions import Question, Scorer
from services.evaluation.reliability import Reliability, Sure, reliability
from services.evaluation.score import Figures, hits, is_right, score
from services.kinds.table import named

REJECTED = "rejected"
ALL = "all"


class Summary(Struct, frozen=True, kw_only=True):
    """One configuration on one set.

    `statuses` counts how the queries ended.  `wordings` counts the methods of synthesis; `rejected` is a join that was
    returned for what a model wrote.  `faults` counts the wrong parts.  Tokens are those of the answers on the record
    (what was cancelled and the synthesis are not), None if it has none.  `kinds` are the figures of each kind of
    question, where there are several.  `reliability` tells how far the confidence of answers that were voted on can be
    believed, of all and by the kind of chunk.
    """

    name: str
    answered: int
    figures: Figures
    kinds: dict[str, Figures]
    reliability: dict[str, Reliability]
    statuses: dict[str, int]
    wordings: dict[str, int]
    faults: dict[Fault, int]
    prompt_tokens: int | None
    generated_tokens: int | None


def summarise(name: str, questions: Sequence[Question], answers: Mapping[str, Answer]) -> Summary:
    """Summarise the answers to a set, by question."""
    rows = [answers[question.id] for question in questions if question.id in answers]
    faults = Counter(fault for question in questions for fault in find_faults(question, answers.get(question.id)))
    said = [answer for row in rows for answer in _said(row)]
    return Summary(
        name=name,
        answered=len(rows),
        figures=score(questions, answers),
        kinds=_by_kind(questions, answers),
        reliability=_reliability(questions, answers),
        statuses=_count(row.status.value for row in rows if row.status is not None),
        wordings=_count(_wording(row.synthesis) for row in rows if row.synthesis is not None),
        faults={fault: faults[fault] for fault in Fault if faults[fault]},
        prompt_tokens=_sum([row.prompt_tokens for row in rows] + [answer.prompt_tokens for answer in said]),
        generated_tokens=_sum([row.completion_tokens for row in rows] + [answer.completion_tokens for answer in said]),
    )


def _by_kind(questions: Sequence[Question], answers: Mapping[str, Answer]) -> dict[str, Figures]:
    """Score the kinds of questions apart, if there are several."""
    kinds = sorted({question.kind for question in questions})
    found: dict[str, Figures] = {}
    for kind in kinds if len(kinds) > 1 else []:
        own = [question for question in questions if question.kind == kind]
        found[kind or "-"] = score(own, {one.id: answers[one.id] for one in own if one.id in answers})
    return found


def _reliability(questions: Sequence[Question], answers: Mapping[str, Answer]) -> dict[str, Reliability]:
    """Hold the confidence of the answers to parts against whether they are right, under ALL and by kind of chunk."""
    seen: dict[str, list[Sure]] = {}
    for question in questions:
        row = answers.get(question.id)
        for kind, sure in _sure(question, row) if row is not None else ():
            seen.setdefault(ALL, []).append(sure)
            seen.setdefault(kind, []).append(sure)
    return {
        kind: found for kind in sorted(seen, key=lambda kind: (kind != ALL, kind)) if (found := reliability(seen[kind]))
    }


def _sure(question: Question, row: Answer) -> Iterator[tuple[str, Sure]]:
    """Tell of each part that was voted on its kind, how sure its answer was, and whether that is right."""
    if question.scorer is Scorer.OPTION and len(row.chunks) == 1:
        (chunk,) = row.chunks
        if _is_voted(chunk):
            yield chunk.kind, (chunk.confidence, hits(question, row)[0])
    if question.scorer is not Scorer.PARTS:
        return
    for part in question.parts:
        found = chunk_of(part, row.chunks)
        if found is not None and _is_voted(found):
            yield found.kind, (found.confidence, is_right(found.final or "", part.gold))


def _is_voted(chunk: ChunkOutcome) -> bool:
    return named(chunk.kind).voted and chunk.final is not None


def _said(row: Answer) -> list[ModelAnswer]:
    return [answer for chunk in row.chunks for vote in chunk.votes for answer in vote.answers]


def _wording(synthesis: Synthesis) -> str:
    return REJECTED if synthesis.method == "join" and synthesis.model is not None else synthesis.method


def _count(names: Iterable[str]) -> dict[str, int]:
    return dict(sorted(Counter(names).items()))


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
