"""`dellm doctor` and `dellm init` as users run them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from schemas.topology import load
from services.runtime.server import EmbeddedServer
from tests.servers import free_port

ROOT = Path(__file__).parents[2]
TINY = ROOT / "models" / "smollm2-135m-instruct-q4_1.gguf"

pytestmark = pytest.mark.timeout(120)


def dellm(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if key not in ("NATS_URL", "DELLM_LOG")}
    return subprocess.run(
        [sys.executable, "-m", "services.cli.main", *arguments],
        cwd=cwd,
        env={**inherited, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with one small model and nothing else."""
    (tmp_path / ".dellm").mkdir()
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / TINY.name).symlink_to(TINY)
    return tmp_path


def test_init_writes_what_fits_and_doctor_finds_it_well(home: Path) -> None:
    before = dellm("doctor", cwd=home)
    assert before.returncode == 1
    assert "problem topology: topology.json: No such file or directory" in before.stdout
    made = dellm("init", cwd=home)
    assert made.returncode == 0, made.stderr
    assert "with smollm2-135m" in made.stdout
    topology = load(home / "topology.json")
    assert {node.model_a for node in topology.nodes} == {f"models/{TINY.name}"}
    after = dellm("doctor", "--json", cwd=home)
    assert after.returncode == 0, after.stdout
    health = json.loads(after.stdout)
    assert {finding["what"] for finding in health["findings"]} == {
        *("cores", "topology", "model", "memory", "gpu", "disk", "nats"),
    }
    assert not [finding for finding in health["findings"] if finding["level"] == "problem"]
    assert "a chat template" in next(finding["told"] for finding in health["findings"] if finding["what"] == "model")
    assert "smollm2-135m" in health["proposal"]


def test_init_overwrites_nothing_unless_it_is_told_to(home: Path) -> None:
    (home / "topology.json").write_text("mine")
    refused = dellm("init", cwd=home)
    assert (refused.returncode, (home / "topology.json").read_text()) == (1, "mine")
    assert refused.stderr == "dellm: topology.json is there; --force writes in its place\n"
    assert dellm("init", "--force", cwd=home).returncode == 0
    load(home / "topology.json")


def test_doctor_says_what_is_wrong(home: Path) -> None:
    topology = {
        "superllm": {"model": "models/missing.gguf"},
        "superclusters": [{"id": "s"}],
        "nodes": [{"id": "n", "cluster": "s", "model_a": f"openai:http://127.0.0.1:{free_port()}/v1#m"}],
    }
    (home / "topology.json").write_text(json.dumps(topology))
    done = dellm("doctor", "--nats", f"nats://127.0.0.1:{free_port()}", cwd=home)
    assert done.returncode == 1
    problems = [line for line in done.stdout.splitlines() if line.startswith("problem")]
    assert len(problems) == 3
    assert any("missing.gguf: No such file or directory" in line for line in problems)
    assert any("#m: All connection attempts failed; start the server" in line for line in problems)
    assert any(line.startswith("problem nats: ") for line in problems)


async def test_doctor_compares_clocks_with_a_server(server: EmbeddedServer, home: Path) -> None:
    dellm("init", cwd=home)
    done = dellm("doctor", "--nats", server.url, cwd=home)
    assert "ok      nats: " in done.stdout
    assert "clock: " in done.stdout
