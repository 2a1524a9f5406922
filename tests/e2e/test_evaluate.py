"""`dellm eval`, `dellm score` and `make eval` as users run them, with real SmolLM2."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TOPOLOGY = ROOT / "deploy" / "topology-tiny.json"
SET = ROOT / "tests" / "quality" / "compound.jsonl"
TINY = ROOT / "models" / "smollm2-135m-instruct-q4_1.gguf"

pytestmark = pytest.mark.timeout(180)


def python(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "NATS_URL": "nats://127.0.0.1:1"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=cwd, env=environment, capture_output=True, text=True, check=False, timeout=150
    )


def test_configurations_side_by_side_with_a_report(tmp_path: Path) -> None:
    arguments = ("-m", "tests.quality.run", "--out", str(tmp_path), "--topology", str(TOPOLOGY), "--limit", "1")
    done = python(*arguments, "--only", "join,alone-smollm2-135m", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["configuration", "join", "alone-smollm2-135m"]
    joined, alone = (json.loads((tmp_path / f"{name}.jsonl").read_text()) for name in ("join", "alone-smollm2-135m"))
    assert joined["id"] == alone["id"] == "compound-001"
    assert joined["synthesis"]["reason"] == "asked for"
    assert alone["model"] == TINY.stem
    assert alone["completion_tokens"] > 0
    page = (tmp_path / "report.md").read_text()
    assert "| join | " in page
    assert "| alone-smollm2-135m | " in page
    assert (tmp_path / "report.png").stat().st_size > 5000
    again = python(*arguments, "--only", "join", cwd=ROOT)
    assert again.stdout == done.stdout
    assert "loaded" not in again.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["eval", str(SET)], 64, "Missing option '--out'"),
        (["eval", "none.jsonl", "--out", "a.jsonl"], 1, "none.jsonl: No such file"),
        (["eval", "bad.jsonl", "--out", "a.jsonl"], 1, "bad.jsonl:1: "),
        (["eval", str(SET), "--out", "a.jsonl", "--baseline", "gpt-17"], 1, "gpt-17: No such file"),
        (["eval", str(SET), "--out", "a", "--baseline", str(TINY), "--topology", "none.json"], 1, "none.json: No such"),
        (["eval", str(SET), "--out", "a.jsonl", "--baseline", str(TINY), "--replicas", "2"], 64, "do not apply"),
        (["eval", str(SET), "--out", "a.jsonl"], 1, "cannot connect to NATS at nats://127.0.0.1:1"),
        (["eval", str(SET), "--out", "bad.jsonl/a.jsonl"], 1, "bad.jsonl"),
        (["score", str(SET)], 64, "Missing argument 'ANSWERS...'"),
        (["score", str(SET), "bad.jsonl"], 1, "bad.jsonl:1: "),
    ],
)
def test_bad_input_gets_one_line(tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    (tmp_path / "bad.jsonl").write_text('{"id": 1}\n')
    done = python("-m", "services.cli.main", *arguments, cwd=tmp_path)
    assert says in done.stderr
    assert done.returncode == code
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""
