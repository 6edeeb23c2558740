"""Tests by the official client: it validates every response of the emulator strictly, and never retries."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

import openai
import pytest
from tests.support import TODAY

from pulumi_openai_ft.emulator import Emulator
from pulumi_openai_ft.emulator.clock import Clock

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from openai.types import FileObject
    from openai.types.fine_tuning import FineTuningJob

MODEL = "gpt-4o-mini-2024-07-18"
PROJECT_KEY = "sk-contract-test-0001"
ADMIN_KEY = "sk-admin-contract-test-0001"

USER = {"role": "user", "content": "Where is my parcel?"}
ASSISTANT = {"role": "assistant", "content": "It left our warehouse this morning."}
ROWS: dict[str, dict[str, Any]] = {
    "supervised": {"messages": [USER, ASSISTANT]},
    "dpo": {
        "input": {"messages": [USER]},
        "preferred_output": [ASSISTANT],
        "non_preferred_output": [ASSISTANT],
    },
    "reinforcement": {"messages": [USER], "reference": "warehouse"},
}


class Connect(Protocol):
    def __call__(self, emulator: Emulator, key: str = ..., **options: Any) -> openai.OpenAI: ...


class Upload(Protocol):
    def __call__(self, client: openai.OpenAI, method: str = ..., rows: int = ...) -> FileObject: ...


class Train(Protocol):
    def __call__(self, client: openai.OpenAI, **request: Any) -> FineTuningJob: ...


@pytest.fixture(autouse=True)
def _no_settings_from_the_shell(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ORG_ID", "PROJECT_ID", "BASE_URL", "CUSTOM_HEADERS", "ADMIN_KEY", "API_KEY"):
        monkeypatch.delenv(f"OPENAI_{name}", raising=False)


@pytest.fixture(scope="session")
def _at_once() -> Iterator[Emulator]:
    with Emulator(seed=1, today=TODAY) as running:
        yield running


@pytest.fixture
def emulator(_at_once: Emulator) -> Emulator:
    """Return an empty emulator, whose jobs succeed at the first poll after their creation."""
    _at_once.reset()
    return _at_once


@pytest.fixture(scope="session")
def _by_hand() -> Iterator[Emulator]:
    with Emulator(seed=1, today=TODAY, job_seconds=120, clock=Clock.manual()) as running:
        yield running


@pytest.fixture
def paced(_by_hand: Emulator) -> Emulator:
    """Return an empty emulator, whose jobs train for 120 simulated seconds; time passes only in `advance`."""
    _by_hand.reset()
    return _by_hand


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Create clients, by default strict ones with a project key, and close them."""
    clients: list[openai.OpenAI] = []

    def make(emulator: Emulator, key: str = PROJECT_KEY, **options: Any) -> openai.OpenAI:
        defaults = {"max_retries": 0, "timeout": 10, "_strict_response_validation": True}
        # Without TLS the client needs no CA certificates, which take 50 ms to load.
        transport = openai.DefaultHttpxClient(trust_env=False, verify=False)
        client = openai.OpenAI(
            base_url=emulator.url, api_key=key, http_client=transport, **(defaults | options)
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(emulator: Emulator, connect: Connect) -> openai.OpenAI:
    return connect(emulator)


@pytest.fixture
def admin(emulator: Emulator, connect: Connect) -> openai.OpenAI:
    """Return an admin client.

    The client sends its `api_key` on permission calls, so it cannot be the project's.
    """
    return connect(emulator, ADMIN_KEY)


@pytest.fixture
def jsonl() -> Callable[..., bytes]:
    """Return a function that writes training data: `jsonl(method="dpo", rows=12)`."""

    def write(method: str = "supervised", rows: int = 10) -> bytes:
        row = json.dumps(ROWS[method])
        return "".join(row.replace("my parcel", f"parcel {n}") + "\n" for n in range(rows)).encode()

    return write


@pytest.fixture
def upload(jsonl: Callable[..., bytes]) -> Upload:
    def send(client: openai.OpenAI, method: str = "supervised", rows: int = 10) -> FileObject:
        return client.files.create(file=(f"{method}.jsonl", jsonl(method, rows)), purpose="fine-tune")

    return send


@pytest.fixture
def train(upload: Upload) -> Train:
    """Return a function that creates a job, by default with a small model and new valid data."""

    def create(client: openai.OpenAI, **request: Any) -> FineTuningJob:
        request.setdefault("model", MODEL)
        if "training_file" not in request:
            request["training_file"] = upload(client).id
        return client.fine_tuning.jobs.create(**request)

    return create


@pytest.fixture
def trained(client: openai.OpenAI, train: Train) -> Callable[..., FineTuningJob]:
    """Return a function that creates a job on the emulator whose jobs succeed at once, and retrieves it."""

    def create_and_look(**request: Any) -> FineTuningJob:
        return client.fine_tuning.jobs.retrieve(train(client, **request).id)

    return create_and_look
