"""Fit a calibration curve to answers of which it is known whether they are right."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from services.voting.calibration import Curve

MIN_ANSWERS = 40
RIDGE = 0.05  # keeps the slope finite where the right and the wrong are far apart
ROUNDS = 50
MAX_SLOPE = 15.0


def fit(seen: Sequence[tuple[float, bool]]) -> Curve:
    """Fit p = sigmoid(at_zero + slope x logprob) by ridge-penalised maximum likelihood (Newton's method)."""
    x, y = np.array([logprob for logprob, _ in seen]), np.array([float(right) for _, right in seen])
    mean = x.mean()
    design = np.stack([np.ones_like(x), x - mean], axis=1)
    weights = np.zeros(2)
    for _ in range(ROUNDS):
        p = 1 / (1 + np.exp(-design @ weights))
        gradient = design.T @ (p - y) + RIDGE * weights
        hessian = (design.T * (p * (1 - p))) @ design + RIDGE * np.eye(2)
        weights -= np.linalg.solve(hessian, gradient)
    slope = float(np.clip(weights[1], 0.0, MAX_SLOPE))
    return Curve(round(float(weights[0]) - slope * float(mean), 2), round(slope, 2))
