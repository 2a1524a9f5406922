"""Show a reply, and say by the exit code how it ended."""

from __future__ import annotations

import sys
from typing import NoReturn

import click
import msgspec

from schemas.messages import Reply
from schemas.terms import Status
from services.cli.markdown import rendered
from services.cli.options import err, out

EXIT_CODES = {Status.COMPLETE: 0, Status.PARTIAL: 2, Status.FAILED: 1}


def show(reply: Reply, *, as_json: bool) -> NoReturn:
    """Print the whole reply as JSON, or its answer with how it came about on standard error, and exit."""
    if as_json:
        click.echo(msgspec.json.encode(reply))
    else:
        tell(reply)
    sys.exit(EXIT_CODES[reply.status])


def tell(reply: Reply) -> None:
    """Print an answer, rendered in a terminal and raw when piped, and what should be known of it."""
    if reply.error is not None:
        err().print(f"{reply.error.code.value}: {reply.error.message}", style="red", markup=False)
        return
    if sys.stdout.isatty():
        out().print(rendered(reply.answer), soft_wrap=False)
    else:
        click.echo(reply.answer)
    for line, style in _footer(reply):
        err().print(line, style=style, markup=False)


def plural(count: int, noun: str) -> str:
    """Count a noun: "1 chunk", "2 chunks"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _footer(reply: Reply) -> list[tuple[str, str]]:
    """Give lines with their styles: what the answer lacks, and how it came about."""
    lines = [(note, "yellow") for note in reply.notes]
    if reply.status is Status.PARTIAL:
        lacking = [
            f"chunk {outcome.index + 1}: {missing.node} ({missing.reason})"
            for outcome in reply.chunks
            for missing in outcome.missing
        ]
        lacking += [
            f"chunk {outcome.index + 1}: {outcome.reason}"
            for outcome in reply.chunks
            if outcome.reason and outcome.decided != "unsure"
        ]
        lines += [(f"partial: {'; '.join(lacking)}", "yellow")] if lacking else []
    checks = [check for outcome in reply.chunks for check in outcome.checks]
    if checks:
        told = "; ".join(f"{'✗' if check.reason else '✓'} {check.demand}" for check in checks)
        lines.append((f"checks: {told}", "yellow" if any(check.reason for check in checks) else "dim"))
    lines.append((_summary(reply), "dim"))
    return lines


def _summary(reply: Reply) -> str:
    parts = [reply.status.value]
    if (times := reply.timings) is not None:
        stages = {"plan": times.plan_s, "nodes": times.nodes_s, "assembly": times.assembly_s}
        stages["synthesis"] = times.synthesis_s
        told = ", ".join(f"{name} {seconds:.1f}" for name, seconds in stages.items() if seconds >= 0.05)  # noqa: PLR2004  shown
        parts.append(f"in {times.total_s:.1f} s{f' ({told})' if told else ''}")
    num_votes = sum(len(outcome.votes) for outcome in reply.chunks)
    parts.append(f" {plural(len(reply.chunks), 'chunk')}, {plural(num_votes, 'vote')}")
    voted = [outcome.confidence for outcome in reply.chunks if num_votes and outcome.kind not in ("text", "code")]
    if voted:
        parts.append(f" confidence {' '.join(f'{confidence:.2f}' for confidence in voted)}")
    if num_cached := sum(outcome.decided == "cached" for outcome in reply.chunks):
        parts.append(f" {num_cached} from the cache")
    if (wording := reply.synthesis) is not None and len(reply.chunks) > 1:
        parts.append(f" wording: {wording.method}{f' ({wording.reason})' if wording.reason else ''}")
    return f"{' '.join(parts)}  id {reply.id}"
