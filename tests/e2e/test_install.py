"""DELLM as a package, installed and used where there is no checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from services.runtime.server import find_binary

ROOT = Path(__file__).parents[2]
TINY = "smollm2-135m-instruct-q4_1.gguf"


def run(*words: str | Path, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {key: value for key, value in os.environ.items() if key not in ("NATS_URL", "PYTHONPATH", "DELLM_LOG")}
    return subprocess.run(
        [str(word) for word in words],
        cwd=cwd,
        env={**inherited, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=150,
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `dellm` of a wheel in an environment of its own, which takes its dependencies from this one."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=False).stdout.decode()
    names = [name for name in tracked.split("\0") if name and (ROOT / name).exists()]
    if not names:
        pytest.skip("this is no checkout of git")
    for name in names:  # a build writes into its folder
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, source / name, follow_symlinks=False)
    built = run(sys.executable, "-m", "pip", "wheel", "--no-deps", "--wheel-dir", folder, source, cwd=folder)
    assert built.returncode == 0, built.stderr
    (wheel,) = folder.glob("dellm-*.whl")
    venv.create(folder / "venv", with_pip=False)
    python = folder / "venv/bin/python"
    there = Path(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))", cwd=folder).stdout.strip())
    done = run(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", wheel, cwd=folder)
    assert done.returncode == 0, done.stderr
    (there / "dependencies.pth").write_text(sysconfig.get_path("purelib"))  # below its own, which come first
    (folder / "venv/bin/nats-server").symlink_to(find_binary())  # where the dependency's wheel would have put it
    return folder / "venv/bin/dellm"


def test_it_is_the_wheel_that_runs(installed: Path, tmp_path: Path) -> None:
    python = installed.with_name("python")
    where = run(python, "-c", "import services, models; print(services.__file__, models.__file__)", cwd=tmp_path)
    assert where.stdout.count(str(installed.parents[1])) == 2, where.stdout + where.stderr


def test_it_finds_its_topology_and_keeps_to_the_users_folder(installed: Path, tmp_path: Path) -> None:
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    planned = run(installed, "plan", "--offline", "--json", "Who wrote Emma?", cwd=work, XDG_DATA_HOME=str(home))
    assert planned.returncode == 0, planned.stderr
    topology = home / "dellm/topology.json"
    assert json.loads(topology.read_text()) == json.loads((ROOT / "topology.json").read_text())
    missing = run(installed, "up", cwd=work, XDG_DATA_HOME=str(home))
    assert missing.stderr.strip().endswith("run: dellm models fetch qwen2.5-coder-1.5b")
    assert str(home / "dellm/models") in missing.stderr
    assert not list(work.iterdir())


def test_it_answers(installed: Path, tmp_path: Path) -> None:
    work, home = tmp_path / "work", tmp_path / "home"
    work.mkdir()
    models = home / "dellm/models"
    models.mkdir(parents=True)
    (models / TINY).symlink_to(ROOT / "models" / TINY)
    (home / "dellm/topology.json").write_text(
        (ROOT / "deploy/topology-tiny.json").read_text().replace("../models", "models")
    )
    done = run(installed, "ask", "--embedded", "--json", "What is 2 plus 2?", cwd=work, XDG_DATA_HOME=str(home))
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "complete"
    assert (home / "dellm/data").is_dir()
    assert not list(work.iterdir())
