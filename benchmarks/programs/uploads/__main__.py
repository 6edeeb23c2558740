# ruff: noqa: INP001 - a program
"""Uploads FILE to URL in one WAY of several, and says how long that took and by how much memory grew."""

import hashlib
import http.client
import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

API_KEY = "sk-proj-benchmarks-0123456789"
BLOCK = 1 << 20
NEVER, USUALLY = "1000000", "64"
"""Megabytes above which ours goes in parts."""


def ours(above: str) -> Callable[[Path, str], Callable[[], object]]:
    """Ours, as the host does it."""

    def prepare(file: Path, url: str) -> Callable[[], object]:
        from pulumi.dynamic import Config, ConfigureRequest  # noqa: PLC0415 - each way pays for what it needs alone

        from pulumi_openai_ft._providers.file import FileProvider  # noqa: PLC0415 - likewise

        config = {"apiKey": API_KEY, "baseUrl": url, "uploadPartsAbove": above}
        provider = FileProvider()
        settings = {f"openai-ft:{key}": value for key, value in config.items()}
        provider.configure(ConfigureRequest(Config(settings, "benchmarks")))
        next(provider.api.files(limit=1), None)
        inputs = {"file": str(file), "sha256": hashlib.file_digest(file.open("rb"), "sha256").hexdigest()}
        return lambda: provider.create(inputs)

    return prepare


def official(way: str) -> Callable[[Path, str], Callable[[], object]]:
    """The official client's."""

    def prepare(file: Path, url: str) -> Callable[[], object]:
        import openai  # noqa: PLC0415 - likewise

        client = openai.OpenAI(api_key=API_KEY, base_url=url)
        client.files.list(limit=1)
        if way == "files":
            return lambda: client.files.create(file=file, purpose="fine-tune")
        return lambda: client.uploads.upload_file_chunked(
            file=file, mime_type="text/jsonl", purpose="fine-tune"
        )

    return prepare


def plain(file: Path, url: str) -> Callable[[], object]:
    """Reads and sends, and does nothing else."""
    address = urlsplit(url)
    head = (
        b'--b\r\ncontent-disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n'
        b'--b\r\ncontent-disposition: form-data; name="file"; filename="data.jsonl"\r\n\r\n'
    )
    tail = b"\r\n--b--\r\n"
    headers = {
        "authorization": f"Bearer {API_KEY}",
        "content-type": "multipart/form-data; boundary=b",
        "content-length": str(len(head) + file.stat().st_size + len(tail)),
    }

    def send() -> None:
        connection = http.client.HTTPConnection(address.netloc)
        connection.putrequest("POST", f"{address.path}/files")
        for name, value in headers.items():
            connection.putheader(name, value)
        connection.endheaders(head)
        with file.open("rb") as content:
            while block := content.read(BLOCK):
                connection.send(block)
        connection.send(tail)
        answer = connection.getresponse()
        assert answer.status == http.HTTPStatus.OK, answer.read()

    return send


WAYS = {
    "piece": ours(NEVER),
    "parts": ours(USUALLY),
    "create": official("files"),
    "chunked": official("uploads"),
    "plain": plain,
}


def main() -> None:
    """Uploads it."""
    way, file, url = sys.argv[1:]
    send = WAYS[way](Path(file), url)
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    send()
    seconds, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    sys.stdout.write(
        json.dumps({"seconds": seconds, "megabytes": (after.ru_maxrss - before.ru_maxrss) / 1000})
    )


if __name__ == "__main__":
    main()
