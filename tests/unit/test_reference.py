"""What names a model, and how what it says is read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.engine import ModelError
from models.reference import RemoteModel, key_variable, model_name, parse_reference


def test_a_path_is_relative_to_the_folder() -> None:
    assert parse_reference("models/a.gguf", Path("/there")) == Path("/there/models/a.gguf")
    assert model_name(parse_reference("models/a.gguf")) == "a"


@pytest.mark.parametrize(
    ("text", "url", "name"),
    [
        ("openai:http://host:8080/v1#qwen", "http://host:8080/v1", "qwen"),
        ("openai:https://[::1]:8443/v1/#llama3.2:3b", "https://[::1]:8443/v1", "llama3.2:3b"),
        ("openai:http://host/v1#Qwen/Qwen3-4B", "http://host/v1", "Qwen/Qwen3-4B"),
    ],
)
def test_a_server_and_its_model(text: str, url: str, name: str) -> None:
    reference = parse_reference(text, Path("/there"))
    assert reference == RemoteModel(url, name)
    assert model_name(reference) == name
    assert parse_reference(str(reference)) == reference


@pytest.mark.parametrize(
    "text",
    [
        "openai:",
        "openai:host:80/v1#m",
        "openai:http://#m",
        "openai:http://h:99999/v1#m",
        "openai:http://h/v1",
        "openai:ftp://h#m",
    ],
)
def test_what_is_no_reference_is_told(text: str) -> None:
    with pytest.raises(ModelError, match="must be openai:http://HOST:PORT/v1#NAME"):
        parse_reference(text)


def test_a_key_in_an_address_is_refused_and_not_repeated() -> None:
    with pytest.raises(ModelError, match="variable DELLM_KEY_HOST_80") as raised:
        parse_reference("openai:http://me:s3cret@host:80/v1#m")
    assert "s3cret" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "variable"),
    [
        ("http://gpu.lan:8000/v1", "DELLM_KEY_GPU_LAN_8000"),
        ("https://host/v1", "DELLM_KEY_HOST"),
        ("http://[::1]:1/v1", "DELLM_KEY___1_1"),
    ],
)
def test_each_server_has_a_key_of_its_own(url: str, variable: str) -> None:
    assert key_variable(url) == variable


@given(st.text())
def test_any_text_is_a_reference_or_refused_in_one_line(text: str) -> None:
    told = ""
    try:
        parse_reference(f"openai:{text}")
    except ModelError as error:
        told = str(error)
    assert len(told.splitlines()) <= 1
