"""Permissions are made of the table: what a row says is what its users may do, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from schemas.actors import Actor
from schemas.subjects import ADMIT, ASSEMBLED, DEAD, PRESENCE, RESULT, TABLE, TASK, Access, Space, Store
from services.cli.auth import auth
from services.runtime.authorization import default_users
from services.runtime.keyring import KeyringError, make_keyring
from services.runtime.keys import read_key
from services.runtime.permissions import EDGE, Grants, User, durables

SPACE = Space()
USERS = [User(actor, name, key="U") for actor, name in default_users(["n1", "n2"], ["alice", "bob"])]


def grants(actor: Actor, name: str = "") -> Grants:
    return Grants(SPACE, User(actor, name or str(actor)))


def covers(pattern: str, subject: str) -> bool:
    want, have = pattern.split("."), subject.split(".")
    for place, token in enumerate(want):
        if token == ">":
            return len(have) > place
        if place >= len(have) or token not in ("*", have[place]):
            return False
    return len(want) == len(have)


def test_a_row_without_writers_or_readers_cannot_be() -> None:
    with pytest.raises(ValueError, match="who writes"):
        Access(writers=(), listeners=(Actor.NODE,))
    with pytest.raises(ValueError, match="who reads"):
        Access(writers=(Actor.NODE,))


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.pattern)
def test_who_writes_a_row_may_and_nobody_else(row: object) -> None:
    assert row in TABLE
    found = next(listed for listed in TABLE if listed is row)
    address = SPACE.full(found.store, found.at())
    for user in USERS:
        may = any(covers(pattern, address) for pattern in Grants(SPACE, user).publish)
        own = user.actor is Actor.NODE or found is DEAD
        if user.actor not in found.access.writers:
            assert not any(covers(pattern, address.replace("*", "x")) for pattern in Grants(SPACE, user).publish)
        elif not own:
            assert may, f"{user.name} must be able to write {address}"


@pytest.mark.parametrize("user", USERS, ids=lambda user: user.name)
def test_nobody_hears_anothers_inbox(user: User) -> None:
    for other in USERS:
        inbox = f"{other.inbox(SPACE)}.AbC.1"
        heard = any(covers(pattern, inbox) for pattern in Grants(SPACE, user).subscribe)
        assert heard == (other is user)


def test_a_node_is_bound_to_its_name() -> None:
    may = grants(Actor.NODE, "n1").publish
    for row, other in (
        (RESULT, "dellm.result.q.0.n2"),
        (PRESENCE, "$KV.dellm_presence.n2"),
        (DEAD, "dellm.dead.node-n2.1"),
    ):
        own = SPACE.full(row.store, row.at(**({"service": "node-n1"} if row is DEAD else {"node": "n1"})))
        assert own in may
        assert not any(covers(pattern, other) for pattern in may)
    assert durables(User(Actor.NODE, "n1"))[0].subjects == (TASK.at(node="n1"),)
    files = "$JS.API.DIRECT.GET.OBJ_dellm_models"
    asked = [subject for subject in may if subject.startswith("$JS.API") and not subject.endswith(".node-n1")]
    assert asked == [files]


def test_model_files_are_put_by_the_operator_and_read_by_those_who_load_them() -> None:
    for user in USERS:
        may = Grants(SPACE, user).publish
        assert any(covers(pattern, "$O.dellm_models.M.x") for pattern in may) == (user.actor is Actor.OPERATOR)
        reads = any(covers(pattern, "$JS.API.DIRECT.GET.OBJ_dellm_models") for pattern in may)
        assert reads == (user.actor in (Actor.NODE, Actor.SYNTHESIZER, Actor.OPERATOR)), user.name


def test_who_is_not_a_service_may_ask_nothing_of_jetstream() -> None:
    assert not [subject for subject in grants(Actor.CLIENT, "alice").publish if subject.startswith("$")]
    assert not grants(Actor.OBSERVER).publish
    assert grants(Actor.OBSERVER).subscribe[1:] == ["event.dellm.>"]


def test_only_the_operator_makes_and_deletes() -> None:
    for user in USERS:
        for call in ("STREAM.CREATE.DELLM", "STREAM.DELETE.DELLM", "CONSUMER.CREATE.DELLM.x.y", "STREAM.UPDATE.DELLM"):
            may = any(covers(pattern, f"$JS.API.{call}") for pattern in Grants(SPACE, user).publish)
            assert may == (user.actor is Actor.OPERATOR), f"{user.name}: {call}"
        purges = {subject.rpartition(".")[2] for subject in Grants(SPACE, user).publish if ".STREAM.PURGE." in subject}
        removed = {SPACE.stream(row.store) for row in TABLE if user.actor in row.access.removers}
        assert purges == removed


def test_nobody_at_the_edge_writes_the_state() -> None:
    for user in USERS:
        if user.actor in EDGE:
            for row in TABLE:
                if user.actor in row.access.writers:
                    assert row.store is not Store.STREAM, row.pattern
    assert Actor.NODE not in (*ASSEMBLED.access.writers, *ADMIT.access.writers)


def test_init_makes_keys_once_and_takes_more(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    done = CliRunner().invoke(auth, ["init", str(folder), "--node", "n1", "--client", "alice"])
    assert done.exit_code == 0, done.output
    assert folder.stat().st_mode & 0o777 == 0o700
    assert all(path.stat().st_mode & 0o777 == 0o600 for path in folder.iterdir())
    first = read_key(folder / "node-n1.nk")
    assert first.seed not in done.output
    assert (first.actor, first.name, first.inbox) == (Actor.NODE, "n1", "_DELLM.node.n1")
    again = CliRunner().invoke(auth, ["init", str(folder), "--node", "n2", "--client", "bob"])
    assert again.exit_code == 0, again.output
    assert read_key(folder / "node-n1.nk") == first
    config = (folder / "auth.conf").read_text()
    for name in ("n1", "n2", "alice", "bob"):
        assert f'{name}"' in config
    assert not [path for path in folder.glob("*.nk") if read_key(path).seed in config]


def test_a_key_of_another_is_not_taken_for_ones_own(tmp_path: Path) -> None:
    make_keyring(tmp_path, SPACE, nodes=["n1"])
    (tmp_path / "node-n1.nk").rename(tmp_path / "node-n2.nk")
    with pytest.raises(KeyringError, match="another user"):
        make_keyring(tmp_path, SPACE, nodes=["n2"])
    with pytest.raises(ValueError, match="name of a node"):
        make_keyring(tmp_path, SPACE, nodes=["a.b"])
    with pytest.raises(KeyringError, match="two users"):
        make_keyring(tmp_path, SPACE, nodes=[], clients=["trainer"])
