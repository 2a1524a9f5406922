from __future__ import annotations

from pathlib import Path

import pytest

from services.assembler.config import AssemblerConfig
from services.decomposer.config import DecomposerConfig
from services.node.config import NodeConfig
from services.runtime.config import Config
from services.synthesizer.config import SynthesizerConfig
from services.trainer.config import TrainerConfig

NODE = {"id": "n1", "cluster": "c", "supercluster": "s", "models": (Path("a.gguf"),)}


@pytest.mark.parametrize(
    ("config", "fields", "wrong"),
    [
        (DecomposerConfig, {"max_fan_out": 0}, "max_fan_out"),
        (DecomposerConfig, {"max_cut_s": float("nan")}, "max_cut_s"),
        (DecomposerConfig, {"look_s": 0.0}, "look_s"),
        (AssemblerConfig, {"concurrency": 0}, "concurrency"),
        (AssemblerConfig, {"pause_s": -1.0}, "pause_s"),
        (SynthesizerConfig, {"model": Path("a.gguf"), "concurrency": 0}, "concurrency"),
        (TrainerConfig, {"canary_rate": 1.5}, "canary_rate"),
        (TrainerConfig, {"canary_timeout_s": 0.5}, "canary_timeout_s"),
        (NodeConfig, NODE | {"id": "n 1"}, "id"),
        (NodeConfig, NODE | {"models": ()}, "models"),
        (NodeConfig, NODE | {"slots": 0}, "slots"),
        (NodeConfig, NODE | {"heartbeat_s": 3.0}, "heartbeat_s"),
    ],
)
def test_what_is_out_of_bounds_is_named(config: type[Config], fields: dict[str, object], wrong: str) -> None:
    with pytest.raises(ValueError, match=rf"^{wrong}: Expected") as caught:
        config(**fields)
    assert "\n" not in str(caught.value)


def test_the_defaults_are_within_their_bounds() -> None:
    assert NodeConfig(**NODE).slots == 1  # type: ignore[arg-type]
    assert SynthesizerConfig(model=Path("a.gguf")).concurrency > 0
    assert DecomposerConfig().max_fan_out
    assert AssemblerConfig().concurrency
    assert TrainerConfig().canary_rate == 0
