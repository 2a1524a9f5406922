"""Whether there is a GPU, and whether this llama.cpp can use one."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

_DEVICES = ("/dev/nvidia0", "/dev/nvidiactl", "/dev/kfd")


def has_gpu() -> bool:
    """Tell whether the system shows an NVIDIA or AMD GPU, or is a Mac, which has one."""
    return sys.platform == "darwin" or bool(shutil.which("nvidia-smi")) or any(Path(name).exists() for name in _DEVICES)


def can_offload() -> bool:
    """Tell whether llama.cpp was built with support for a GPU that is here; loads the native library."""
    from models.native import usable_gpu_layers  # noqa: PLC0415

    return usable_gpu_layers(1) > 0
