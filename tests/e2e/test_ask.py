"""The whole system as users run it: the command, a real nats-server, real SmolLM2."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import nats
import pytest

ROOT = Path(__file__).parents[2]
TOPOLOGY = ROOT / "deploy" / "topology-tiny.json"
QUESTION = "What is 2 plus 2, and what is the capital of France?"

pytestmark = pytest.mark.timeout(180)


def dellm(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    inherited = {key: value for key, value in os.environ.items() if key not in ("NATS_URL", "DELLM_LOG")}
    return subprocess.run(
        [sys.executable, "-m", "services.cli.main", *arguments],
        cwd=cwd,
        env={**inherited, "PYTHONPATH": str(ROOT), **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which `dellm up` runs."""
    folder = tmp_path_factory.mktemp("up")
    log = folder / "stderr"
    with log.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", "services.cli.main", "up", "--topology", str(TOPOLOGY)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=out,
        )
    give_up_at = time.monotonic() + 60
    while "ready at" not in log.read_text():
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < give_up_at, log.read_text()
        time.sleep(0.05)
    yield folder
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 0
    assert not (folder / ".dellm" / "url").exists()


def test_ask_embedded_starts_and_stops_everything(tmp_path: Path) -> None:
    done = dellm("ask", "--embedded", "--topology", str(TOPOLOGY), "--json", QUESTION, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    reply = json.loads(done.stdout)
    assert reply["status"] == "complete"
    assert len(reply["chunks"]) == 2
    votes = [vote for chunk in reply["chunks"] for vote in chunk["votes"]]
    assert {vote["model"] for vote in votes} - {"calculator"} == {"smollm2-135m-instruct-q4_1"}
    said = [answer for vote in votes for answer in vote["answers"]]
    assert all(answer["logprob"] < 0 and answer["completion_tokens"] > 0 for answer in said)
    assert not (tmp_path / ".dellm" / "url").exists()
    again = dellm("ask", "--json", QUESTION, cwd=tmp_path)
    assert again.returncode == 1
    assert "no DELLM is running here" in again.stderr


def test_an_ask_begun_beside_dellm_up_is_answered(tmp_path: Path) -> None:
    (tmp_path / ".dellm").mkdir()
    (tmp_path / ".dellm" / "url").write_text("nats://127.0.0.1:1")  # of one that was killed
    with (tmp_path / "stderr").open("w") as out:
        starting = subprocess.Popen(
            [sys.executable, "-m", "services.cli.main", "up", "--topology", str(TOPOLOGY)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stderr=out,
        )
    try:
        done = dellm("ask", "--max-tokens", "12", "Write a story about a cat.", cwd=tmp_path)
    finally:
        starting.send_signal(signal.SIGINT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert starting.wait(20) == 0


def test_ask_prints_the_answer_and_how_it_came_about(up: Path) -> None:
    done = dellm("ask", QUESTION, cwd=up)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()
    assert "\x1b" not in done.stdout, "plain when piped"
    assert "planned: 2 chunks" in done.stderr
    assert "complete in" in done.stderr


def test_a_text_is_whole_and_tells_what_cut_it_off(up: Path) -> None:
    done = dellm("ask", "--max-tokens", "12", "--json", "Write a story about a cat.", cwd=up)
    reply = json.loads(done.stdout)
    assert (done.returncode, reply["status"], reply["chunks"][0]["finish"]) == (0, "complete", "length")
    assert reply["notes"] == ["The answer was cut off: its tokens ran out."]
    assert "was cut off" in dellm("ask", "--max-tokens", "12", "Write a story about a cat.", cwd=up).stderr


def test_json_is_what_its_schema_says(up: Path, tmp_path: Path) -> None:
    schema = tmp_path / "schema.json"
    schema.write_text('{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}')
    done = dellm("ask", "--json-schema", str(schema), "Give me a number.", cwd=up)
    assert done.returncode == 0, done.stderr
    assert isinstance(json.loads(done.stdout)["n"], int)


def test_an_answer_is_found_by_the_beginning_of_its_id(up: Path) -> None:
    asked = dellm("ask", "--id", "beginning-of-one", "What is 2 plus 2?", cwd=up)
    assert dellm("answer", "beginning-of", cwd=up).stdout == asked.stdout


def test_chat_keeps_the_conversation(up: Path) -> None:
    said = subprocess.run(
        [sys.executable, "-m", "services.cli.main", "chat", "--max-tokens", "20"],
        cwd=up,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        input="Hello, I am Ann.\nAnd who am I?\n",
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert len(said.stdout.strip().splitlines()) >= 2
    turns = [json.loads(line) for line in (up / ".dellm" / "chat.jsonl").read_text().splitlines()]
    assert [turn["role"] for turn in turns] == ["user", "assistant"] * 2


def test_partial_is_2_and_failed_is_1(up: Path) -> None:
    text = "Write a very long story about a dragon, with all that it did in every year of its life."
    done = dellm("ask", "--timeout", "1", text, cwd=up)
    assert done.returncode in (1, 2), done.stderr
    refused = dellm("ask", "--timeout", "1", "--on-partial", "refuse", "--json", text, cwd=up)
    assert refused.returncode == 1
    assert json.loads(refused.stdout)["error"]["code"] == "deadline"


def test_answer_feedback_and_status(up: Path) -> None:
    asked = dellm("ask", "--json", "--id", "mine", "What is the capital of France?", cwd=up)
    assert asked.returncode == 0, asked.stderr
    fetched = dellm("answer", "mine", "--json", cwd=up)
    assert json.loads(fetched.stdout) == json.loads(asked.stdout)
    assert dellm("answer", "mine", cwd=up).stdout.strip() == json.loads(asked.stdout)["answer"]
    assert dellm("feedback", "mine", "--good", cwd=up).returncode == 0
    assert "had ended already" in dellm("cancel", "mine", cwd=up).stdout
    status = json.loads(dellm("status", "--json", cwd=up).stdout)
    assert {service["name"] for service in status["services"]} == {
        f"dellm-{name}" for name in ("decomposer", "node", "assembler", "synthesizer", "trainer", "gateway", "operator")
    }
    assert [node["presence"]["node"] for node in status["nodes"]] == ["node-1", "node-2", "node-3"]
    assert any(node["fitness"]["overall"]["count"] for node in status["nodes"] if node["fitness"])
    assert {"assembler", "trainer", "node-node-1"} <= {consumer["durable"] for consumer in status["consumers"]}
    presence = status["nodes"][0]["presence"]
    (use,) = presence["use"].values()
    assert use["prompt_tokens"] >= use["computed_tokens"] > 0
    assert presence["resident_bytes"] > use["weight_bytes"] + use["cache_bytes"] > 100e6
    plain = dellm("status", cwd=up).stdout
    assert "node-3" in plain
    assert f"{presence['process']} holds " in plain
    assert plain.count("smollm2-135m-instruct-q4_1  ") == 1, "the figures of a process are told once"


def test_cancel_ends_a_running_query(up: Path) -> None:
    inherited = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "services.cli.main", "ask", "--json", "--id", "long"]
    text = "Write a long story about a dragon; Write a long story about a knight; Write a long story about a cat"
    asked = subprocess.Popen([*command, text], cwd=up, env=inherited, stdout=subprocess.PIPE, text=True)
    give_up_at = time.monotonic() + 30
    while "there is no query" in (cancelled := dellm("cancel", "long", cwd=up)).stderr:
        assert time.monotonic() < give_up_at
    assert cancelled.stdout.strip() == "query long: cancelled"
    stdout, _ = asked.communicate(timeout=30)
    assert asked.returncode == 1
    assert json.loads(stdout)["error"]["code"] == "cancelled"


def test_watch_shows_events(up: Path) -> None:
    inherited = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-u", "-m", "services.cli.main", "watch", "--json"]
    with subprocess.Popen(command, cwd=up, env=inherited, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        time.sleep(2)  # until it listens; it says nothing before the first event
        assert dellm("ask", "--id", "seen", "What is the capital of Italy?", cwd=up).returncode == 0
        subjects = []
        for line in watching.stdout:
            subjects.append(json.loads(line)["subject"])
            if subjects[-1] == "answer.seen":
                break
        watching.terminate()  # a shell's background job may have SIGINT ignored
    assert subjects[0] == "plan.seen"
    assert "assembled.seen" in subjects


def test_plan_live_and_offline(up: Path, tmp_path: Path) -> None:
    live = json.loads(dellm("plan", "--json", QUESTION, cwd=up).stdout)
    offline = dellm("plan", "--offline", "--topology", str(TOPOLOGY), "--json", QUESTION, cwd=tmp_path)
    assert live["chunks"] == json.loads(offline.stdout)["chunks"] == QUESTION.split(", and ")
    rows = tmp_path / "rows.jsonl"
    rows.write_text(f'{{"query": "What is DNA?", "more": 1}}\n{{"query": "{QUESTION}"}}\n')
    done = dellm("plan", "--offline", "--topology", str(TOPOLOGY), "--file", str(rows), cwd=tmp_path)
    assert [len(json.loads(line)["chunks"]) for line in done.stdout.splitlines()] == [1, 2]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["ask"], 64, "give a QUERY, or pipe one in"),
        (["ask", ""], 64, "give a QUERY, or pipe one in"),
        (["ask", "--temperature", "9", "What is DNA?"], 64, "'--temperature': Expected `float` <= 2.0"),
        (["ask", "--json-schema", "none.json", "What is DNA?"], 64, "none.json: No such file"),
        (["ask", "--topology", "none.json", "What is DNA?"], 64, "--topology goes with --embedded"),
        (["ask", "--run-code", "What is DNA?"], 64, "--run-code goes with --embedded"),
        (["chat", "--continue"], 1, "there is nothing to go on with"),
        (["ask", "--timeout", "0", "What is DNA?"], 64, "'--timeout': Expected `float` >= 1.0"),
        (["ask", "--id", "a.b", "What is DNA?"], 64, "'--id': Expected"),
        (["ask", "--stop", "", "What is DNA?"], 64, "'--stop': Expected `str` of length >= 1"),
        (["ask", "--max-tokens", "many", "What is DNA?"], 64, "'--max-tokens': 'many' is not a valid integer"),
        (["cancel", "q1", "--reason", "x" * 201], 64, "'--reason': Expected `str` of length <= 200"),
        (["feedback", "q1", "--answer", "x" * 4097], 64, "'--answer': Expected `str` of length <= 4096"),
        (["up", "--max-in-flight", "0"], 64, "--max-in-flight: Expected `int` >= 1"),
        (["ask", "--colour", "red", "What is DNA?"], 64, "No such option"),
        (["ask", "--nats", "nats://127.0.0.1:1", "What is DNA?"], 1, "cannot connect to NATS at nats://127.0.0.1:1"),
        (["ask", "--prefix", "a.b", "What is DNA?"], 64, "--prefix"),
        (["ask", "--embedded", "--topology", "none.json", "What is DNA?"], 1, "none.json: No such file"),
        (["plan"], 64, "give either QUERY or --file"),
        (["plan", "--offline", "--file", "none.jsonl"], 1, "none.jsonl: No such file"),
        (["feedback", "q1"], 64, "--good, --bad or --answer"),
        (["answer", "a b"], 64, "ID 'a b' must be"),
        (["status"], 1, "no DELLM is running here"),
        (["models", "fetch"], 64, "name a model"),
        (["models", "fetch", "gpt-17"], 64, "the catalogue has no model 'gpt-17'"),
        (["models", "verify", "smollm2-135m"], 1, "No such file"),
    ],
)
def test_bad_input_gets_one_line(tmp_path: Path, arguments: list[str], code: int, says: str) -> None:
    done = dellm(*arguments, cwd=tmp_path)
    assert says in done.stderr
    assert done.returncode == code
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


def test_a_topology_whose_model_is_missing_says_how_to_fetch_it(tmp_path: Path) -> None:
    shutil.copy(ROOT / "topology.json", tmp_path)
    done = dellm("up", cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.strip().endswith("run: dellm models fetch qwen2.5-coder-1.5b")
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_second_up_in_the_same_folder_is_refused(up: Path) -> None:
    done = dellm("up", "--topology", str(TOPOLOGY), cwd=up)
    assert done.returncode == 1
    assert "is in use by another `dellm up`" in done.stderr


def test_after_a_kill_the_next_up_finds_its_store_free(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "services.cli.main", "up", "--service", "decomposer", "--topology", str(TOPOLOGY)]
    inherited = {**os.environ, "PYTHONPATH": str(ROOT)}
    for number in (signal.SIGKILL, signal.SIGTERM):
        log = tmp_path / f"stderr-{number}"
        with log.open("w") as out:
            process = subprocess.Popen(command, cwd=tmp_path, env=inherited, stderr=out)
        give_up_at = time.monotonic() + 30
        while "ready at" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        process.send_signal(number)
        process.wait(20)


@asynccontextmanager
async def service(name: str, url: str, keys: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run one service alone, as on a machine of its own, with its own key."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "services", name, "--nats", url, "--keys", str(keys)),
        *(("--topology", str(TOPOLOGY)) if name in ("node", "synthesizer") else ()),
        env={**os.environ, "PYTHONPATH": str(ROOT), "DELLM_LOG": "error"},
        cwd=TOPOLOGY.parent,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        assert await asyncio.wait_for(process.wait(), 20) == 0, f"{name} stops in order"


async def test_each_service_in_a_process_of_its_own(tmp_path: Path) -> None:
    from schemas.topology import load  # noqa: PLC0415
    from services.runtime.server import embedded_server  # noqa: PLC0415

    async with AsyncExitStack() as stack:
        nodes = [node.id for node in load(TOPOLOGY).nodes]
        server = await stack.enter_async_context(embedded_server(tmp_path, nodes=nodes))
        assert server.keys is not None
        made = dellm("auth", "provision", "--nats", server.url, "--keys", str(server.keys), cwd=tmp_path)
        assert made.returncode == 0, made.stderr
        for name in ("decomposer", "assembler", "trainer", "node", "synthesizer"):
            await stack.enter_async_context(service(name, server.url, server.keys))
        client = await nats.connect(server.guest)
        reply = {"status": "failed"}
        give_up_at = time.monotonic() + 60
        while reply["status"] != "complete":
            assert time.monotonic() < give_up_at, reply
            await asyncio.sleep(0.2)
            try:
                msg = await client.request("dellm.query", json.dumps({"query": QUESTION}).encode(), timeout=60)
            except nats.errors.NoRespondersError:
                continue
            reply = json.loads(msg.data)
        await client.close()
    assert len(reply["chunks"]) == 2
