"""How a model's tokens are drawn: the catalogue's word, the file's, or the default."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict

from models.advice import advice
from models.catalogue import Sampling, list_models
from models.engine import Request, turns
from models.metadata import Value, read_metadata, read_template
from tests.gguf_files import gguf

QWEN = Sampling(temperature=0.7, top_p=0.8, top_k=20, min_p=0.0, repeat_penalty=1.1)


def test_every_model_of_the_catalogue_has_advice() -> None:
    assert all(model.sampling for model in list_models())


@pytest.mark.parametrize("name", ["qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", "qwen2.5-coder-1.5b-instruct-q4_0.gguf"])
def test_the_catalogue_knows_a_file_whatever_its_type(name: str) -> None:
    assert advice(Path("nowhere") / name) == QWEN


def test_the_file_says_it_where_the_catalogue_does_not(tmp_path: Path) -> None:
    path = gguf(
        tmp_path / "other-q8_0.gguf",
        {
            "general.architecture": "llama",
            "general.tags": [1, 2, 3],
            "general.sampling.temp": 0.6,
            "general.sampling.top_k": 30,
            "tokenizer.ggml.model": "gpt2",
        },
    )
    assert advice(path) == Sampling(temperature=0.6, top_k=30)


@pytest.mark.parametrize("values", [{}, {"general.sampling.top_p": 7.0}, {"general.sampling.temp": "hot"}])
def test_else_there_is_a_default(tmp_path: Path, values: dict[str, Value | list[int]]) -> None:
    assert advice(gguf(tmp_path / "other.gguf", values)) == Sampling()
    assert advice(tmp_path / "missing.gguf") == Sampling()


@given(st.binary(max_size=200))
def test_a_damaged_file_is_told(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "damaged.gguf"
    for head in (b"", struct.pack("<4sIQQ", b"GGUF", 3, 0, 5)):
        path.write_bytes(head + content)
        with pytest.raises(ValueError, match=r"not a GGUF file of version 2 or 3|its metadata is damaged"):
            read_metadata(path)
        with pytest.raises(ValueError, match=r"not a GGUF file of version 2 or 3|its metadata is damaged"):
            read_template(path)
        assert advice(path) == Sampling()


def test_the_chat_template_stands_behind_the_tokenizers_lists(tmp_path: Path) -> None:
    values: dict[str, Value | list[int]] = {"general.tags": [1, 2], "tokenizer.ggml.tokens": [1] * 5000}
    assert read_template(gguf(tmp_path / "with.gguf", {**values, "tokenizer.chat_template": "{{ x }}"})) == "{{ x }}"
    assert read_template(gguf(tmp_path / "without.gguf", values)) == ""


def test_a_request_takes_it_as_it_is() -> None:
    request = Request(model=Path("fake"), messages=turns("", "Hi"), max_tokens=1, **asdict(QWEN))
    assert (request.temperature, request.repeat_penalty) == (0.7, 1.1)
