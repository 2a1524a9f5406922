"""Giving back the pages of a mapped file that were read once."""

from __future__ import annotations

import ctypes
import mmap
import sys
from contextlib import suppress
from pathlib import Path

_MADV_DONTNEED = getattr(mmap, "MADV_DONTNEED", None)


def release_pages(path: Path) -> None:
    """Let go of this process's pages of a file that it has mapped for reading; what is read again comes back.

    llama.cpp copies weights into the layout that a CPU is fastest with, and never reads them in the file again: of
    Qwen2.5-Coder-1.5B (Q4_K_M) 597 of 1,060 MiB would be held twice.  Elsewhere than on Linux this does nothing.
    """
    if sys.platform != "linux" or _MADV_DONTNEED is None:
        return
    advise = ctypes.CDLL(None).madvise
    advise.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    with suppress(OSError):
        for line in Path("/proc/self/maps").read_text().splitlines():
            place, rights, *_, file = line.split(maxsplit=5)
            if file == str(path.resolve()) and "w" not in rights:
                start, end = (int(address, 16) for address in place.split("-"))
                advise(start, end - start, _MADV_DONTNEED)
