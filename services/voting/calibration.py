"""How likely a model's answer is right, from its log-probability: a logistic curve per model and method.

A mean token probability tells how fluent an answer is; what it is worth differs by model and by what was asked of it.
The curves are data, `calibration.json`; `python -m tests.quality.calibrate` fits them to recorded answers.  Of the
default pool those for facts were fitted to 87 questions of the project's own, those for programs and for the larger
model's steps to 100 of GSM8K, those for choices to 66 of BIG-Bench Hard; the others, and those of models that are not
listed (which go by ""), are estimates.
Method `text` also stands for methods that are not listed.

An operator's own curves (`dellm calibrate` fits them to feedback) take the place of these, one by one; a process counts
with those that it was told of last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from math import exp
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

import msgspec

if TYPE_CHECKING:
    from schemas.messages import ModelAnswer

DATA = "calibration.json"
ORDINARY_LOGPROB = -0.15
CUT_OFF = frozenset({"length", "deadline", "loop"})
MAX_EXPONENT = 700.0  # exp of more does not fit a float


class Curve(NamedTuple):
    """p = sigmoid(at_zero + slope x mean log-probability)."""

    at_zero: float
    slope: float


Curves = dict[str, dict[str, Curve]]
"""By the beginning of a model's name, and by method."""

_own: Curves = {}


def adopt(curves: Mapping[str, Mapping[str, Sequence[float]]]) -> None:
    """Count with these curves in this process from now on; those that they lack are the ones that come with DELLM."""
    _own.clear()
    _own.update(as_curves(curves))
    for cached in (_curve, _curves, _load):
        cached.cache_clear()


def as_curves(curves: Mapping[str, Mapping[str, Sequence[float]]]) -> Curves:
    """Make curves of pairs of numbers, as they travel."""
    return {name: {method: Curve(*pair) for method, pair in by.items()} for name, by in curves.items()}


@contextmanager
def adopted(curves: Mapping[str, Mapping[str, Sequence[float]]]) -> Iterator[None]:
    """Count with these curves while the body runs, which must not wait for anything."""
    before = dict(_own)
    adopt(curves)
    try:
        yield
    finally:
        adopt(before)


def listed(model: str) -> str:
    """Give the name by which a model's curves go, empty where it has none of its own."""
    return max((name for name in _load() if model.startswith(name)), key=len)


def confidence(answer: ModelAnswer) -> float:
    """Return the probability that a model's answer is right; of one that was cut off, half of that."""
    curve = _curve(answer.model, answer.method)
    p = sigmoid(curve.at_zero + curve.slope * fluency(answer))
    return p / 2 if answer.finish in CUT_OFF else p


def fluency(answer: ModelAnswer) -> float:
    """Return the log-probability that counts for an answer: where its server told none, that of an ordinary one."""
    return ORDINARY_LOGPROB if answer.logprob is None else min(0.0, answer.logprob)


def trust(model: str, method: str) -> float:
    """Return the probability that a model's answer of ordinary fluency is right.

    By a method that has no curve it is the mean of those that have one.
    """
    curves = _curves(model)
    known = [curves[method]] if method in curves else list(curves.values())
    return fmean(sigmoid(curve.at_zero + curve.slope * ORDINARY_LOGPROB) for curve in known)


def sigmoid(x: float) -> float:
    """Return the probability whose log-odds are `x`, however far from 0."""
    return 1 / (1 + exp(min(MAX_EXPONENT, -x)))


@cache
def _curve(model: str, method: str) -> Curve:
    """Find the curve of the model whose listed name `model` begins with, the longest such name first."""
    curves, usual = _curves(model), _load()[""]
    return curves.get(method) or usual.get(method) or curves.get("text") or usual["text"]


@cache
def _curves(model: str) -> dict[str, Curve]:
    return _load()[listed(model)]


@cache
def _load() -> Curves:
    shipped = msgspec.json.decode(files(__package__).joinpath(DATA).read_bytes(), type=Curves)
    return {name: {**shipped.get(name, {}), **_own.get(name, {})} for name in [*shipped, *_own]}
