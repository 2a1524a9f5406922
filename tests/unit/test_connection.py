"""How a connection is put together of flags, the environment and contexts, and that it keeps its secrets."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.actors import Actor
from services.runtime.connection import SETTINGS, BadConnection, Connection, resolve
from services.runtime.keys import Identity, new_seed, read_key, write_key

SECRET = "s3cr3t"


def test_the_user_is_taken_out_of_the_address() -> None:
    found = Connection.to(f"nats://alice:{SECRET}@one:4000, tls://alice:{SECRET}@two")
    assert found.servers == ("nats://one:4000", "tls://two:4222")
    assert (found.user, found.password) == ("alice", SECRET)
    assert SECRET not in f"{found} {found!r}"
    assert found.wants_tls


def test_a_user_without_a_password_is_a_token() -> None:
    assert Connection.to(f"nats://{SECRET}@one").token == SECRET


@pytest.mark.parametrize(
    "url",
    ["", ",", "http://x", f"nats://u:{SECRET}@", f"nats://u:{SECRET}@h:port", f"nats://a:{SECRET}@h,nats://b:x@h"],
)
def test_a_malformed_address_is_told_without_its_secret(url: str) -> None:
    with pytest.raises(BadConnection) as told:
        Connection.to(url)
    assert SECRET not in str(told.value)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_is_told(url: str) -> None:
    with suppress(BadConnection):
        assert Connection.to(url).servers


def test_the_environment_says_what_no_flag_says() -> None:
    environment = {"NATS_URL": "nats://env", "NATS_CREDS": "env.creds", "NATS_CA": "ca.pem"}
    found = resolve({"nats": "nats://flag", "tls_ca": None}, environment)
    assert found is not None
    assert found.servers == ("nats://flag:4222",)
    assert (found.creds, found.tls_ca) == (Path("env.creds"), Path("ca.pem"))
    assert resolve({}, {}) is None


def test_the_users_of_two_sources_are_not_mixed() -> None:
    found = resolve({"nats": "h", "creds": "mine"}, {"NATS_NKEY": "other", "NATS_USER": "u", "NATS_PASSWORD": SECRET})
    assert found == Connection(servers=("nats://h:4222",), creds=Path("mine"))


def test_a_context_of_the_nats_command(tmp_path: Path) -> None:
    folder = tmp_path / "nats" / "context"
    folder.mkdir(parents=True)
    fields = {"url": "tls://h:1", "user": "u", "password": SECRET, "ca": "~/ca.pem", "inbox_prefix": "_I", "nsc": ""}
    (folder / "work.json").write_text(json.dumps(fields))
    found = resolve({"context": "work"}, {"XDG_CONFIG_HOME": str(tmp_path)})
    assert found is not None
    assert (found.servers, found.user, found.password) == (("tls://h:1",), "u", SECRET)
    assert found.tls_ca == Path("~/ca.pem").expanduser()
    assert found.inbox_prefix == "_I"
    with pytest.raises(BadConnection, match="no context 'home'"):
        resolve({"context": "home"}, {"XDG_CONFIG_HOME": str(tmp_path)})
    (folder / "broken.json").write_text('{"password": "' + SECRET)
    with pytest.raises(BadConnection) as told:
        resolve({"context": "broken"}, {"XDG_CONFIG_HOME": str(tmp_path)})
    assert SECRET not in str(told.value)


def test_no_flag_takes_a_secret() -> None:
    assert {setting.name for setting in SETTINGS if not setting.flag} == {"user", "password", "token"}


def test_a_key_file_is_its_owners_alone(tmp_path: Path) -> None:
    made = Identity(new_seed(), Actor.NODE, "node-1", "_DELLM.node.node-1")
    path = tmp_path / "node-1.nk"
    write_key(path, made)
    assert path.stat().st_mode & 0o777 == 0o600
    assert read_key(path) == made
    assert made.public.startswith("U")
    assert made.seed not in repr(made)
    with pytest.raises(FileExistsError):
        write_key(path, made)
    connection = Connection(servers=("h",), keys=tmp_path).for_user("node-1")
    assert connection.options()["inbox_prefix"] == made.inbox
    assert made.seed not in f"{connection!r}"


def test_a_bare_seed_is_a_key_too(tmp_path: Path) -> None:
    path = tmp_path / "bare.nk"
    path.write_text(seed := new_seed())
    path.chmod(0o600)
    assert read_key(path) == Identity(seed)


@pytest.mark.parametrize("content", ["", f"SU{SECRET}", f"{new_seed()}\n{new_seed()}", "\x00ü"])
def test_what_is_no_key_is_told(content: str, tmp_path: Path) -> None:
    path = tmp_path / "x.nk"
    path.write_text(content)
    with pytest.raises(BadConnection) as told:
        Connection(servers=("h",), nkey=path).options()
    assert str(told.value).startswith(str(path))
    assert content == "" or content not in str(told.value).removeprefix(str(path))


def test_a_file_that_is_missing_is_told(tmp_path: Path) -> None:
    bare, missing = Connection(servers=("h",)), tmp_path / "no"
    for wrong in (replace(bare, nkey=missing), replace(bare, creds=missing), replace(bare, tls_ca=missing)):
        with pytest.raises(BadConnection, match="no"):
            wrong.options()
