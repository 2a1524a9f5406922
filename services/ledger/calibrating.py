"""Calibration curves fitted to what was said of answers on record, and whether they hold on other days.  Pure.

Curves are fitted to the earlier days and tried on the later ones.  Where all is of one day the queries are split by
their hash.  A curve is worth having where it tells better than the one in force, on answers that it was not fitted to,
which are right; and all of them together where the confidence of the votes' winners comes closer to the truth, too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from hashlib import sha256

from msgspec import Struct

from schemas.messages import ModelAnswer
from schemas.terms import VoteRule
from services.evaluation.reliability import Reliability, Sure, reliability
from services.evaluation.replay import decide
from services.ledger.judged import is_right, said_of
from services.ledger.kept import Kept
from services.voting.calibration import CUT_OFF, Curve, Curves, adopted, confidence, fluency, listed
from services.voting.curves import MIN_ANSWERS, fit

DAY_S = 86_400
HELD_OUT = 1 / 3  # of the days, the latest, or of the queries of one day
MIN_HELD_OUT = 20

Judged = tuple[ModelAnswer, bool]


class Fitted(Struct, frozen=True, kw_only=True):
    """A curve that was tried: for which model and method, on how many answers, and what it came to.

    `before` and `after` are the mean log-losses on the held-out answers, None where these or those to fit to are too
    few.
    """

    model: str
    method: str
    fitted_to: int
    tried_on: int
    curve: Curve | None = None
    before: float | None = None
    after: float | None = None

    @property
    def is_better(self) -> bool:
        """Whether it tells better than the one in force."""
        return self.before is not None and self.after is not None and self.after < self.before


class Calibrated(Struct, frozen=True, kw_only=True):
    """What a calibration comes to: the curves that were tried, and the winners' reliability on held-out queries.

    `split` tells how queries were held out.  `curves` are those that are better, empty where the winners' confidence
    would not come closer to the truth by them.
    """

    split: str
    tried: list[Fitted]
    curves: Curves
    before: Reliability | None
    after: Reliability | None

    @property
    def is_better(self) -> bool:
        """Whether there is something worth writing."""
        return bool(self.curves)


def split(queries: Sequence[Kept]) -> tuple[list[Kept], list[Kept], str]:
    """Part queries into those to fit to and those to try on, and say how."""
    days = sorted({int(kept.sealed_at // DAY_S) for kept in queries})
    if len(days) > 1:
        first = days[-max(1, round(len(days) * HELD_OUT))]
        early = [kept for kept in queries if kept.sealed_at // DAY_S < first]
        late = [kept for kept in queries if kept.sealed_at // DAY_S >= first]
        return (
            early,
            late,
            f"fitted to {days.index(first)} days, tried on the {len(days) - days.index(first)} after them",
        )
    chosen = [kept for kept in queries if _share(kept.query) < HELD_OUT]
    others = [kept for kept in queries if _share(kept.query) >= HELD_OUT]
    return others, chosen, "all of one day: tried on a third of the questions"


def known(queries: Sequence[Kept]) -> list[Kept]:
    """Keep the queries of which somebody said how good an answer was."""
    return [kept for kept in queries if any(said_of(kept, chunk) is not None for chunk in kept.chunks)]


def calibrate(queries: Sequence[Kept], own: Curves) -> Calibrated:
    """Fit curves to what was said of answers; `own` are the operator's that are in force."""
    early, late, how = split(known(queries))
    with adopted(own):
        to_fit, to_try = _by_curve(early), _by_curve(late)
        tried = [_try(*key, to_fit[key], to_try.get(key, [])) for key in sorted(to_fit)]
        better = [curve for curve in tried if curve.is_better]
        before = reliability(winners(late))
    candidate = _merged(own, better)
    with adopted(candidate):
        after = reliability(winners(late))
    holds = bool(better) and before is not None and after is not None and after.log_loss < before.log_loss
    return Calibrated(split=how, tried=tried, curves=candidate if holds else {}, before=before, after=after)


def winners(queries: Sequence[Kept]) -> list[Sure]:
    """Decide queries again with the curves in force; give how sure each winner is, and whether it is right."""
    found = []
    for kept in queries:
        for chunk in kept.chunks:
            said, made = said_of(kept, chunk), decide(chunk, VoteRule.CALIBRATED, whole=len(kept.chunks) == 1)
            right = is_right(made.final, chunk, said) if said is not None and made is not None else None
            if made is not None and right is not None:
                found.append((made.confidence, right))
    return found


def _try(model: str, method: str, seen: Sequence[Judged], held_out: Sequence[Judged]) -> Fitted:
    counts = {"model": model, "method": method, "fitted_to": len(seen), "tried_on": len(held_out)}
    if len(seen) < MIN_ANSWERS or len(held_out) < MIN_HELD_OUT:
        return Fitted(**counts)  # type: ignore[arg-type]
    before = reliability([(confidence(answer), right) for answer, right in held_out])
    curve = fit([(fluency(answer), right) for answer, right in seen])
    with adopted({model: {method: curve}}):
        after = reliability([(confidence(answer), right) for answer, right in held_out])
    assert before is not None
    assert after is not None
    return Fitted(**counts, curve=curve, before=before.log_loss, after=after.log_loss)  # type: ignore[arg-type]


def _by_curve(queries: Sequence[Kept]) -> dict[tuple[str, str], list[Judged]]:
    """Group answers of which it is known whether they are right by (model, method), as curves go."""
    found: defaultdict[tuple[str, str], list[Judged]] = defaultdict(list)
    for answer, right in _judged(queries):
        found[listed(answer.model) or answer.model, answer.method].append((answer, right))
    return found


def _judged(queries: Sequence[Kept]) -> Iterator[Judged]:
    for kept in queries:
        for chunk in kept.chunks:
            if (said := said_of(kept, chunk)) is None:
                continue
            for answer in (answer for vote in chunk.votes for answer in vote.answers):
                right = is_right(answer.final, chunk, said) if answer.final else None
                if right is not None and answer.finish not in CUT_OFF:
                    yield answer, right


def _merged(own: Curves, fitted: Sequence[Fitted]) -> Curves:
    curves = {name: dict(by) for name, by in own.items()}
    for tried in fitted:
        if tried.curve is not None:
            curves.setdefault(tried.model, {})[tried.method] = tried.curve
    return curves


def _share(text: str) -> float:
    """Give a number in [0, 1) that depends on a text alone."""
    return int.from_bytes(sha256(text.encode()).digest()[:4]) / 2**32
