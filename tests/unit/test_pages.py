"""Pages of a mapped file are given back, and come again when they are read."""

import mmap
import re
import sys
from pathlib import Path

import pytest

from models.pages import release_pages

SIZE = 8 * 2**20


def resident_bytes(path: Path) -> int:
    """Say how much of a file this process holds in memory."""
    text = Path("/proc/self/smaps").read_text()
    found = re.search(rf"{re.escape(str(path))}\n(?:.*\n)*?Rss: +(\d+) kB", text)
    return int(found[1]) * 1024 if found else 0


@pytest.mark.skipif(sys.platform != "linux", reason="it does nothing elsewhere")
def test_what_was_read_once_is_given_back(tmp_path: Path) -> None:
    path = tmp_path / "weights"
    content = bytes(range(256)) * (SIZE // 256)
    path.write_bytes(content)
    with path.open("rb") as file, mmap.mmap(file.fileno(), SIZE, access=mmap.ACCESS_READ) as mapped:
        assert mapped[:] == content
        assert resident_bytes(path) == SIZE
        release_pages(path)
        assert resident_bytes(path) == 0
        assert mapped[:] == content, "it is read again"


def test_a_file_that_is_not_mapped_is_none_of_its_business(tmp_path: Path) -> None:
    release_pages(tmp_path / "missing")
