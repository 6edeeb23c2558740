# ruff: noqa: INP001 - a program
"""Sends FILE to URL in one WAY of several, and says how long that took and by how much memory grew."""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

API_KEY = "sk-proj-benchmarks-0123456789"
BLOCK = 1 << 19
"""Bytes that are sent at once: the stream is slower with less, and with more."""
Way = Callable[[Path, str], Callable[[], object]]


def official(way: str) -> Way:
    """The official client's."""

    def prepare(file: Path, url: str) -> Callable[[], object]:
        import openai  # noqa: PLC0415 - each way pays for what it needs alone

        client = openai.OpenAI(api_key=API_KEY, base_url=url)
        client.files.list(limit=1)
        if way == "files":
            return lambda: client.files.create(file=file, purpose="batch")
        return lambda: client.uploads.upload_file_chunked(file=file, mime_type="text/jsonl", purpose="batch")

    return prepare


def stream(file: Path, url: str) -> Callable[[], object]:
    """What carries our bytes, with nothing around them and nothing done to them: the limit."""
    import httpx  # noqa: PLC0415 - likewise

    def blocks() -> Iterator[bytes]:
        with file.open("rb", buffering=0) as content:
            while block := content.read(BLOCK):
                yield block

    client = httpx.Client(base_url=url)
    client.get("/files")
    headers = {"content-length": str(file.stat().st_size)}
    return lambda: client.post("/files", content=blocks(), headers=headers).raise_for_status()


def hashing(name: str) -> Way:
    """Sends nothing: what is verified cannot be sent faster than it is hashed."""

    def take(file: Path) -> None:
        with file.open("rb", buffering=0) as content:
            hashlib.file_digest(content, name)

    return lambda file, _url: partial(take, file)


WAYS: dict[str, Way] = {
    "create": official("files"),
    "chunked": official("uploads"),
    "stream": stream,
    "sha256": hashing("sha256"),
    "md5": hashing("md5"),
}


def peak() -> float:
    """The most memory that this process has held, in megabytes; `ru_maxrss` is at least that of who started it."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) * 1024 / 1e6


def main() -> None:
    """Sends it."""
    way, file, url = sys.argv[1:]
    send = WAYS[way](Path(file), url)
    before, began = peak(), time.perf_counter()
    send()
    seconds = time.perf_counter() - began
    sys.stdout.write(json.dumps({"seconds": seconds, "before": before, "peak": peak()}))


if __name__ == "__main__":
    main()
