"""`dellm models quantize` for real: SmolLM2-135M becomes Q4_0 in a second."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import models
from models import Request, turns
from models.llama import LlamaEngine

ROOT = Path(__file__).parents[2]
MADE = "smollm2-135m-instruct-q4_0.gguf"


def dellm(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.cli.main", "models", *arguments, "--folder", str(folder)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source alone."""
    model = models.find("smollm2-135m")
    assert model is not None
    fetched = models.fetch(model, Path(models.__file__).parent)
    folder = tmp_path_factory.mktemp("models")
    (folder / model.file).symlink_to(fetched)
    return folder


@pytest.fixture(scope="module")
def made(folder: Path) -> subprocess.CompletedProcess[str]:
    return dellm("quantize", "smollm2-135m", "--type", "q4_0", folder=folder)


def test_it_says_what_was_made(made: subprocess.CompletedProcess[str], folder: Path) -> None:
    assert made.returncode == 0, made.stderr
    assert made.stdout.startswith(f"smollm2-135m-q4_0: {folder / MADE} made from smollm2-135m-instruct-q4_1.gguf in ")
    assert made.stdout.endswith(" s, 98 MB -> 92 MB\n")
    assert "quantize 0%" in made.stderr
    assert "llama_model" not in made.stderr, "llama.cpp's own log is not the user's"


@pytest.mark.usefixtures("made")
def test_it_is_recorded_with_its_source(folder: Path) -> None:
    entry = json.loads((folder / "local.json").read_text())[MADE]
    source = models.find("smollm2-135m")
    assert source is not None
    assert entry["sha256"] == hashlib.sha256((folder / MADE).read_bytes()).hexdigest()
    assert entry["quantized"] == {"type": "Q4_0", "source": source.file, "source_sha256": source.sha256}


@pytest.mark.usefixtures("made")
def test_a_second_time_nothing_is_done(folder: Path) -> None:
    before = (folder / MADE).stat().st_mtime_ns
    again = dellm("quantize", "smollm2-135m", folder=folder)
    assert again.returncode == 0
    assert "is here already, made from smollm2-135m-instruct-q4_1.gguf" in again.stdout
    assert (folder / MADE).stat().st_mtime_ns == before


@pytest.mark.usefixtures("made")
def test_it_is_listed_and_verified(folder: Path) -> None:
    rows = {row["name"]: row for row in json.loads(dellm("list", "--json", folder=folder).stdout)}
    assert rows["smollm2-135m-q4_0"]["state"] == "verified"
    assert rows["smollm2-135m-q4_0"]["quantized"]["type"] == "Q4_0"
    assert rows["smollm2-135m"]["quantized"] is None
    assert "smollm2-135m-q4_0: right" in dellm("verify", folder=folder).stdout


@pytest.mark.usefixtures("made")
async def test_the_engine_runs_it(folder: Path) -> None:
    engine = LlamaEngine(context_tokens=512)
    try:
        said = await engine.complete(
            Request(model=folder / MADE, messages=turns("", "What is the capital of France?"), max_tokens=16)
        )
    finally:
        await engine.close()
    assert "Paris" in said.text


@pytest.mark.usefixtures("made")
def test_a_file_that_changed_is_found_by_verify_and_made_again(folder: Path) -> None:
    right = (folder / MADE).read_bytes()
    (folder / MADE).write_bytes(right[:-1] + bytes([right[-1] ^ 1]))
    wrong = dellm("verify", "smollm2-135m-q4_0", folder=folder)
    assert wrong.returncode == 1
    assert "expected sha256" in wrong.stderr
    assert dellm("quantize", "smollm2-135m", folder=folder).returncode == 0
    assert (folder / MADE).read_bytes() == right


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("smollm2-135m", "--type", "Q9_9"), 64, "'Q9_9' is not one of"),
        (("smollm2-135m", "--type", "Q4_1"), 1, "is Q4_1 already"),
        (("qwen2.5-coder-0.5b",), 1, "No such file or directory; run: dellm models fetch qwen2.5-coder-0.5b"),
        (("gpt-5",), 64, "the catalogue has no model 'gpt-5'"),
    ],
)
def test_what_cannot_be_is_one_line(folder: Path, arguments: tuple[str, ...], code: int, said: str) -> None:
    done = dellm("quantize", *arguments, folder=folder)
    assert done.returncode == code
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
