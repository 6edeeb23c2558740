"""Tests by the official client: it validates every response strictly, and never retries.

A test that uses `service`, also through other fixtures, runs against the emulator and against `serve` with the stand-in
trainer. A test of simulated time, injected faults or other parts of the emulator uses `emulator` or `paced` instead.
"""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import openai
import pytest
from tests.contract.served import ContractService
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


ENDED = ("succeeded", "failed", "cancelled")
SECONDS_TO_END = 60.0


class HasUrl(Protocol):
    @property
    def url(self) -> str: ...


@dataclass(frozen=True)
class Service:
    """A service under test, and the keys of a project that has no objects yet."""

    name: str
    url: str
    project: str
    key: str
    admin_key: str


class Connect(Protocol):
    def __call__(self, service: HasUrl, key: str = ..., **options: Any) -> openai.OpenAI: ...


class Upload(Protocol):
    def __call__(self, client: openai.OpenAI, method: str = ..., rows: int = ...) -> FileObject: ...


class Train(Protocol):
    def __call__(self, client: openai.OpenAI, **request: Any) -> FineTuningJob: ...


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test of `service` against each service, or against the emulator alone if it uses a part of the emulator."""
    if "service" in metafunc.fixturenames:
        only_emulator = {"emulator", "paced"} & set(metafunc.fixturenames)
        metafunc.parametrize(
            "service", ["emulator"] if only_emulator else ["emulator", "serve"], indirect=True
        )


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
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContractService]:
    with ContractService.configure(tmp_path_factory.mktemp("served")) as running:
        yield running


@pytest.fixture
def service(request: pytest.FixtureRequest) -> Iterator[Service]:
    """Return the service of this run of the test."""
    if request.param == "emulator":
        url = request.getfixturevalue("emulator").url
        yield Service("emulator", url, "proj_default", PROJECT_KEY, ADMIN_KEY)
        return
    running: ContractService = request.getfixturevalue("served")
    project, key = running.add_project()
    yield Service("serve", running.url, project, key, running.admin_key)
    running.cancel_jobs(key)


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

    def make(service: HasUrl, key: str = PROJECT_KEY, **options: Any) -> openai.OpenAI:
        defaults = {"max_retries": 0, "timeout": 10, "_strict_response_validation": True}
        # Without TLS the client needs no CA certificates, which take 50 ms to load.
        transport = openai.DefaultHttpxClient(trust_env=False, verify=False)
        client = openai.OpenAI(
            base_url=service.url, api_key=key, http_client=transport, **(defaults | options)
        )
        clients.append(client)
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(service: Service, connect: Connect) -> openai.OpenAI:
    return connect(service, service.key)


@pytest.fixture
def admin(service: Service, connect: Connect) -> openai.OpenAI:
    """Return an admin client.

    The client sends its `api_key` on permission calls, so it cannot be the project's.
    """
    return connect(service, service.admin_key)


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
def ended(client: openai.OpenAI) -> Callable[[FineTuningJob], FineTuningJob]:
    """Return a function that waits until a job has ended, and returns it. The emulator's jobs end at the first poll."""

    def wait(job: FineTuningJob) -> FineTuningJob:
        deadline = time.monotonic() + SECONDS_TO_END
        while (found := client.fine_tuning.jobs.retrieve(job.id)).status not in ENDED:
            assert time.monotonic() < deadline, f"{job.id} is still {found.status}"
            time.sleep(0.02)
        return found

    return wait


@pytest.fixture
def trained(
    client: openai.OpenAI, train: Train, ended: Callable[[FineTuningJob], FineTuningJob]
) -> Callable[..., FineTuningJob]:
    """Return a function that creates a job and returns it once it has ended."""

    def create_and_wait(**request: Any) -> FineTuningJob:
        return ended(train(client, **request))

    return create_and_wait
