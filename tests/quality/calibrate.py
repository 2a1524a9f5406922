"""Fit the calibration curves to recorded answers: `python -m tests.quality.calibrate QUESTIONS ANSWERS ...`.

Pairs of files, as `dellm eval --replicas all --no-early` writes them, so that every model of every node is on record.
Prints the JSON of `services/voting/calibration.json`: what is there already stays where there are too few
answers.
"""

from __future__ import annotations

import json
import sys
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import click

from services.evaluation.answers import read_answers
from services.evaluation.faults import chunk_of
from services.evaluation.questions import read_questions
from services.evaluation.score import is_right
from services.voting import calibration
from services.voting.calibration import CUT_OFF
from services.voting.curves import MIN_ANSWERS, fit

Seen = dict[tuple[str, str], list[tuple[float, bool]]]


def read(questions: Path, answers: Path) -> Iterable[tuple[str, str, float, bool]]:
    """Yield (model, method, logprob, right) of every whole answer whose part has a known answer."""
    rows = read_answers(answers)
    for question in read_questions(questions):
        row = rows.get(question.id)
        for part in question.parts if row is not None else ():
            chunk = chunk_of(part, row.chunks) if row is not None else None
            for vote in chunk.votes if chunk is not None else ():
                for answer in vote.answers:
                    if answer.final and answer.logprob is not None and answer.finish not in CUT_OFF:
                        yield answer.model, answer.method, answer.logprob, is_right(answer.final, part.gold)


def main(paths: list[str]) -> None:
    """Read pairs of files, and print the curves."""
    if not paths or len(paths) % 2:
        sys.exit("usage: python -m tests.quality.calibrate QUESTIONS ANSWERS [QUESTIONS ANSWERS ...]")
    curves = json.loads(Path(calibration.__file__).with_name(calibration.DATA).read_bytes())
    seen: Seen = defaultdict(list)
    for questions, answers in zip(paths[::2], paths[1::2], strict=True):
        for model, method, logprob, right in read(Path(questions), Path(answers)):
            name = max((curve for curve in curves if model.startswith(curve)), key=len)
            seen[name or model, method].append((logprob, right))
    for (name, method), known in sorted(seen.items()):
        share = sum(right for _, right in known) / len(known)
        fitted = fit(known) if len(known) >= MIN_ANSWERS else None
        click.echo(f"{name:32} {method:8} {len(known):4} answers, {share:.2f} right: {fitted or 'too few'}", err=True)
        if fitted:
            curves.setdefault(name, {})[method] = fitted
    click.echo(json.dumps(curves))


if __name__ == "__main__":
    main(sys.argv[1:])
