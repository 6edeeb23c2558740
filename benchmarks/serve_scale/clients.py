"""Clients of the service: some submit jobs, others poll. Each is a thread with a separate connection."""

from __future__ import annotations

import json
import re
import time
from dataclasses import dataclass, field
from http.client import HTTPConnection
from random import Random
from statistics import quantiles
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROWS = b"".join(
    b'{"messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "%d"}]}\n' % row
    for row in range(10)
)
BOUNDARY = "simulation"
_JOB_ID = re.compile(rb'"id":"(ftjob-[^"]+)"')  # cheaper than parsing the list
LIST = "/v1/fine_tuning/jobs?limit=100"
"""The largest page, which the provider requests, too."""


class Client:
    """A connection to the service."""

    def __init__(self, url: str, key: str) -> None:
        self._connection = HTTPConnection(urlsplit(url).netloc, timeout=60)
        self._headers = {"Authorization": f"Bearer {key}"}

    def get(self, path: str) -> bytes:
        """Return the body of a response to a GET request."""
        return self._request("GET", path)

    def submit(self, model: str, token: str) -> str:
        """Look for a job with a token, as the provider does, upload a training file, and create a job. Return its id."""
        if jobs := json.loads(self.get(f"{LIST}&metadata[token]={token}"))["data"]:
            return str(jobs[0]["id"])
        file = json.loads(self._request("POST", "/v1/files", *_multipart()))["id"]
        order = json.dumps(
            {"model": model, "training_file": file, "seed": 7, "metadata": {"token": token}}
        ).encode()
        job = self._request("POST", "/v1/fine_tuning/jobs", order, {"Content-Type": "application/json"})
        return str(json.loads(job)["id"])

    def jobs(self) -> list[dict[str, Any]]:
        """Return all jobs of the project."""
        found: list[dict[str, Any]] = []
        has_more = True
        while has_more:
            after = f"&after={found[-1]['id']}" if found else ""
            page = json.loads(self.get(f"{LIST}{after}"))
            found += page["data"]
            has_more = page["has_more"]
        return found

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> bytes:
        self._connection.request(method, path, body, {**self._headers, **(headers or {})})
        response = self._connection.getresponse()
        content = response.read()
        if response.status >= 300:  # noqa: PLR2004  # all other statuses are failures
            raise RequestFailedError(f"{method} {path} returned {response.status}: {content.decode()}")
        return content


class RequestFailedError(Exception):
    """The service refused a request."""


@dataclass
class Latencies:
    """The durations of requests in seconds, by kind."""

    samples: dict[str, list[float]] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def add(self, kind: str, seconds: float) -> None:
        """Add a sample."""
        with self._lock:
            self.samples.setdefault(kind, []).append(seconds)

    def p95(self, kind: str) -> float:
        """Return the 95th percentile of a kind of request."""
        return percentile(self.samples[kind], 95)


def percentile(samples: Sequence[float], number: int) -> float:
    """Return a percentile of samples."""
    return samples[0] if len(samples) == 1 else quantiles(samples, n=100, method="inclusive")[number - 1]


class Pollers:
    """Threads that poll as watchers of jobs do: all jobs of the project, a job, and its events.

    Args:
        url: Base URL of the service.
        keys: Keys of the projects, among which the clients are distributed.
        every: Seconds between the starts of two polls of a client.
    """

    def __init__(self, url: str, keys: Sequence[str], every: float) -> None:
        self.latencies = Latencies()
        self._url = url
        self._keys = keys
        self._every = every
        self._stopped = Event()
        self._threads: list[Thread] = []

    @property
    def count(self) -> int:
        """Return the number of clients."""
        return len(self._threads)

    def add(self, count: int) -> None:
        """Start more clients, at moments that are spread over the interval."""
        for _ in range(count):
            number = len(self._threads)
            thread = Thread(target=self._poll, args=(number,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """Stop all clients."""
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _poll(self, number: int) -> None:
        random = Random(number)  # noqa: S311  # no secret
        client = Client(self._url, self._keys[number % len(self._keys)])
        due = time.monotonic() + random.random() * self._every
        while not self._stopped.wait(max(due - time.monotonic(), 0)):
            try:
                self._poll_once(client, random)
            except (OSError, RequestFailedError) as error:
                self.latencies.failures.append(str(error))
                client.close()
            due = max(due + self._every, time.monotonic())
        client.close()

    def _poll_once(self, client: Client, random: Random) -> None:
        listed = self._timed("list", client, LIST)
        if jobs := _JOB_ID.findall(listed):
            job = f"/v1/fine_tuning/jobs/{random.choice(jobs).decode()}"
            self._timed("job", client, job)
            self._timed("events", client, f"{job}/events?limit=100")

    def _timed(self, kind: str, client: Client, path: str) -> bytes:
        started = time.perf_counter()
        content = client.get(path)
        self.latencies.add(kind, time.perf_counter() - started)
        return content


def _multipart() -> tuple[bytes, dict[str, str]]:
    parts = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nfine-tune\r\n'.encode(),
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="rows.jsonl"\r\n\r\n'.encode(),
        ROWS,
        f"\r\n--{BOUNDARY}--\r\n".encode(),
    )
    return b"".join(parts), {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}
