"""The flags that make a policy."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner

from schemas.terms import Policy, VoteRule, Wording
from services.cli.policy import policy_options


@click.command()
@policy_options
def command(policy: Policy) -> None:
    """Hand the policy to the test."""
    raise Told(policy)


class Told(Exception):  # noqa: N818
    """Carries a policy."""


@pytest.mark.parametrize(
    ("flags", "policy"),
    [
        ("", Policy()),
        ("--vote best", Policy(vote=VoteRule.BEST)),
        ("--replicas 2 --max-replicas 2", Policy(replicas=2, max_replicas=2)),
        ("--replicas all", Policy(replicas=None)),
        ("--replicas 256", Policy(replicas=256)),
        ("--no-early", Policy(early=False)),
        ("--early", Policy()),
        ("--wording join", Policy(wording=Wording.JOIN)),
        ("--cache", Policy(cache=True)),
        ("--no-cache", Policy()),
    ],
)
def test_what_is_not_given_stays_as_the_policy_has_it(flags: str, policy: Policy) -> None:
    result = CliRunner().invoke(command, flags.split())
    assert isinstance(result.exception, Told)
    assert result.exception.args == (policy,)


@pytest.mark.parametrize(
    "flags", ["--vote loudest", "--replicas 0", "--replicas 257", "--replicas every", "--wording none"]
)
def test_what_no_policy_can_hold_is_refused(flags: str) -> None:
    assert CliRunner().invoke(command, flags.split()).exit_code == 2
