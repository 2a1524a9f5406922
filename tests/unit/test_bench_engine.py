"""The arithmetic of `make bench-engine`; the measuring itself is not a test's business."""

import pytest

from tests.bench.comparison import LONG, WAVE, figures, ratios
from tests.bench.engine import PROMPTS, phases, queries_of
from tests.bench.jobs import Answer, Outcome


def test_the_project_has_prompts_enough_and_none_twice() -> None:
    queries = queries_of(PROMPTS)
    wave = queries.pop(WAVE)
    assert len(wave) > 3 * max(len(query) for query in queries.values())
    assert len(set(queries.values())) == len(queries) >= 33


def test_every_phase_has_its_requests_and_none_is_the_warm_up() -> None:
    fresh = [f"prompt {i}" for i in range(33)]
    *steady, long, wave = phases(fresh, "wave", [1, 4, 16, 32], rounds=2)
    assert [len(phase.prompts) for phase in (*steady, long)] == [6, 8, 32, 32, 3]
    assert all(len(set(phase.prompts)) == len(phase.prompts) for phase in (*steady, long))
    assert all(fresh[-1] not in phase.prompts for phase in steady)
    assert [phase.name for phase in (*steady, long, wave) if "engine-8" in phase.contenders] == ["16", "32"]
    assert wave.prompts == ["wave"] * 8
    assert len(set(wave.seeds or ())) == 8
    with pytest.raises(SystemExit, match="33 prompts are needed"):
        phases(fresh[1:], "wave", [32], rounds=2)


def outcome(tokens: int, wall_s: float, **counted: float) -> Outcome:
    answers = [
        Answer(first_s=0.1 * i, latency_s=float(i), prompt_tokens=50, completion_tokens=tokens) for i in range(1, 5)
    ]
    return Outcome(
        answers=answers,
        wall_s=wall_s,
        core_s=2 * wall_s,
        peak_rss_bytes=10**6,
        others_share=0.0,
        counted=counted,
    )


def test_figures() -> None:
    found = figures(outcome(64, 8.0, prefill_tokens_computed=120, steps=10, decode_s=0.99, python_s=0.01))
    assert (found["tokens_per_s"], found["tokens_per_core_s"]) == (32, 16)
    assert found["requests_per_s"] == 0.5
    assert found["latency_s_p99"] == 4
    assert found["first_s_p50"] == pytest.approx(0.25)
    assert (found["prefill_tokens_asked"], found["prefill_tokens_computed"]) == (200, 120)
    assert found["step_ms"] == pytest.approx(100)
    assert found["python_share"] == pytest.approx(0.01)


def test_ratios_leave_out_what_was_not_measured() -> None:
    found = {"8": {"engine": figures(outcome(64, 8.0)), "raw": figures(outcome(64, 7.0))}}
    (row,) = ratios(found)
    assert row == {
        "name": "engine / raw, tokens_per_s, concurrency 8",
        "ratio": 0.875,
        "target": 0.95,
        "met": False,
        "others": 0.0,
        "per_core": 0.875,
    }


def test_the_first_text_of_a_long_prompt_is_set_against_llama_servers() -> None:
    found = {LONG: {"engine": figures(outcome(64, 8.0)), "llama-server": figures(outcome(64, 8.0))}}
    (row,) = ratios(found)
    assert (row["ratio"], row["target"], row["met"]) == (1.0, 1.05, True)
