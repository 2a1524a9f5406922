"""Making a file of another type out of a model's file, beside it: on some machines another type runs much faster.

The new file takes its name only when it is whole, and `local.json` keeps its hash and what it was made from.  It does
not know llama.cpp: `quantizer.py`, a process of its own, does the work.
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

from msgspec.structs import replace

from models.catalogue import Model, file_sha256, list_models, verify
from models.cores import usable_cores
from models.engine import ModelError
from models.fetch import is_verified
from models.record import Origin, describe, is_untouched, locked, read_record, record

if TYPE_CHECKING:
    from collections.abc import Callable

_Report: TypeAlias = "Callable[[str, float], None]"

# Those which need no importance matrix, by their number in llama.cpp's `llama_ftype`, part of its stable interface.
TYPES = {
    "F16": 1,
    "Q4_0": 2,
    "Q4_1": 3,
    "Q8_0": 7,
    "Q5_0": 8,
    "Q5_1": 9,
    "Q3_K_S": 11,
    "Q3_K_M": 12,
    "Q3_K_L": 13,
    "Q4_K_S": 14,
    "Q4_K_M": 15,
    "Q5_K_S": 16,
    "Q5_K_M": 17,
    "Q6_K": 18,
    "IQ4_NL": 25,
    "IQ4_XS": 30,
    "BF16": 32,
}
_TYPE_AT_END = re.compile(rf"[-._]({'|'.join(sorted(TYPES, key=len, reverse=True))})$", re.IGNORECASE)


class QuantizeError(ModelError):
    """A file of this type could not be made.  The message is one line with the model and the cause."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantized:
    """A file that was made here: `model` describes it as the catalogue does its own, but without a source."""

    model: Model
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """The file that was made; `seconds` is None where it was there already."""

    quantized: Quantized
    path: Path
    source_bytes: int
    seconds: float | None


def quantized_file(file: str, type_: str) -> str:
    """Return the name that `file` gets in this type; a type at the end of its name is replaced."""
    return f"{untyped(file)}-{type_.lower()}.gguf"


def untyped(file: str) -> str:
    """Return a file's name without its ending and its type: files of one such name hold the same weights."""
    return _TYPE_AT_END.sub("", Path(file).stem)


def type_in_name(file: str) -> str:
    """Return the type at the end of a file's name, empty if there is none."""
    found = _TYPE_AT_END.search(Path(file).stem)
    return found[1].upper() if found else ""


def quantize(
    model: Model,
    folder: Path,
    type_: str,
    threads: int | None = None,
    on_progress: _Report = lambda _stage, _share: None,
) -> Made:
    """Make the model's file of this type, unless it is there; blocks for as long as it takes.

    `threads` None: the cores that this process may use.  `on_progress` gets verify, quantize or hash, and the share of
    it that is done, and may raise to give up.

    Raises:
        QuantizeError: the type is unknown, or a file of that name is in the way, or llama.cpp or the disk refused.
        ModelError: the source is missing or damaged.

    """
    if type_ not in TYPES:
        raise QuantizeError(f"{model.name}: no type {type_!r}; there are {', '.join(TYPES)}")
    source, target = folder / model.file, folder / quantized_file(model.file, type_)
    if source == target:
        raise QuantizeError(f"{model.name}: {source} is {type_} already")
    if not source.is_file():
        verify(model, source)  # says what is missing, and how to get it
    try:
        with locked(folder, lambda: on_progress("waiting", 0.0)) as work:
            origin = Origin(type=type_, source=model.file, source_sha256=model.sha256)
            return _made(model, target, origin) or _make(
                model, target, origin, work=work, threads=threads, on_progress=on_progress
            )
    except OSError as error:
        raise QuantizeError(f"{model.name}: {error}") from error


def list_quantized(folder: Path) -> tuple[Quantized, ...]:
    """Return what was made in the folder out of models of the catalogue, and is still there."""
    sources = {model.file: model for model in list_models()}
    return tuple(
        _describe(sources[found.quantized.source], file, found.bytes, found.sha256, found.quantized)
        for file, found in read_record(folder).items()
        if found.quantized and found.quantized.source in sources and (folder / file).is_file()
    )


def _describe(source: Model, file: str, size: int, sha256: str, origin: Origin) -> Quantized:
    name = f"{source.name}-{origin.type.lower()}"
    return Quantized(model=replace(source, name=name, file=file, bytes=size, sha256=sha256, sources=()), origin=origin)


def _made(model: Model, target: Path, origin: Origin) -> Made | None:
    """Return the file that is there, if it was made of this very source and not touched since."""
    found = read_record(target.parent).get(target.name)
    if target.exists() and (found is None or found.quantized is None):
        raise QuantizeError(f"{model.name}: {target} is in the way, and was not made here; move it first")
    if found is None or found.quantized != origin or not is_untouched(target, found.sha256):
        return None
    made = _describe(model, target.name, found.bytes, found.sha256, origin)
    return Made(quantized=made, path=target, source_bytes=model.bytes, seconds=None)


def _make(model: Model, target: Path, origin: Origin, *, work: Path, threads: int | None, on_progress: _Report) -> Made:
    source = target.with_name(model.file)
    if not is_verified(model, source):
        verify(model, source, lambda done_bytes: on_progress("verify", done_bytes / model.bytes))
        record(source, describe(source, model.sha256))
    part = work / f"{target.name}.part"
    started = time.monotonic()
    try:
        _run(model, source, part, (TYPES[origin.type], threads or usable_cores()), on_progress)
        seconds = time.monotonic() - started
        size = part.stat().st_size
        sha256 = file_sha256(part, lambda done_bytes: on_progress("hash", done_bytes / size))
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    record(target, describe(target, sha256, origin))
    made = _describe(model, target.name, size, sha256, origin)
    return Made(quantized=made, path=target, source_bytes=model.bytes, seconds=seconds)


def _run(model: Model, source: Path, part: Path, arguments: tuple[int, int], on_progress: _Report) -> None:
    program = Path(__file__).with_name("quantizer.py")
    command = [sys.executable, "-P", str(program), str(source), str(part), *map(str, arguments)]
    process = subprocess.Popen(  # noqa: S603  our own program
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    with process:
        try:
            assert process.stdout is not None
            assert process.stderr is not None
            for line in process.stdout:
                done, total = line.split()
                on_progress("quantize", int(done) / int(total))
            said = process.stderr.read().strip().splitlines()
        except BaseException:
            process.kill()
            raise
    if process.returncode:
        cause = said[-1] if said else f"the process ended with {process.returncode}"
        raise QuantizeError(f"{model.name}: llama.cpp cannot make it: {cause}")
