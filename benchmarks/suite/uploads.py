"""Duration and memory of uploading a file to a byte-counting sink, compared with the official client and plain httpx."""

from __future__ import annotations

import hashlib
import json
import os
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import processes, stack
from benchmarks.measurement import Figure, Point, Series, in_turns
from benchmarks.own_host import OwnHost
from benchmarks.sink import Sink

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.benchmark import Plan

SEND = stack.PROGRAMS / "uploads"
PIECE, PARTS = "one piece, our host", "parts, our host"
CREATE, CHUNKED, STREAM = "files.create", "upload_file_chunked", "an httpx stream"
SHA256, MD5 = "SHA-256 alone", "MD5 alone"
ABOVE = {PIECE: "1000000", PARTS: "64"}
"""Multipart threshold in megabytes."""
OTHERS = {CREATE: "create", CHUNKED: "chunked", STREAM: "stream", SHA256: "sha256", MD5: "md5"}
HASHES = frozenset({SHA256, MD5})
LINE_SPEED = 500
"""Megabytes per second of a line of 4 Gbit/s."""
LINE_WAYS = (PIECE, PARTS, STREAM)
LARGEST_PIECE = 512
"""Maximum size in megabytes of a file that this package sends in a single request."""
LONGEST = 1 / 0.9
"""Limit of the ratio of durations: 0.9 of the stream's throughput."""
MOST_MEMORY = 48.0
ROW = b'{"messages":[{"role":"user","content":"%s"}]}\n' % (b"x" * 954)
FEW_ROWS = 10


@dataclass(frozen=True)
class Content:
    """A file to upload.

    Attributes:
        path: Path of the file.
        size: Size in bytes.
        sha256: Hash of the content, which the program passes to the host.
    """

    path: Path
    size: int
    sha256: str

    @classmethod
    def of(cls, path: Path, rows: int) -> Content:
        """Write a file, and flush it to disk, so that the measurement does not include writing."""
        sha256, many = hashlib.sha256(), ROW * FEW_ROWS
        with path.open("wb") as file:
            for _ in range(rows // FEW_ROWS):
                file.write(many)
                sha256.update(many)
            file.flush()
            os.fsync(file.fileno())
        return cls(path, path.stat().st_size, sha256.hexdigest())

    @property
    def inputs(self) -> dict[str, str]:
        """Return the inputs of a `File`. With this purpose, its examples are not checked, which is another benchmark."""
        return {"file": str(self.path), "sha256": self.sha256, "purpose": "batch"}


@dataclass(frozen=True)
class Sent:
    """The measurements of an upload.

    Attributes:
        seconds: Duration.
        before: Memory at the start in megabytes.
        peak: Peak memory during the upload in megabytes.
    """

    seconds: float
    before: float
    peak: float


Samples = dict[int, dict[str, list[Sent]]]
"""Uploads by size and way."""


def measure(plan: Plan) -> list[Series]:
    """Upload files of each size in each way alternately, each from a separate process."""
    free, line = Samples(), Samples()
    with tempfile.TemporaryDirectory(prefix="openai-ft-benchmarks-") as name:
        folder = Path(name)
        small = Content.of(folder / "small.jsonl", FEW_ROWS)
        for size in plan.uploads:
            with _written(folder, size) as content:
                free[size] = _taken(content, small, None, plan, (*ABOVE, *OTHERS))
                line[size] = _taken(content, small, LINE_SPEED, plan, LINE_WAYS)
    return [*_to_the_stream(free, line), *_to_the_hash(free), *_to_the_official(free), *_memory(free)]


def versions() -> dict[str, str]:
    """Return the versions of the official client and of the HTTP client."""
    return {name: version(name) for name in ("openai", "httpx")}


@contextmanager
def _written(folder: Path, megabytes: int) -> Iterator[Content]:
    content = Content.of(folder / f"{megabytes}.jsonl", megabytes * 1000)
    try:
        yield content
    finally:
        content.path.unlink()


def _taken(
    content: Content, small: Content, speed: float | None, plan: Plan, names: tuple[str, ...]
) -> dict[str, list[Sent]]:
    folder, prefix = small.path.parent, f"{content.path.stem} MB, {f'{speed} MB/s, ' if speed else ''}"
    with Sink.running(folder, speed) as sink:
        ways: dict[str, Callable[[], Sent]] = {
            name: partial(_this_package, ABOVE[name], content, small, sink)
            if name in ABOVE
            else partial(_other, name, content, sink)
            for name in names
            if name != PIECE or content.size <= LARGEST_PIECE * 1_000_000
        }
        return in_turns(ways, plan.runs, lambda step: plan.on_step(f"{prefix}{step}"))


def _this_package(above: str, content: Content, small: Content, sink: Sink) -> Sent:
    """Measure an upload by this package's host, requested like by the engine, after the upload of a small file."""
    config = {"apiKey": stack.API_KEY, "baseUrl": sink.url, "multipartThreshold": above}
    folder = small.path.parent
    with OwnHost.configured(folder, {f"openai-ft:{key}": value for key, value in config.items()}) as host:
        host.creating("File", "small", small.inputs).result()
        sink.require(small.size)
        processes.forget_peak(host.pid)
        before, began = processes.peak_megabytes(host.pid), time.perf_counter()
        host.creating("File", "large", content.inputs).result()
        seconds = time.perf_counter() - began
        sink.require(content.size)
        return Sent(seconds, before, processes.peak_megabytes(host.pid))


def _other(name: str, content: Content, sink: Sink) -> Sent:
    command = [sys.executable, str(SEND), OTHERS[name], str(content.path), sink.url]
    ran = processes.run(command, env=stack.environment(content.path.parent))
    sink.require(0 if name in HASHES else content.size)
    return Sent(**json.loads(ran.text.splitlines()[-1]))


def _to_the_stream(free: Samples, line: Samples) -> Iterator[Series]:
    for candidate in ABOVE:
        yield from _seconds("", free, candidate, STREAM, LONGEST)
        yield from _seconds(f" at {LINE_SPEED} MB/s", line, candidate, STREAM, LONGEST)


def _to_the_hash(free: Samples) -> Iterator[Series]:
    yield from _seconds("", free, PIECE, SHA256)
    yield from _seconds("", free, PARTS, MD5)


def _to_the_official(free: Samples) -> Iterator[Series]:
    yield from _seconds("", free, PIECE, CREATE)
    yield from _seconds("", free, PARTS, CHUNKED)


def _seconds(
    where: str, taken: Samples, candidate: str, peer: str, at_most: float | None = None
) -> Iterator[Series]:
    points = tuple(
        Point(size, *(tuple(sent.seconds for sent in found[name]) for name in (candidate, peer)))
        for size, found in taken.items()
        if candidate in found
    )
    if points:
        yield Series(f"{candidate}{where}, to {peer}", "s", candidate, peer, points, at_most=at_most)


def _memory(taken: Samples) -> Iterator[Series]:
    """Yield the growth of the memory during an upload."""
    for name in (*ABOVE, CREATE, CHUNKED, STREAM):
        points = tuple(
            Point(size, tuple(sent.peak for sent in found[name]), tuple(sent.before for sent in found[name]))
            for size, found in taken.items()
            if name in found
        )
        if points:
            limit = MOST_MEMORY if name in ABOVE else None
            yield Series(f"{name}: peak memory", "MB", "peak", "before", points, Figure.BEYOND, limit)
