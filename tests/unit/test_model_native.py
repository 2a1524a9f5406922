"""What llama.cpp can keep on a GPU."""

from __future__ import annotations

import logging

import pytest

from models.llama import LlamaEngine
from models.native import llama_cpp


@pytest.mark.parametrize(("has_gpu", "wanted", "used"), [(True, 20, 20), (True, -1, -1), (True, 0, 0), (False, 0, 0)])
def test_what_is_wanted_is_used_where_there_is_a_gpu(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, *, has_gpu: bool, wanted: int, used: int
) -> None:
    monkeypatch.setattr(llama_cpp, "llama_supports_gpu_offload", lambda: has_gpu)
    assert LlamaEngine(gpu_layers=wanted).gpu_layers == used
    assert not caplog.records


@pytest.mark.parametrize("wanted", [20, -1])
def test_where_there_is_no_gpu_nothing_is_kept_on_it_and_that_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, wanted: int
) -> None:
    caplog.set_level(logging.WARNING)
    monkeypatch.setattr(llama_cpp, "llama_supports_gpu_offload", lambda: False)
    engine = LlamaEngine(threads=3, gpu_layers=wanted)
    assert (engine.threads, engine.gpu_layers) == (3, 0)
    (record,) = caplog.records
    assert record.getMessage() == f"gpu_layers is {wanted}, but this llama.cpp has no GPU: all is computed on the CPU"
