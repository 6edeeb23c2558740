# ruff: noqa: INP001 - a program
"""A service that accepts uploads and stores only their sizes. The first line of its output is its address.

An argument limits the megabytes per second, like a network line. The sink represents a remote machine, so it uses as
little CPU time as possible: the kernel drops the received bytes.
"""

import json
import math
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count
from threading import Lock, Thread
from typing import Any

BLANK_LINE = b"\r\n\r\n"
DROPPED_AT_ONCE, READ_AT_ONCE = 1 << 22, 1 << 14
NO_FILES = {"object": "list", "data": [], "has_more": False}


class RefusedError(Exception):
    """The request is not supported, or the size differs from the announced size."""


@dataclass
class Request:
    """A request.

    Attributes:
        line: Method and path.
        content: Size of the file in the body, in bytes. Its content is dropped.
        body: Decoded JSON, if the body is not a file.
    """

    line: str
    content: int = 0
    body: Any = None


@dataclass
class Objects:
    """The sizes of all uploads.

    Attributes:
        received: Bytes of files since the last `GET /received`.
    """

    received: int = 0
    _announced: dict[str, int] = field(default_factory=dict)
    _parts: dict[str, int] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=count)
    _lock: Lock = field(default_factory=Lock)

    def answer(self, request: Request) -> dict[str, Any]:
        """Return the response to a request, or raise `RefusedError`."""
        with self._lock:
            self.received += request.content
            return self._answer(request, str(next(self._numbers)))

    def _answer(self, request: Request, number: str) -> dict[str, Any]:
        match request.line.split("/"):
            case ["get ", "received"]:
                received, self.received = self.received, 0
                return {"bytes": received}
            case ["get ", "files"]:
                return NO_FILES
            case ["post ", "files"]:
                return _file(number, request.content)
            case ["post ", "uploads"]:
                self._announced[number] = request.body["bytes"]
                return {"id": number, "object": "upload", "status": "pending"}
            case ["post ", "uploads", _upload, "parts"]:
                self._parts[number] = request.content
                return {"id": number, "object": "upload.part"}
            case ["post ", "uploads", upload, "complete"]:
                file = _file(number, self._size_of(upload, request.body["part_ids"]))
                return {"id": upload, "object": "upload", "status": "completed", "file": file}
        raise RefusedError(f"the sink does not support {request.line}")

    def _size_of(self, upload: str, part_ids: list[str]) -> int:
        size, announced = sum(self._parts.pop(part) for part in part_ids), self._announced.pop(upload)
        if size != announced:
            raise RefusedError(f"the parts have {size} bytes instead of the announced {announced}")
        return size


@dataclass
class Line:
    """A network line that all connections share.

    Attributes:
        speed: Bytes per second; unlimited by default.
    """

    speed: float = math.inf
    _free_at: float = 0.0
    _lock: Lock = field(default_factory=Lock)

    def carry(self, size: int) -> None:
        """Wait for the time that the line takes to transfer `size` bytes."""
        with self._lock:
            self._free_at = max(self._free_at, time.monotonic()) + size / self.speed
            seconds = self._free_at - time.monotonic()
        if seconds > 0:
            time.sleep(seconds)


@dataclass
class Connection:
    """A connection, until the client closes it."""

    peer: socket.socket
    objects: Objects
    line: Line
    _read: bytes = b""

    def serve(self) -> None:
        """Respond to all requests of the connection."""
        with self.peer, suppress(ConnectionError):
            while True:
                self._answer(self._request())

    def _answer(self, request: Request) -> None:
        status = HTTPStatus.OK
        try:
            answer = self.objects.answer(request)
        except RefusedError as error:
            status, answer = HTTPStatus.BAD_REQUEST, {"error": {"message": str(error)}}
        body = json.dumps(answer).encode()
        head = f"HTTP/1.1 {status} {status.phrase}\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
        self.peer.sendall(head.encode() + body)

    def _request(self) -> Request:
        first, *lines = self._head().lower().decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        request = Request(first.partition("?")[0].removesuffix(" http/1.1"))
        length, kind = int(headers.get("content-length", 0)), headers.get("content-type", "")
        if kind == "application/json":
            request.body = json.loads(self._take(length))
        else:
            request.content = self._drop(length, kind.partition("boundary=")[2])
        return request

    def _drop(self, length: int, boundary: str) -> int:
        """Drop a body, and return the size of the file in it, without the surrounding form data."""
        around, head = 0, b""
        while boundary and b"filename=" not in head:
            head = self._head()
            around += len(head) + len(BLANK_LINE)
        left = length - around
        while left:
            dropped = self._dropped(left)
            self.line.carry(dropped)
            left -= dropped
        return length - around - (len(f"\r\n--{boundary}--\r\n") if boundary else 0)

    def _dropped(self, size: int) -> int:
        if read := self._read[:size]:
            self._read = self._read[size:]
            return len(read)
        room = _ROOM[: min(size, len(_ROOM))]
        return _some(self.peer.recv_into(room, 0, socket.MSG_TRUNC))

    def _head(self) -> bytes:
        """Return the bytes before the next blank line."""
        while BLANK_LINE not in self._read:
            self._more()
        head, _, self._read = self._read.partition(BLANK_LINE)
        return head

    def _take(self, size: int) -> bytes:
        while len(self._read) < size:
            self._more()
        taken, self._read = self._read[:size], self._read[size:]
        return taken

    def _more(self) -> None:
        data = self.peer.recv(READ_AT_ONCE)
        _some(len(data))
        self._read += data


_ROOM = memoryview(bytearray(DROPPED_AT_ONCE))
"""Buffer for dropped bytes. With `MSG_TRUNC`, the kernel does not write to it."""


def _some(size: int) -> int:
    if not size:
        raise ConnectionError("the client has closed the connection")
    return size


def _file(number: str, size: int) -> dict[str, Any]:
    fields = {"object": "file", "filename": "data.jsonl", "purpose": "batch", "status": "processed"}
    return {"id": f"file-{number}", "bytes": size, "created_at": 0, **fields}


def main() -> None:
    """Serve until the process is killed."""
    objects, line = Objects(), Line(*(float(speed) * 1e6 for speed in sys.argv[1:]))
    with socket.create_server(("127.0.0.1", 0)) as listening:
        sys.stdout.write(f"http://127.0.0.1:{listening.getsockname()[1]}\n")
        sys.stdout.flush()
        while True:
            peer, _address = listening.accept()
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            Thread(target=Connection(peer, objects, line).serve, daemon=True).start()


if __name__ == "__main__":
    main()
