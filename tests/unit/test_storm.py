from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

from tests.storm.kills import elections
from tests.storm.report import report


def reply(status: str, *, plan_s: float = 0.1, code: str | None = None) -> bytes:
    timings = {"plan_s": plan_s, "nodes_s": 0.2, "assembly_s": 0.1, "synthesis_s": 0.1, "total_s": plan_s + 0.4}
    error = {"code": code, "message": "why"} if code else None
    return json.dumps({"status": status, "timings": None if code else timings, "error": error}).encode()


def test_what_became_of_each_query_is_counted() -> None:
    replies = {
        "a": [reply("complete"), reply("complete")],
        "b": [reply("complete"), reply("partial")],
        "c": [reply("failed", code="deadline")],
        "d": [reply("partial")],
    }
    took_s = {"a": 0.5, "b": 1.0, "c": 4.0, "d": 2.0}
    found = report("kills", ["a", "b", "c", "d", "e"], replies, took_s, seconds=10, struck={"node": 2, "decomposer": 1})
    assert (found.complete, found.partial, found.failed) == (2, 1, 1)
    assert found.errors == {"deadline": 1}
    assert found.lost == ["e"]
    assert found.doubled == ["b"]
    assert (found.p50_s, found.longest_s) == (2.0, 4.0)
    assert found.faults(least_complete=0.4) == ["1 lost, such as e", "1 answered in two ways, such as b"]
    assert "struck       3 (1 decomposer, 2 node)" in found.lines()


def test_too_few_full_answers_are_a_fault() -> None:
    found = report("kills", ["a"], {"a": [reply("failed", code="internal")]}, {"a": 1.0}, seconds=1, struck={})
    assert found.faults(least_complete=0.99) == ["0 of 1 complete, where 99% should be"]
    assert found.faults(least_complete=0) == []


def test_the_slowest_are_told_by_stage() -> None:
    replies = {str(i): [reply("complete", plan_s=float(i))] for i in range(10)}
    found = report("kills", list(replies), replies, {str(i): i + 1.4 for i in range(10)}, seconds=1, struck={})
    assert found.slowest["plan"] == 9.0
    assert round(found.slowest["delivery"], 6) == 1.0


def test_an_election_lasts_until_the_last_group_has_a_leader(tmp_path: Path) -> None:
    death = datetime(2026, 11, 24, 12, 0, 0)  # noqa: DTZ001  # as a server writes its log
    line = "[7] {} [INF] JetStream cluster new {} leader for '$G > STORM{}'"
    at = [(death + timedelta(seconds=after)).strftime("%Y/%m/%d %H:%M:%S.%f") for after in (4.5, 6.25, 30)]
    log = tmp_path / "a.log"
    other = "[7] 2026/11/24 12:00:05.000000 [INF] JetStream cluster new metadata leader: dellm-1/c"
    lines = [line.format(at[0], "stream", ""), other, line.format(at[1], "consumer", " > assembler")]
    log.write_text("\n".join([*lines, line.format(at[2], "stream", "")]))
    assert elections([log], [death]) == [6.25]
    assert elections([log], [death + timedelta(seconds=10)]) == []
