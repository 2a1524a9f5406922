"""What must hold before llama.cpp is asked: names, refusals, and the record that fetch and quantize share."""

import hashlib
from pathlib import Path

import pytest

from models import TYPES, Model, ModelError, QuantizeError, is_verified, list_models, list_quantized, quantize
from models.quantize import quantized_file
from models.record import Origin, describe, read_record, record

CONTENT = b"GGUF, or so it says"
SMOLLM = next(model for model in list_models() if model.name == "smollm2-135m")


def source(folder: Path) -> Model:
    model = Model(
        name="tiny",
        file="tiny-q8_0.gguf",
        bytes=len(CONTENT),
        sha256=hashlib.sha256(CONTENT).hexdigest(),
        licence="Apache-2.0",
        parameters=1,
        sources=(),
    )
    (folder / model.file).write_bytes(CONTENT)
    return model


@pytest.mark.parametrize(
    ("file", "made"),
    [
        ("qwen2.5-coder-0.5b-instruct-q4_k_m.gguf", "qwen2.5-coder-0.5b-instruct-q4_0.gguf"),
        ("smollm2-135m-instruct-q4_1.gguf", "smollm2-135m-instruct-q4_0.gguf"),
        ("Model.Q8_0.gguf", "Model-q4_0.gguf"),
        ("plain.gguf", "plain-q4_0.gguf"),
    ],
)
def test_the_type_at_the_end_of_the_name_gives_way(file: str, made: str) -> None:
    assert quantized_file(file, "Q4_0") == made


def test_an_unknown_type_is_refused_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(QuantizeError, match=r"^tiny: no type 'Q9_9'; there are .*Q4_0"):
        quantize(source(tmp_path), tmp_path, "Q9_9")


def test_the_type_it_has_already_is_refused(tmp_path: Path) -> None:
    with pytest.raises(QuantizeError, match=r"tiny-q8_0\.gguf is Q8_0 already$"):
        quantize(source(tmp_path), tmp_path, "Q8_0")


def test_a_missing_source_says_how_to_get_it_and_makes_no_folder(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    with pytest.raises(ModelError, match=r"No such file or directory; run: dellm models fetch smollm2-135m$"):
        quantize(SMOLLM, folder, "Q4_0")
    assert not folder.exists()


def test_a_damaged_source_is_refused(tmp_path: Path) -> None:
    model = source(tmp_path)
    (tmp_path / model.file).write_bytes(CONTENT[::-1])
    with pytest.raises(ModelError, match="expected sha256"):
        quantize(model, tmp_path, "Q4_0")


def test_a_file_that_was_not_made_here_is_not_replaced(tmp_path: Path) -> None:
    model = source(tmp_path)
    (tmp_path / "tiny-q4_0.gguf").write_bytes(b"somebody's own")
    with pytest.raises(QuantizeError, match=r"tiny-q4_0\.gguf is in the way, and was not made here; move it first$"):
        quantize(model, tmp_path, "Q4_0")
    assert (tmp_path / "tiny-q4_0.gguf").read_bytes() == b"somebody's own"


def test_what_llama_cpp_says_is_one_line_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(QuantizeError, match=r"^tiny: llama\.cpp cannot make it: \S.*") as error:
        quantize(source(tmp_path), tmp_path, "Q4_0", threads=1)
    assert "\n" not in str(error.value)
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "local.json",
        "lock",
        "tiny-q8_0.gguf",
    ]


def test_the_record_keeps_what_others_wrote(tmp_path: Path) -> None:
    model = source(tmp_path)
    fetched = tmp_path / model.file
    record(fetched, describe(fetched, model.sha256))
    made = tmp_path / "smollm2-135m-instruct-q4_0.gguf"
    made.write_bytes(CONTENT)
    origin = Origin(type="Q4_0", source=SMOLLM.file, source_sha256=SMOLLM.sha256)
    record(made, describe(made, "0" * 64, origin))
    assert is_verified(model, fetched)
    assert read_record(tmp_path)[made.name].quantized == origin
    (listed,) = list_quantized(tmp_path)
    assert (listed.model.name, listed.model.bytes, listed.origin) == ("smollm2-135m-q4_0", len(CONTENT), origin)
    assert is_verified(listed.model, made)
    made.unlink()
    assert list_quantized(tmp_path) == ()


def test_the_types_are_those_of_llama_cpp() -> None:
    llama_cpp = pytest.importorskip("llama_cpp")
    assert {name: getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{name}") for name in TYPES} == TYPES
