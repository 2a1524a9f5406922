from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from services.cli.plan import plan

TOPOLOGY = Path(__file__).parents[2] / "topology.json"
CHAIN = "Compute 14 times 6, then add 9 to the result. Who wrote Emma?"


def planned(*args: str) -> str:
    done = CliRunner().invoke(plan, ["--offline", "--topology", str(TOPOLOGY), *args], env={"COLUMNS": "160"})
    assert done.exit_code == 0, done.output
    return done.output


def test_a_chain_counts_as_one_chunk() -> None:
    row = json.loads(planned("--json", CHAIN))
    assert row["chunks"] == ["Compute 14 times 6, then add 9 to the result.", "Who wrote Emma?"]
    assert [[chunk["text"] for chunk in group] for group in row["stages"]] == [
        ["Compute 14 times 6", "add 9 to the result."],
        ["Who wrote Emma?"],
    ]
    first, second = row["stages"][0]
    assert (first["depends_on"], second["depends_on"]) == ([], [0])
    assert first["nodes"]
    assert second["nodes"] == [], "a later stage is routed when its turn comes"


def test_the_table_shows_what_a_stage_waits_for() -> None:
    (line,) = [line for line in planned(CHAIN).splitlines() if "add 9" in line]
    assert line.split()[0] == "2"
    assert "(after 1)" in line
