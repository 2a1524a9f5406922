"""The options that say how a query is to be answered, as one `policy`."""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce, wraps
from typing import Any, TypeVar

import click

from schemas.terms import Policy, VoteRule, Wording

R = TypeVar("R")

ALL = "all"
MAX_REPLICAS = 256


def _replicas(value: int | str) -> int | str:
    """Give a number of nodes, or ALL."""
    number = int(value) if str(value).isdecimal() else 0
    if value != ALL and not 1 <= number <= MAX_REPLICAS:
        raise click.BadParameter(f"{value} is neither 1 to {MAX_REPLICAS} nor {ALL}")
    return number or ALL


def policy_options(command: Callable[..., R]) -> Callable[..., R]:
    """Add the flags of a policy, and hand them over as one `policy`."""

    @wraps(command)
    def with_policy(
        *,
        vote: str | None,
        replicas: int | str | None,
        max_replicas: int | None,
        early: bool | None,
        wording: str | None,
        cache: bool | None,
        checks: bool | None,
        min_confidence: float | None,
        **rest: Any,
    ) -> R:
        given: dict[str, Any] = {
            "vote": vote and VoteRule(vote),
            "replicas": replicas,
            "max_replicas": max_replicas,
            "early": early,
            "wording": wording and Wording(wording),
            "cache": cache,
            "checks": checks,
            "min_confidence": min_confidence,
        }
        given = {key: value for key, value in given.items() if value is not None}
        if replicas == ALL:
            given["replicas"] = None
        return command(policy=Policy(**given), **rest)

    default = Policy()
    options = (
        click.option(
            "--vote",
            type=click.Choice([rule.value for rule in VoteRule]),
            help=f"How votes are counted.  [default: {default.vote.value}]",
        ),
        click.option(
            "--replicas",
            type=_replicas,
            metavar=f"1..{MAX_REPLICAS}|{ALL}",
            help=f"How many nodes answer a chunk at first.  [default: {default.replicas or ALL}]",
        ),
        click.option(
            "--max-replicas",
            type=click.IntRange(1, MAX_REPLICAS),
            help=f"Where these do not suffice, up to how many.  [default: {default.max_replicas}]",
        ),
        click.option(
            "--early/--no-early",
            default=None,
            help=f"Wait for nobody who cannot change the answer.  [default: {_yes(default.early)}]",
        ),
        click.option(
            "--wording",
            type=click.Choice([wording.value for wording in Wording]),
            help=f"The superllm's wording, or a plain join.  [default: {default.wording.value}]",
        ),
        click.option(
            "--cache/--no-cache",
            default=None,
            help=f"Take answers of earlier queries, and keep those of this one.  [default: {_yes(default.cache)}]",
        ),
        click.option(
            "--checks/--no-checks",
            default=None,
            help=f"Verify what the request demands of its answer.  [default: {_yes(default.checks)}]",
        ),
        click.option(
            "--min-confidence",
            type=click.FloatRange(0, 1),
            metavar="0..1",
            help="Give no answer that is less sure: ask more nodes, the strongest last.  [default: the operator's]",
        ),
    )
    return reduce(lambda decorated, option: option(decorated), reversed(options), with_policy)


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
