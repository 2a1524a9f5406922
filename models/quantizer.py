"""Turn one GGUF file into another type: `python -P quantizer.py SOURCE TARGET TYPE_NUMBER THREADS`.

A process of its own, run by `models.quantize`: so that it can be interrupted, its memory goes back when it ends, and
llama.cpp's log, which is the only sign of progress, is not taken from an engine.  Prints `DONE TOTAL` for every tensor;
when it fails it exits with 1 and the cause on standard error.
"""

from __future__ import annotations

import ctypes
import re
import sys

import llama_cpp

_GGML_LOG_ERROR = 4
_TENSOR = re.compile(r"\[\s*(\d+)/\s*(\d+)\]")
_errors: list[str] = []


def _on_log(level: int, text: bytes, _: object) -> None:
    line = text.decode(errors="replace").strip()
    if level == _GGML_LOG_ERROR:
        _errors.append(line)
    elif tensor := _TENSOR.match(line):
        sys.stdout.write(f"{tensor[1]} {tensor[2]}\n")
        sys.stdout.flush()


def main(source: str, target: str, type_number: str, threads: str) -> int:
    """Quantize, also what is quantized already; return the exit code."""
    callback = llama_cpp.llama_log_callback(_on_log)  # llama.cpp keeps no reference
    llama_cpp.llama_log_set(callback, ctypes.c_void_p())
    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = int(type_number)
    parameters.nthread = int(threads)
    parameters.allow_requantize = True
    failed = llama_cpp.llama_model_quantize(source.encode(), target.encode(), ctypes.byref(parameters))
    if failed:
        sys.stderr.write(f"{_errors[-1] if _errors else 'llama.cpp does not say why'}\n")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
