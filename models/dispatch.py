"""One engine for models of both kinds: files are computed here, and servers are asked for theirs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from models.engine import Completion, Engine, Request, Stats, Turn
    from models.reference import ModelReference


class DispatchEngine:
    """`Engine` over two others.  What it computes with, and its context, are those of the engine for files."""

    def __init__(self, files: Engine, servers: Engine) -> None:
        self.library = f"{files.library}, or {servers.library}"
        self.threads, self.gpu_layers = files.threads, files.gpu_layers
        self.context_tokens = files.context_tokens
        self._files, self._servers = files, servers

    async def complete(self, request: Request, on_text: Callable[[str], None] | None = None) -> Completion:
        """See `Engine.complete`."""
        return await self._of(request.model).complete(request, on_text)

    async def count_tokens(self, model: ModelReference, messages: Sequence[Turn]) -> int:
        """See `Engine.count_tokens`."""
        return await self._of(model).count_tokens(model, messages)

    async def load(self, model: ModelReference) -> None:
        """See `Engine.load`."""
        await self._of(model).load(model)

    def stats(self) -> Mapping[ModelReference, Stats]:
        """See `Engine.stats`."""
        return {**self._files.stats(), **self._servers.stats()}

    def down(self) -> Mapping[ModelReference, str]:
        """See `Engine.down`."""
        return self._servers.down()

    async def close(self) -> None:
        """See `Engine.close`."""
        await self._servers.close()
        await self._files.close()

    def _of(self, model: ModelReference) -> Engine:
        return self._files if isinstance(model, Path) else self._servers
