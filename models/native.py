"""llama.cpp's C interface, loaded so that its threads wait briefly, and its log is ours.

With the program `models/quantizer.py` the only module that imports llama_cpp; `models.gguf` and `models.runner` have it
from here.  The class `Llama` is not used, because it points the whole process's stdout and stderr at /dev/null while it
loads.
"""

from __future__ import annotations

import ctypes
import logging
import os
import threading

# Read by the OpenMP runtime when llama.cpp is loaded.  By default its threads spin 300,000 times at every barrier, so
# that on cores which others use too each token waits for time slices.  Measured on two cores, SmolLM2, 60 tokens:
# idle 0.40 s with 300 as with 300,000 (0.60 s with 100); under load 1.1 to 1.9 s with 300, 1.5 to 27 s with 300,000.
os.environ.setdefault("GOMP_SPINCOUNT", "300")

import llama_cpp
from llama_cpp.llama_chat_format import Jinja2ChatFormatter

__all__ = ["LIBRARY", "Jinja2ChatFormatter", "llama_cpp", "native_errors", "usable_gpu_layers"]

LIBRARY = f"llama-cpp-python {llama_cpp.__version__}"
_GGML_LOG_ERROR = 4

_log = logging.getLogger(__name__)
_said = threading.local()


def native_errors() -> list[str]:
    """Return what llama.cpp said on this thread; cleared before a call, it is that call's."""
    if not hasattr(_said, "errors"):
        _said.errors = []
    errors: list[str] = _said.errors
    return errors


def _on_native_log(level: int, text: bytes, _: object) -> None:
    line = text.decode(errors="replace").strip()
    _log.debug("llama.cpp: %s", line)
    if level == _GGML_LOG_ERROR:
        native_errors().append(line)


_LOG_CALLBACK = llama_cpp.llama_log_callback(_on_native_log)  # llama.cpp keeps no reference
llama_cpp.llama_log_set(_LOG_CALLBACK, ctypes.c_void_p())
llama_cpp.llama_backend_init()


def usable_gpu_layers(wanted: int) -> int:
    """Return how many layers may be kept on a GPU (-1: all); none where llama.cpp has none to keep them on."""
    if wanted and not llama_cpp.llama_supports_gpu_offload():
        _log.warning("gpu_layers is %d, but this llama.cpp has no GPU: all is computed on the CPU", wanted)
        return 0
    return wanted
