"""A model file is hashed once, and is the one that the catalogue names."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
from pathlib import Path

import pytest

from models import list_models
from models.engine import ModelError
from models.fingerprint import GivenUp, fingerprint, known_fingerprint, quantization, verified
from models.record import locked, read_record

CONTENT = b"GGUF, or so it says"
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MODELS = Path(__file__).parents[2] / "models"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "own-q8_0.gguf"
    made.write_bytes(CONTENT)
    return made


def test_a_file_is_hashed_once_for_all_processes(path: Path) -> None:
    assert known_fingerprint(path) is None
    found = fingerprint(path)
    assert (found.sha256, found.quantization) == (SHA256, "Q8_0")
    assert known_fingerprint(path) == found
    assert read_record(path.parent)[path.name].sha256 == SHA256


def test_a_file_that_was_touched_is_hashed_again(path: Path) -> None:
    fingerprint(path)
    path.write_bytes(CONTENT[::-1])
    os.utime(path, ns=(1, 1))
    assert known_fingerprint(path) is None
    assert fingerprint(path).sha256 == hashlib.sha256(CONTENT[::-1]).hexdigest()


def test_nobody_waits_for_another_process_that_fetches(path: Path) -> None:
    with locked(path.parent):
        assert fingerprint(path).sha256 == SHA256
    assert known_fingerprint(path) is None, "the record was not ours to write"


def test_hashing_ends_when_nobody_wants_it(path: Path) -> None:
    with pytest.raises(GivenUp):
        fingerprint(path, lambda: False)


async def test_a_file_that_is_not_the_catalogues_is_refused(tmp_path: Path) -> None:
    model = list_models()[-1]
    wrong = tmp_path / model.file
    wrong.write_bytes(CONTENT)
    with pytest.raises(ModelError, match=f"expected sha256 {model.sha256}, found {SHA256}; run: dellm models fetch"):
        await asyncio.wait_for(verified(wrong), 10)


async def test_a_file_that_cannot_be_read_has_none(tmp_path: Path) -> None:
    assert await verified(tmp_path / "none.gguf") is None
    assert known_fingerprint(tmp_path / "none.gguf") is None


def test_the_type_is_what_the_file_says(tmp_path: Path) -> None:
    real = MODELS / list_models()[-1].file
    renamed = tmp_path / "renamed.gguf"
    renamed.symlink_to(real)
    assert quantization(renamed) == "Q4_1"
    junk = tmp_path / "model.Q5_K_M.gguf"
    shutil.copyfile(__file__, junk)
    assert quantization(junk) == "Q5_K_M"
    assert quantization(tmp_path / "plain.gguf") == ""
