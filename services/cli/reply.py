"""Show a reply, and say by the exit code how it ended."""

from __future__ import annotations

import sys
from typing import NoReturn

import click
import msgspec

from schemas.messages import Reply
from schemas.terms import Status
from services.cli.options import err, out

EXIT_CODES = {Status.COMPLETE: 0, Status.PARTIAL: 2, Status.FAILED: 1}


def show(reply: Reply, *, as_json: bool) -> NoReturn:
    """Print the whole reply as JSON, or its answer with how it came about on standard error, and exit."""
    if as_json:
        click.echo(msgspec.json.encode(reply))
    elif reply.error is not None:
        err().print(f"{reply.error.code.value}: {reply.error.message}", style="red", markup=False)
    else:
        out().print(reply.answer, markup=False)
        for line, style in _footer(reply):
            err().print(line, style=style, markup=False)
    sys.exit(EXIT_CODES[reply.status])


def _footer(reply: Reply) -> list[tuple[str, str]]:
    """Give lines with their styles: what the answer lacks, and how it came about."""
    lines = []
    if reply.status is Status.PARTIAL:
        lacking = [
            f"chunk {outcome.index + 1}: {missing.node} ({missing.reason})"
            for outcome in reply.chunks
            for missing in outcome.missing
        ]
        lacking += [f"chunk {each.index + 1}: {each.reason}" for each in reply.chunks if each.reason]
        lines.append((f"partial: {'; '.join(lacking)}", "yellow"))
    parts = [reply.status.value]
    if (times := reply.timings) is not None:
        stages = {"plan": times.plan_s, "nodes": times.nodes_s, "assembly": times.assembly_s}
        stages["synthesis"] = times.synthesis_s
        told = ", ".join(f"{name} {seconds:.2f}" for name, seconds in stages.items())
        parts.append(f"in {times.total_s:.1f} s ({told})")
    parts.append(f" {len(reply.chunks)} chunks, {sum(len(each.votes) for each in reply.chunks)} votes")
    if num_cached := sum(each.decided == "cached" for each in reply.chunks):
        parts.append(f" {num_cached} from the cache")
    if (wording := reply.synthesis) is not None:
        parts.append(f" wording: {wording.method}{f' ({wording.reason})' if wording.reason else ''}")
    lines.append((f"{' '.join(parts)}  id {reply.id}", "dim"))
    return lines
