from __future__ import annotations

import json
import subprocess
import sys

import pytest

from schemas.messages import Result
from schemas.plans import Task
from schemas.subjects import RESULT, TABLE, TASK, Space, Store


def test_a_subject_is_made_of_its_message() -> None:
    task = Task(id="q1", chunk=2, node="n1", text="?", kind="problem", replica=0, deadline_at=0)
    assert TASK.name(task) == "task.n1.q1.2"


def test_unnamed_tokens_are_wild() -> None:
    assert RESULT.at(id="q1") == "result.q1.*.*"


@pytest.mark.parametrize("id_", ["a.b", "a b", "*", ">", "", "x" * 65, "ü", "a\n"])
def test_tokens_must_be_safe(id_: str) -> None:
    result = Result(id=id_, chunk=0, node="n", replica=0, started_at=0, latency_s=0)
    with pytest.raises(ValueError, match="1 to 64"):
        RESULT.name(result)
    with pytest.raises(ValueError, match="prefix"):
        Space(id_)


def test_each_row_has_one_message_and_its_tokens_are_fields() -> None:
    assert len({row.pattern for row in TABLE if row.store in (Store.CORE, Store.STREAM)}) == sum(
        row.store in (Store.CORE, Store.STREAM) for row in TABLE
    )
    for row in TABLE:
        assert set(row.fields) <= set(row.message.__struct_fields__), row.pattern


def test_the_request_subject_is_in_no_stream() -> None:
    stream = [row.at() for row in TABLE if row.store is Store.STREAM]
    assert not [row for row in stream if row.split(".")[0] == "query"]


def test_json_schema_of_every_message() -> None:
    done = subprocess.run([sys.executable, "-m", "schemas"], capture_output=True, check=True)
    document = json.loads(done.stdout)
    assert len(document["subjects"]) == len(TABLE)
    assert document["subjects"]["dellm.query"] == {"$ref": "#/$defs/Query"}
    assert document["$defs"]["Query"]["properties"]["timeout_s"]["maximum"] == 600
