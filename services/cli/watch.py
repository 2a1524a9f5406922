"""`dellm watch`: what happens to every query, a line a step, as it happens."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import click
import msgspec

from services.cli.options import Target, bus_options, out, run
from services.cli.progress import excerpt
from services.cli.reply import plural

ID_CHARS = 8
# Steps that say nothing to a person; --json has them.
HIDDEN = frozenset({"timer", "pace", "deadline", "due", "revised", "task", "response", "drafts", "sealed"})
STYLES = {"plan": "cyan", "result": "blue", "decided": "green", "assembled": "green", "answer": "bold", "dead": "red"}


@click.command()
@click.argument("id_", metavar="[ID]", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print each event as one JSON object, all of them.")
@bus_options
def watch(id_: str | None, as_json: bool, target: Target) -> None:
    """Print what happens to all queries, or to the query ID, until interrupted."""
    run(_watch(id_, target, as_json=as_json))


async def _watch(id_: str | None, target: Target, *, as_json: bool) -> None:
    console = out()
    async with target.open() as bus, bus.tap(bus.space.event(">")) as heard:
        while True:
            address, payload = await heard.get()
            subject = address.removeprefix(bus.space.event(""))
            if id_ is not None and id_ not in subject.split("."):
                continue
            body = _decoded(payload)
            if as_json:
                click.echo(msgspec.json.encode({"subject": subject, "message": body}))
                continue
            step, _, rest = subject.partition(".")
            if step in HIDDEN or not isinstance(body, dict):
                continue
            clock = f"{datetime.now().astimezone():%H:%M:%S}"
            query = str(body.get("id") or rest)[:ID_CHARS]
            style = STYLES.get(step, "")
            console.print(f"[dim]{clock} {query:<{ID_CHARS}}[/] [{style or 'default'}]{step:<9}[/]", end=" ")
            console.print(_told(step, body), markup=False)


def _decoded(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload) if payload else {}
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return {"error": f"{len(payload)} bytes that are no JSON"}


def _told(step: str, body: dict[str, Any]) -> str:  # noqa: PLR0911  a line per step
    """Say in words what a step brought."""
    match step:
        case "plan":
            chunks = body.get("chunks", [])
            kinds = ", ".join(str(chunk.get("kind")) for chunk in chunks)
            return f"{excerpt(str(body.get('query', '')))}  ({plural(len(chunks), 'chunk')}: {kinds})"
        case "result" | "late":
            answers, chosen = body.get("answers", []), body.get("chosen")
            said = answers[chosen].get("final", "") if isinstance(chosen, int) and answers else body.get("error", "")
            seconds = body.get("latency_s", 0.0)
            return f"{body.get('node')} on chunk {body.get('chunk', 0) + 1} in {seconds:.1f} s: {excerpt(str(said))}"
        case "decided":
            return f"chunk {body.get('index', 0) + 1} ({body.get('decided')}): {excerpt(str(body.get('final') or ''))}"
        case "route":
            return f"more is wanted of chunk {body.get('chunk', 0) + 1}"
        case "assembled":
            return f"{body.get('status')}: {plural(len(body.get('outcomes', [])), 'chunk')} decided"
        case "answer":
            error = body.get("error") or {}
            seconds = (body.get("timings") or {}).get("total_s")
            took = f" in {seconds:.1f} s" if seconds is not None else ""
            return f"{body.get('status')}{took}: {excerpt(str(error.get('message') or body.get('answer', '')))}"
        case _:
            shown = ("good", "answer", "reason", "error", "subject")
            return re.sub(r"\s+", " ", "  ".join(f"{key}={body[key]}" for key in shown if body.get(key) is not None))
