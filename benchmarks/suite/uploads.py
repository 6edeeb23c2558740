"""Uploading a file to the emulator, ours against the official client and against plain sending: seconds, peak memory."""

from __future__ import annotations

import json
import sys
import tempfile
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks import processes, stack
from benchmarks.measurement import Point, Series, in_turns
from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from benchmarks.benchmark import Plan

SEND = stack.PROGRAMS / "uploads"
PIECE, PARTS = "one piece", "parts"
CREATE, CHUNKED, PLAIN = "files.create", "upload_file_chunked", "plain sending"
WAYS = {PIECE: "piece", PARTS: "parts", CREATE: "create", CHUNKED: "chunked", PLAIN: "plain"}
PAIRS = ((PIECE, PLAIN), (PARTS, PLAIN), (PIECE, CREATE), (PARTS, CHUNKED))
"""Ours, and what it is measured against. The first two are against the limit."""
LARGEST_PIECE = 512
"""Megabytes beyond which the package sends no file in one piece."""
MOST_MEMORY = 0.5
LEAST_MEMORY = 0.1
"""Megabytes; what grows by less has not grown, which no ratio can tell."""
ROW = b'{"messages":[{"role":"user","content":"%s"}]}\n' % (b"x" * 954)
ANY_SIZE = 1 << 40


@dataclass(frozen=True)
class Sent:
    """An upload.

    Attributes:
        seconds: How long it took.
        megabytes: By how much the peak of memory grew.
    """

    seconds: float
    megabytes: float


def measure(plan: Plan) -> list[Series]:
    """Sends files of each size in each way, in turns, each by a process of its own."""
    with tempfile.TemporaryDirectory(prefix="openai-ft-benchmarks-") as folder, Emulator() as service:
        service.settings.max_file_bytes = ANY_SIZE  # for the limit, which is plain sending of any file
        taken = {size: _taken(_write(Path(folder), size), service, size, plan) for size in plan.megabytes}
    return [series for ours, peer in PAIRS for series in _series(ours, peer, taken)]


def versions() -> dict[str, str]:
    """The official client, and what carries our bytes."""
    return {name: version(name) for name in ("openai", "httpx")}


def _taken(file: Path, service: Emulator, size: int, plan: Plan) -> dict[str, list[Sent]]:
    ways = {
        name: partial(_send, way, file, service)
        for name, way in WAYS.items()
        if name != PIECE or size <= LARGEST_PIECE
    }
    try:
        return in_turns(ways, plan.runs, lambda step: plan.tell(f"{size} MB, {step}"))
    finally:
        file.unlink()


def _send(way: str, file: Path, service: Emulator) -> Sent:
    command = [sys.executable, str(SEND), way, str(file), service.url]
    ran = processes.run(command, env=stack.environment(file.parent))
    service.reset()
    return Sent(**json.loads(ran.text.splitlines()[-1]))


def _write(folder: Path, size: int) -> Path:
    file = folder / f"{size}.jsonl"
    with file.open("wb") as content:
        for _ in range(size):
            content.write(ROW * 1000)
    return file


def _series(ours: str, peer: str, taken: dict[int, dict[str, list[Sent]]]) -> list[Series]:
    both = {size: found for size, found in taken.items() if ours in found}
    if not both:
        return []
    seconds = Series(
        f"{ours}, to {peer}", "s", ours, peer, tuple(_seconds(size, both[size], ours, peer) for size in both)
    )
    if peer == PLAIN:
        return [seconds]
    memory = tuple(_memory(size, both[size], ours, peer) for size in both)
    return [seconds, Series(f"{ours}, memory", "MB", ours, peer, memory, at_most=MOST_MEMORY)]


def _seconds(size: int, found: dict[str, list[Sent]], ours: str, peer: str) -> Point:
    return Point(size, *(tuple(sent.seconds for sent in found[name]) for name in (ours, peer)))


def _memory(size: int, found: dict[str, list[Sent]], ours: str, peer: str) -> Point:
    samples = (tuple(max(sent.megabytes, LEAST_MEMORY) for sent in found[name]) for name in (ours, peer))
    return Point(size, *samples)
