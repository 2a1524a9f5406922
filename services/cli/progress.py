"""A query's progress, from its events: live in a terminal, a line a stage when piped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Self

import msgspec
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from schemas.messages import Assembled, ChunkOutcome, Piece, Result
from schemas.plans import Plan
from schemas.subjects import ASSEMBLED, PIECE, PLAN, RESULT, Store
from services.cli.markdown import rendered
from services.cli.reply import plural
from services.runtime.bus import Bus
from services.runtime.wire import decode

MARKS = {
    "all": "[green]✓[/]",
    "early": "[green]✓[/]",
    "cached": "[green]✓[/]",
    "deadline": "[yellow]…[/]",
    "none": "[red]✗[/]",
    "unsure": "[red]?[/]",
}
EXCERPT_CHARS = 72


class Progress:
    """What is known of one query, and how it looks.  Used as a context manager around the waiting."""

    def __init__(self, console: Console, *, on_terminal: bool = True) -> None:
        self._console = console
        self._renders = on_terminal
        self._spinner = Spinner("dots", "planning")
        self._plan: Plan | None = None
        self._results: dict[tuple[int, str], Result] = {}
        self._outcomes: dict[int, ChunkOutcome] = {}
        self._written = ""
        self._live = Live(console=console, get_renderable=self._render, refresh_per_second=8, transient=True)

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.stop()
        if self._console.is_terminal and self._plan is not None:
            self._console.print(self._table(self._plan))

    def on_plan(self, plan: Plan) -> None:
        """Note that the query is cut and routed."""
        self._plan = plan
        num_chunks, num_tasks = plural(len(plan.chunks), "chunk"), plural(len(plan.assignments), "task")
        self._say(f"planned: {num_chunks}, {num_tasks}  id {plan.id}")

    def on_result(self, result: Result) -> None:
        """Note that a node has answered."""
        self._results[result.chunk, result.node] = result
        self._say(f"{result.node} answered chunk {result.chunk + 1} in {result.latency_s:.1f} s")

    def on_assembled(self, assembled: Assembled) -> None:
        """Note that all votes are counted."""
        self._outcomes = {outcome.index: outcome for outcome in assembled.outcomes}
        self._say(f"assembled: {assembled.status.value}")

    def on_piece(self, piece: Piece) -> None:
        """Add a piece of the answer, or begin it anew."""
        self._written = piece.text if piece.revised else self._written + piece.text

    def _say(self, line: str) -> None:
        if not self._console.is_terminal:
            self._console.print(line, style="dim", markup=False)

    def _render(self) -> RenderableType:
        if self._plan is None:
            return self._spinner
        parts: list[RenderableType] = [self._table(self._plan)]
        if self._written:
            parts.append(self._tail(self._written))
        else:
            self._spinner.update(text="writing the answer" if self._outcomes else "asking the nodes")
            parts.append(self._spinner)
        return Group(*parts)

    def _tail(self, written: str) -> RenderableType:
        """Show the end of a text that is being written, as much as the terminal has room for."""
        lines = Text(written).wrap(self._console, self._console.width)
        room = max(3, self._console.height - len(self._plan.chunks if self._plan else ()) - 3)
        if len(lines) <= room and self._renders:
            return rendered(written)
        return Group(*lines[-room:])

    def _table(self, plan: Plan) -> Table:
        table = Table.grid(padding=(0, 1))
        for chunk in plan.chunks:
            asked = sum(assignment.chunk == chunk.index for assignment in plan.assignments)
            answered = sum(1 for index, _ in self._results if index == chunk.index)
            outcome = self._outcomes.get(chunk.index)
            mark = MARKS.get(outcome.decided, "·") if outcome else "·"
            final = outcome.final or "" if outcome else ""
            table.add_row(
                mark,
                f"[cyan]{chunk.kind}[/]",
                f"[dim]{answered}/{asked}[/]",
                Text(excerpt(chunk.text)),
                Text(excerpt(final), style="bold"),
            )
        return table


def excerpt(text: str) -> str:
    """Give a text on one line, cut to EXCERPT_CHARS."""
    return shorten(text, EXCERPT_CHARS)


def shorten(text: str, num_chars: int) -> str:
    """Give a text on one line, cut to so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= num_chars else f"{line[: num_chars - 1]}…"


@asynccontextmanager
async def following(bus: Bus, id_: str, progress: Progress) -> AsyncIterator[None]:
    """Feed a query's events to its progress while the body runs."""
    events: dict[str, Callable[[bytes], None]] = {
        "plan": lambda payload: progress.on_plan(decode(payload, Plan)),
        "result": lambda payload: progress.on_result(decode(payload, Result)),
        "assembled": lambda payload: progress.on_assembled(decode(payload, Assembled)),
        "token": lambda payload: progress.on_piece(decode(payload, Piece)),
    }
    addresses = [bus.space.event(row.at(id=id_)) for row in (PLAN, RESULT, ASSEMBLED)]
    addresses.append(bus.space.full(Store.CORE, PIECE.at(id=id_)))

    async def follow(heard: asyncio.Queue[tuple[str, bytes]]) -> None:
        while True:
            address, payload = await heard.get()
            with suppress(msgspec.DecodeError):  # what can't be read can't be shown, and the next can
                events[address.removeprefix("event.").split(".")[1]](payload)

    async with bus.tap(*addresses) as heard:
        task = asyncio.create_task(follow(heard))
        try:
            yield
        finally:
            task.cancel()
