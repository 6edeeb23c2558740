"""A hub of models for tests, which responds as huggingface_hub expects: metadata headers, redirects and ranges.

Large files are redirected to a storage with another host name. It refuses the token of the hub, as real storage does.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_valid"
LARGE = (".safetensors", ".bin")
_CHUNK = 1 << 20


@dataclass
class Repository:
    """A repository. `access` is public, private, gated or disabled: only TOKEN may read a private one, and no token a gated one."""

    files: dict[str, bytes]
    access: str = "public"
    commit: str = COMMIT


@dataclass
class FakeHub:
    """The state of the hub.

    Attributes:
        repositories: Repositories by name.
        requests: Method, path, Range header and Authorization header of all requests.
        seconds_per_chunk: Pause after each mebibyte of a large file.
        damages: Whether the storage changes the first byte of a file.
        status: Status of all responses, if the hub fails.
    """

    repositories: dict[str, Repository] = field(default_factory=dict)
    requests: list[tuple[str, str, str | None, str | None]] = field(default_factory=list)
    seconds_per_chunk: float = 0
    damages: bool = False
    status: int | None = None
    port: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ranges(self) -> list[str | None]:
        """Return the ranges of all requests to the storage."""
        return [range_ for method, path, range_, _ in self.requests if path.startswith("/storage/")]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: FakeHub

    def log_message(self, *_: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._respond()

    def do_GET(self) -> None:
        self._respond()

    def _respond(self) -> None:
        path = unquote(urlsplit(self.path).path)
        range_, authorization = self.headers.get("Range"), self.headers.get("Authorization")
        self.hub.requests.append((self.command, path, range_, authorization))
        if self.hub.status is not None:
            self._send(self.hub.status, b"{}")
        elif found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/revision/(.+)", path):
            self._list(found[1], found[2])
        elif found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(found[1], found[3])
        elif found := re.fullmatch(r"/small/([^/]+/[^/]+)/(.+)", path):
            self._send_file(self.hub.repositories[found[1]].files[found[2]], found[1])
        elif found := re.fullmatch(r"/storage/([0-9a-f]{64})", path):
            self._send_from_storage(found[1])
        else:
            self._send(404, b"")

    def _list(self, name: str, revision: str) -> None:
        repository = self._readable(name)
        if repository is None:
            return
        if revision not in ("main", repository.commit):
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            return
        siblings = [_sibling(*file) for file in repository.files.items()]
        body = {"id": name, "modelId": name, "sha": repository.commit, "siblings": siblings}
        self._send(200, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def _resolve(self, name: str, file: str) -> None:
        repository = self._readable(name)
        if repository is None:
            return
        if repository.access == "gated":
            self._refuse(403 if self._token() else 401, "GatedRepo", f"Access to model {name} is restricted.")
            return
        content = repository.files[file]
        headers = {"X-Repo-Commit": repository.commit}
        if file.endswith(LARGE):
            digest = hashlib.sha256(content).hexdigest()
            headers["X-Linked-Size"], headers["X-Linked-Etag"] = str(len(content)), f'"{digest}"'
            headers["Location"] = f"http://localhost:{self.hub.port}/storage/{digest}"
            self._send(302, b"", headers)
        else:  # the real hub redirects to a separate cache
            self._send(307, b"", {**headers, "Location": f"/small/{name}/{file}"})

    def _send_from_storage(self, digest: str) -> None:
        if self.headers.get("Authorization"):
            self._send(400, b"Only one auth mechanism allowed")
            return
        files = (file for found in self.hub.repositories.values() for file in found.files.values())
        content = next(file for file in files if hashlib.sha256(file).hexdigest() == digest)
        start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
        if self.hub.damages:
            content = bytes([content[0] ^ 1]) + content[1:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        self.end_headers()
        for place in range(start, len(content), _CHUNK):
            self.wfile.write(content[place : place + _CHUNK])
            time.sleep(self.hub.seconds_per_chunk)

    def _readable(self, name: str) -> Repository | None:
        """Return a repository that the token may read, or send the hub's response and return None."""
        repository, token = self.hub.repositories.get(name), self._token()
        if token not in (None, TOKEN):
            self._refuse(401, None, "Invalid credentials in Authorization header")
        elif repository is None or (repository.access == "private" and token is None):
            self._refuse(404 if token else 401, "RepoNotFound", "Repository not found")
        elif repository.access == "disabled":
            self._refuse(403, None, "Access to this resource is disabled.")
        else:
            return repository
        return None

    def _token(self) -> str | None:
        header = self.headers.get("Authorization")
        return header.removeprefix("Bearer ") if header else None

    def _refuse(self, status: int, code: str | None, message: str) -> None:
        headers = {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})}
        self._send(status, json.dumps({"error": message}).encode(), headers)

    def _send_file(self, content: bytes, name: str) -> None:
        etag = f'"{hashlib.sha1(content).hexdigest()}"'  # noqa: S324  # as git does
        self._send(200, content, {"ETag": etag, "X-Repo-Commit": self.hub.repositories[name].commit})

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for header, value in (headers or {}).items():
            self.send_header(header, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _sibling(name: str, content: bytes) -> dict[str, Any]:
    found: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": "0" * 40}
    if name.endswith(LARGE):
        digest = hashlib.sha256(content).hexdigest()
        found["lfs"] = {"size": len(content), "sha256": digest, "pointerSize": 130}
    return found


@contextmanager
def running_hub() -> Iterator[FakeHub]:
    """Run a hub on a free port of loopback."""
    hub = FakeHub()
    handler = type("Handler", (_Handler,), {"hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    hub.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
