"""Adding models: of a hub that speaks the protocol, of Ollama's store, and of a path, by the command itself."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from models.adding import AddError, add, list_added
from models.engine import ModelError
from models.metadata import Value
from models.ollama import OllamaError, find_ollama_model, list_ollama_models
from models.suggested import list_suggestions
from tests.gguf_files import gguf
from tests.hub_server import COMMIT, Hub, hub_server

ROOT = Path(__file__).parents[2]
HUB_WRITES_BYTES = 10 * 1024 * 1024  # at once; what came of the next so many is lost when it is cut
REPO, FILE = "someone/tiny-GGUF", "tiny-q4.gguf"
VALUES: dict[str, Value | list[int]] = {
    "general.architecture": "llama",
    "general.name": "Tiny",
    "llama.context_length": 2048,
    "general.sampling.temp": 0.5,
    "tokenizer.ggml.tokens": list(range(1000)),
    "tokenizer.chat_template": "{{ messages }}",
}


@pytest.fixture
def content(tmp_path: Path) -> bytes:
    return gguf(tmp_path / "source.gguf", VALUES).read_bytes() + bytes(300_000)


@pytest.fixture
def hub(content: bytes) -> Iterator[Hub]:
    with hub_server(Hub({(REPO, FILE): content, (REPO, "README.md"): b"#"})) as serving:
        yield serving


def dellm(hub: Hub | None, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the command as users do: huggingface_hub reads its variables when it is loaded."""
    own = {
        "HF_ENDPOINT": hub.url if hub else "http://127.0.0.1:1",
        "HF_HOME": str(cwd / "hf"),
        "HF_HUB_ETAG_TIMEOUT": "5",
    }
    return subprocess.run(
        [sys.executable, "-m", "services.cli.main", "models", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT), **own},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_file_of_the_hub_is_verified_and_recorded(hub: Hub, content: bytes, tmp_path: Path) -> None:
    source = f"hf:{REPO}:{FILE}"
    done = dellm(hub, "add", source, "--folder", "models", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "Tiny, architecture llama, trained for 2048 tokens, a chat template, advised temperature 0.5" in done.stdout
    assert "download" in done.stderr
    assert (tmp_path / "models" / FILE).read_bytes() == content
    ((model, added),) = list_added(tmp_path / "models")
    assert (model.name, model.sha256, model.licence) == ("tiny-q4", hashlib.sha256(content).hexdigest(), "apache-2.0")
    assert (added.source, added.revision) == (source, COMMIT)
    listed = json.loads(dellm(hub, "list", "--json", "--folder", "models", cwd=tmp_path).stdout)[-1]
    assert (listed["name"], listed["state"], listed["added"]["revision"]) == ("tiny-q4", "verified", COMMIT)
    asked = len(hub.ranges)
    assert dellm(hub, "add", source, "--folder", "models", cwd=tmp_path).returncode == 0
    assert len(hub.ranges) == asked, "a file that is there is not fetched again"
    assert dellm(None, "verify", "tiny-q4", "--folder", "models", cwd=tmp_path).stdout == "tiny-q4: right\n"


def test_a_download_goes_on_where_it_was_cut(hub: Hub, content: bytes, tmp_path: Path) -> None:
    content += bytes(3 * HUB_WRITES_BYTES)
    hub.files[REPO, FILE] = content
    hub.cut_after = HUB_WRITES_BYTES + 100_000
    first = dellm(hub, "add", f"hf:{REPO}:{FILE}", "--folder", "models", cwd=tmp_path)
    if first.returncode:
        assert len(first.stderr.strip().splitlines()[-1].splitlines()) == 1
        hub.cut_after = None
        assert dellm(hub, "add", f"hf:{REPO}:{FILE}", "--folder", "models", cwd=tmp_path).returncode == 0
    assert (tmp_path / "models" / FILE).read_bytes() == content
    assert any(asked is not None and not asked.startswith("bytes=0-") for asked in hub.ranges), hub.ranges


def test_what_is_not_what_the_hub_announced_is_refused(hub: Hub, tmp_path: Path) -> None:
    hub.told_sha256 = "0" * 64
    done = dellm(hub, "add", f"hf:{REPO}:{FILE}", "--folder", "models", cwd=tmp_path)
    assert done.returncode == 1
    assert f"expected sha256 {'0' * 64}" in done.stderr
    assert not (tmp_path / "models" / FILE).exists()


@pytest.mark.parametrize(
    ("source", "says"),
    [
        (f"hf:{REPO}:other.gguf", f"it has no file other.gguf; it has {FILE}"),
        ("hf:nobody/nothing:a.gguf", "nobody/nothing: "),
        ("hf:tiny:a.gguf", "must be hf:ORG/REPO:FILE"),
        (f"hf:{REPO}", "must be hf:ORG/REPO:FILE"),
        ("missing.gguf", "No such file or directory"),
    ],
)
def test_what_is_wrong_is_one_line(hub: Hub, tmp_path: Path, source: str, says: str) -> None:
    done = dellm(hub, "add", source, "--folder", "models", cwd=tmp_path)
    assert done.returncode == 1
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def ollama_store(folder: Path, content: bytes, digest: str | None = None) -> Path:
    digest = digest or hashlib.sha256(content).hexdigest()
    manifest = folder / "manifests" / "registry.ollama.ai" / "library" / "llama3.2" / "3b"
    manifest.parent.mkdir(parents=True)
    layers = [
        {"mediaType": "application/vnd.ollama.image.license", "digest": "sha256:" + "1" * 64, "size": 1},
        {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}", "size": len(content)},
    ]
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": layers}))
    blob = folder / "blobs" / f"sha256-{digest}"
    blob.parent.mkdir()
    blob.write_bytes(content)
    return blob


def test_a_model_of_ollama_is_linked(content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blob = ollama_store(tmp_path / "store", content)
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "store"))
    stages: list[str] = []
    path = add("ollama:llama3.2:3b", tmp_path / "models", on_progress=lambda stage, *_: stages.append(stage))
    assert path == tmp_path / "models" / "llama3.2-3b.gguf"
    assert path.is_symlink()
    assert path.resolve() == blob.resolve()
    assert set(stages) == {"verify"}
    assert list_ollama_models(tmp_path / "store") == ["llama3.2:3b"]
    with pytest.raises(OllamaError, match=r"not in .*store; there are llama3.2:3b"):
        find_ollama_model("llama3.2")
    with pytest.raises(OllamaError, match="not a name"):
        find_ollama_model("../../etc:passwd")


def test_a_blob_that_is_not_what_its_name_says_is_refused(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ollama_store(tmp_path / "store", content, "2" * 64)
    monkeypatch.setenv("OLLAMA_MODELS", str(tmp_path / "store"))
    with pytest.raises(AddError, match="expected sha256 2222"):
        add("ollama:llama3.2:3b", tmp_path / "models")


def test_a_path_is_linked_and_nothing_is_put_in_anothers_place(content: bytes, tmp_path: Path) -> None:
    source = tmp_path / "mine.gguf"
    source.write_bytes(content)
    folder = tmp_path / "models"
    assert add(str(source), folder).resolve() == source
    add(str(source), folder)
    other = tmp_path / "other" / "mine.gguf"
    other.parent.mkdir()
    other.write_bytes(content + b"more")
    with pytest.raises(AddError, match="in the way"):
        add(str(other), folder)
    impostor = tmp_path / "smollm2-135m-instruct-q4_1.gguf"
    impostor.write_bytes(content)
    with pytest.raises(ModelError, match=r"in the way|truncated"):
        add(str(impostor), folder)
    assert (folder / "mine.gguf").resolve() == source


def test_a_file_in_the_folder_is_recorded_where_it_is(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "mine.gguf").write_bytes(content)
    path = add(str(tmp_path / "mine.gguf"), tmp_path)
    assert not path.is_symlink()
    assert [model.name for model, _ in list_added(tmp_path)] == ["mine"]


def test_suggestions_name_what_add_takes() -> None:
    suggestions = list_suggestions()
    assert len({model.name for model in suggestions}) == len(suggestions) > 8
    assert all(model.source.count(":") == 2 and model.file.endswith(".gguf") for model in suggestions)
    assert {model.licence for model in suggestions} == {"Apache-2.0", "MIT", "Gemma (a licence of its own)"}
