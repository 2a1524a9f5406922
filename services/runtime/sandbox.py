"""Run a Python program that is not trusted: a child process with limits, without network where the kernel allows.

Limits are on time, memory, files and processes.  On Linux it has namespaces of its own for users and network; where
the kernel refuses them it runs with the limits alone, and `isolated()` tells so.  A file that it can read as this user
it can read: the environment is empty and the folder its own, no more.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import resource
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from functools import cache

TIME_S = 5.0
MEMORY_BYTES = 512 * 1024 * 1024
FILE_BYTES = 1024 * 1024
MAX_FILES, MAX_PROCESSES = 32, 0
MAX_SOURCE_BYTES = 256 * 1024
MAX_TOLD_CHARS = 200

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000


@dataclass(frozen=True, slots=True)
class Ending:
    """Whether a program ended well, and else what it told last, on one line."""

    well: bool
    told: str = ""


async def run_python(source: str, *, time_s: float = TIME_S) -> Ending:
    """Run a program to its end, at most `time_s` long."""
    if len(source.encode()) > MAX_SOURCE_BYTES:
        return Ending(well=False, told="the program is too long")
    with tempfile.TemporaryDirectory(prefix="dellm-") as folder:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-B", "-"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
            env={},
            start_new_session=True,
            preexec_fn=_confine,
        )
        try:
            async with asyncio.timeout(time_s):
                _, told = await process.communicate(source.encode())
        except TimeoutError:
            return Ending(well=False, told=f"it did not end within {time_s:.0f} s")
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    if process.returncode == 0:
        return Ending(well=True)
    lines = told[-4000:].decode(errors="replace").strip().splitlines()
    return Ending(
        well=False, told=(lines[-1] if lines else f"it ended with code {process.returncode}")[:MAX_TOLD_CHARS]
    )


@cache
def isolated() -> bool:
    """Tell whether programs run without network here."""
    tried = subprocess.run([sys.executable, "-c", ""], preexec_fn=_leave_network, check=False, capture_output=True)
    return tried.returncode == 0


def _confine() -> None:
    with suppress(OSError):
        _leave_network()
    for limit, value in (
        (resource.RLIMIT_CPU, int(TIME_S) + 1),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_FSIZE, FILE_BYTES),
        (resource.RLIMIT_NOFILE, MAX_FILES),
        (resource.RLIMIT_NPROC, MAX_PROCESSES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(limit, (value, value))


def _leave_network() -> None:
    if sys.platform != "linux":
        raise OSError("no namespaces here")
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
