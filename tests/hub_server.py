"""A server that speaks the Hugging Face Hub's protocol, as far as a download needs it: what is there, and the files."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "c0ffee" + "0" * 34


@dataclass
class Hub:
    """Repositories and their files.  An answer to a GET of a file is cut after `cut_after` bytes, if that is set.

    `ranges` are those that were asked for.
    """

    files: dict[tuple[str, str], bytes]
    licence: str = "apache-2.0"
    told_sha256: str | None = None
    cut_after: int | None = None
    ranges: list[str | None] = field(default_factory=list)
    url: str = ""


def _handler(hub: Hub) -> type[BaseHTTPRequestHandler]:  # noqa: C901  # a class with the hub in it
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = self.path.partition("?")[0].strip("/")
            if path.startswith("api/models/"):
                self._describe(path.removeprefix("api/models/"))
                return
            repo, _, rest = path.partition("/resolve/")
            content = hub.files.get((repo, rest.partition("/")[2]))
            if content is None or rest.partition("/")[0] not in ("main", COMMIT):
                self._send(404, b"", {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"})
                return
            self._give(content)

        def _describe(self, path: str) -> None:
            repo, _, revision = path.partition("/revision/")
            names = [name for known, name in hub.files if known == repo]
            if not names or revision not in ("", "main", COMMIT):
                self._send(404, b"{}", {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"})
                return
            siblings = []
            for name in names:
                content = hub.files[repo, name]
                sha256 = hub.told_sha256 or hashlib.sha256(content).hexdigest()
                lfs = {"sha256": sha256, "size": len(content), "pointerSize": 134}
                siblings.append({"rfilename": name, "size": len(content), "blobId": "0" * 40, "lfs": lfs})
            told = {"id": repo, "sha": COMMIT, "siblings": siblings, "cardData": {"license": hub.licence}}
            self._send(200, json.dumps(told).encode(), {"Content-Type": "application/json"})

        def _give(self, content: bytes) -> None:
            wanted = self.headers.get("Range")
            etag = hub.told_sha256 or hashlib.sha256(content).hexdigest()
            headers = {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
            start = 0
            if self.command == "GET":
                hub.ranges.append(wanted)
            if wanted:
                start = int(wanted.removeprefix("bytes=").partition("-")[0])
                headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
            part = content[start:]
            if self.command == "GET" and hub.cut_after is not None:
                self._cut(part, headers, hub.cut_after)
                return
            self._send(206 if wanted else 200, part, headers)

        def _cut(self, part: bytes, headers: dict[str, str], after: int) -> None:
            self.send_response(206 if "Content-Range" in headers else 200)
            for name, value in {**headers, "Content-Length": str(len(part))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(part[:after])
            self.close_connection = True

        def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
            self.send_response(status)
            for name, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

    return Handler


@contextmanager
def hub_server(hub: Hub) -> Iterator[Hub]:
    """Serve while the body runs."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _handler(hub)) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        hub.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield hub
        finally:
            server.shutdown()
            thread.join()
