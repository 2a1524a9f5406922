"""`dellm up --only-signed` and `dellm verify` as users run them, with a real model."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from models import list_models

ROOT = Path(__file__).parents[2]
TOPOLOGY = ROOT / "deploy" / "topology-tiny.json"
QUESTION = "What is 2 plus 2, and what is the capital of France?"

pytestmark = pytest.mark.timeout(180)


def dellm(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.cli.main", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which `dellm up --only-signed` runs."""
    folder = tmp_path_factory.mktemp("signed")
    log = folder / "stderr"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.cli.main", "up", "--only-signed", "--topology", str(TOPOLOGY)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=out,
        )
    give_up_at = time.monotonic() + 60
    while "ready at" not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < give_up_at, log.read_text()
        time.sleep(0.05)
    yield folder
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0


def test_a_reply_tells_which_file_said_what(up: Path) -> None:
    asked = dellm("ask", "--json", QUESTION, cwd=up)
    assert asked.returncode == 0, asked.stderr
    (up / "reply.json").write_text(asked.stdout)
    done = dellm("verify", "reply.json", cwd=up)
    assert done.returncode == 0, done.stdout + done.stderr
    model = next(each for each in list_models() if each.name == "smollm2-135m")
    votes = [line for line in done.stdout.splitlines() if "node-" in line]
    assert votes
    for line in votes:
        assert " holds: " in line
        assert f"smollm2-135m-instruct-q4_1 (Q4_1, sha256 {model.sha256})" in line
        assert "by llama-cpp-python 0.3" in line
    rows = [json.loads(line) for line in dellm("verify", "--json", "reply.json", cwd=up).stdout.splitlines()]
    assert len(rows) == len(done.stdout.splitlines())
    assert all(row["reason"] is None for row in rows)


def test_a_reply_that_was_tampered_with_is_told(up: Path) -> None:
    reply = json.loads(dellm("ask", "--json", "What is the capital of Italy?", cwd=up).stdout)
    reply["chunks"][0]["votes"][0]["answer"] = "Milan"
    (up / "tampered.json").write_text(json.dumps(reply))
    done = dellm("verify", "tampered.json", cwd=up)
    assert done.returncode == 1
    assert "REFUSED: another answer was signed" in done.stdout
    (up / "none.pub").write_text("")
    unknown = dellm("verify", "--keys", "none.pub", "tampered.json", cwd=up)
    assert "no key of this node is known" in unknown.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none.json"], "none.json"),
        (["junk.json"], "junk.json is no reply"),
        (["empty.json"], "the reply has no votes"),
        (["--keys", "none", "empty.json"], "none: No such file"),
    ],
)
def test_bad_input_gets_one_line(up: Path, arguments: list[str], says: str) -> None:
    (up / "junk.json").write_text("{")
    (up / "empty.json").write_text('{"id": "q", "status": "failed"}')
    done = dellm("verify", *arguments, cwd=up)
    assert done.returncode in (1, 64)
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
