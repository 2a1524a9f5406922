"""Host one service whose models are scripted, as a process of its own: `python -m tests.chaos.host NAME URL PREFIX`.

NAME is synthesizer, or node.ID.  Services without models are run as users run them, by `python -m services`.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path

from models.engine import Request
from schemas.subjects import Space
from services.node.config import NodeConfig
from services.node.service import node
from services.runtime.lifecycle import Deployment, Service, run
from services.runtime.logging import configure
from services.runtime.loop import new_event_loop
from services.synthesizer.config import SynthesizerConfig
from services.synthesizer.service import synthesizer
from tests.support import SUPERLLM, ScriptedEngine, answer_at_once

THINKING_S = 0.1
WORD_S = 0.05
NUM_WORDS = 60


async def think(request: Request, name: str) -> str:
    """Answer after a moment; what is to be written is in words of the node's own."""
    await asyncio.sleep(THINKING_S)
    if request.messages[-1].content.startswith("Write"):
        return " ".join(f"{name}-{i}" for i in range(NUM_WORDS))
    return await answer_at_once(request)


def main() -> None:
    """Run until killed."""
    name, url, prefix = sys.argv[1:]
    configure(default_level="error", for_good=True)
    engine = ScriptedEngine(partial(think, name=name), word_s=WORD_S)
    if name == "synthesizer":
        service = Service(name, partial(synthesizer, config=SynthesizerConfig(model=SUPERLLM), engine=engine))
    else:
        config = NodeConfig(
            id=name.removeprefix("node."),
            cluster="cluster-1",
            supercluster="sc-main",
            models=(Path("a.gguf"), Path("b.gguf")),
            slots=4,
        )
        service = Service(name, partial(node, config=config, engine=engine))
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(run([service], Deployment(url=url, space=Space(prefix))))


if __name__ == "__main__":
    main()
