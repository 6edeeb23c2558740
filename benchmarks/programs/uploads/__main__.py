# ruff: noqa: INP001 - a program
"""Upload FILE to URL in a WAY, and print the duration and the growth of the memory."""

import hashlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

API_KEY = "sk-proj-benchmarks-0123456789"
BLOCK = 1 << 19
"""Bytes per write. The stream is slower with smaller and with larger blocks."""
Way = Callable[[Path, str], Callable[[], object]]


def official(way: str) -> Way:
    """Return a way that uploads with the official client."""

    def prepare(file: Path, url: str) -> Callable[[], object]:
        import openai  # noqa: PLC0415 - each way loads only the modules that it needs

        client = openai.OpenAI(api_key=API_KEY, base_url=url)
        client.files.list(limit=1)
        if way == "files":
            return lambda: client.files.create(file=file, purpose="batch")
        return lambda: client.uploads.upload_file_chunked(file=file, mime_type="text/jsonl", purpose="batch")

    return prepare


def stream(file: Path, url: str) -> Callable[[], object]:
    """Upload with plain httpx, without any processing. This is the upper limit of the speed."""
    import httpx  # noqa: PLC0415 - as above

    def blocks() -> Iterator[bytes]:
        with file.open("rb", buffering=0) as content:
            while block := content.read(BLOCK):
                yield block

    client = httpx.Client(base_url=url)
    client.get("/files")
    headers = {"content-length": str(file.stat().st_size)}
    return lambda: client.post("/files", content=blocks(), headers=headers).raise_for_status()


def hashing(name: str) -> Way:
    """Return a way that only hashes the file. A verified upload cannot be faster."""

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
    """Return the peak memory of this process in megabytes. `ru_maxrss` would include the parent process."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status["VmHWM"].split()[0]) * 1024 / 1e6


def main() -> None:
    """Run the command line."""
    way, file, url = sys.argv[1:]
    send = WAYS[way](Path(file), url)
    before, began = peak(), time.perf_counter()
    send()
    seconds = time.perf_counter() - began
    sys.stdout.write(json.dumps({"seconds": seconds, "before": before, "peak": peak()}))


if __name__ == "__main__":
    main()
