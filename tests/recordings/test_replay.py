"""Each recording replays through the client. Files in this folder are recordings of services, sent in by users.

The emulator is recorded at the time of the test, so that no recording of it gets out of date.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pydantic import BaseModel
from tests.fake_clock import FakeClock
from tests.recordings.replay import Replay, content_of, reader_of
from tests.support import ADMIN_KEY, API_KEY
from tools.record.__main__ import main
from tools.record.recording import Recording, load

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._service_profiles import PROFILES
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft.emulator.service_modes import MODES
from pulumi_openai_ft.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.record.recording import Exchange

FROM_SERVICES = sorted(Path(__file__).parent.glob("*.json"))
KEY_LIKE = "sk-"
LENIENT = ("error",)
"""Fields in which services use other forms: a text or an empty object."""


@pytest.fixture(
    scope="module",
    params=[*MODES, *FROM_SERVICES],
    ids=lambda source: source.stem if isinstance(source, Path) else f"emulator-{source}",
)
def recording(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    if isinstance(request.param, Path):
        return load(request.param)
    path = tmp_path_factory.mktemp("recording") / "emulator.json"
    assert main(["emulate", request.param, "--train", "--yes", "--output", str(path)]) == 0
    return load(path)


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    with Replay() as server:
        yield server


@pytest.fixture
def client(replay: Replay, recording: Recording) -> Iterator[Client]:
    settings = Settings(
        api_key=API_KEY,
        admin_key=ADMIN_KEY,
        base_url=replay.url,
        max_retries=0,
        profile=replace(PROFILES[recording.service]),
    )
    client = Client(settings, FakeClock().time)
    yield client
    client.close()


def outcome_of(exchange: Exchange, replay: Replay, client: Client) -> Any:
    """Read the exchange's response with the client. Return the result or the error."""
    read = reader_of(exchange)
    assert read is not None
    replay.response = exchange.response
    replay.requests.clear()
    try:
        return read(client)
    except ServiceError as error:
        return error


def problems_of(exchange: Exchange, outcome: Any) -> list[str]:
    """Name each value that the client reads differently than it was recorded."""
    differences = differences_of_error if isinstance(outcome, ServiceError) else differences_of_result
    return [f"{exchange.step}: {problem}" for problem in differences(exchange, outcome)]


def differences_of_error(exchange: Exchange, error: ServiceError) -> Iterator[str]:
    response = exchange.response
    if response.is_success and isinstance(response.body, dict):
        yield f"the client raised {error!r} for status {response.status}"
    if error.status != response.status:
        yield f"status {error.status} instead of {response.status}"
    body = response.body.get("error") if isinstance(response.body, dict) else None
    if not isinstance(body, dict):
        return
    for name in ("code", "param"):
        if isinstance(body.get(name), str) and getattr(error, name) != body[name]:
            yield f"{name} {getattr(error, name)!r} instead of {body[name]!r}"
    message = body.get("message")
    if isinstance(message, str) and KEY_LIKE not in message and message.rstrip(".") not in str(error):
        yield f"the message {message!r} is not in {error}"


def differences_of_result(exchange: Exchange, result: Any) -> Iterator[str]:
    response = exchange.response
    if not response.is_success:
        yield f"no error for status {response.status}"
    elif isinstance(result, bytes):
        if result != content_of(response):
            yield "another content"
    elif isinstance(result, list):
        data = response.body["data"] or []
        if len(result) != len(data):
            yield f"{len(result)} elements instead of {len(data)}"
        for recorded, found in zip(data, result, strict=False):
            yield from differences_of_object(recorded, found)
    elif isinstance(result, BaseModel):
        yield from differences_of_object(response.body, result)
    elif result is not None:
        yield f"unexpected result {result!r}"


def differences_of_object(recorded: dict[str, Any], found: BaseModel) -> Iterator[str]:
    read = found.model_dump()
    for name, value in recorded.items():
        if value is None or name in LENIENT or (is_time(name) and not isinstance(value, int)):
            continue
        if comparable(name, value) != comparable(name, read.get(name)):
            yield f"{name} is {read.get(name)!r} instead of {value!r}"


def is_time(name: str) -> bool:
    return name.endswith("_at") or name == "estimated_finish"


def comparable(name: str, value: Any) -> Any:
    """Leave out nulls, which the client may read as missing fields. It reads values of metadata as texts."""
    if isinstance(value, dict):
        items = {key: comparable(name, item) for key, item in value.items() if item is not None}
        return {key: str(item) for key, item in items.items()} if name == "metadata" else items
    return [comparable(name, item) for item in value] if isinstance(value, list) else value


def test_every_response_is_read_by_the_client(recording: Recording, replay: Replay, client: Client) -> None:
    problems, unread = [], []
    for exchange in recording.exchanges:
        if reader_of(exchange) is None:
            unread.append(exchange.step)
            continue
        problems += problems_of(exchange, outcome_of(exchange, replay, client))
        if replay.requests[0] != (exchange.request.method, f"/v1{exchange.request.path}"):
            problems.append(f"{exchange.step}: the client sent {replay.requests[0]}")

    assert problems == []
    assert len(unread) < len(recording.exchanges) / 2


def test_replay_finds_a_value_read_differently(recording: Recording, replay: Replay, client: Client) -> None:
    exchange = next(one for one in recording.exchanges if one.step == "read the job")
    altered = copy.deepcopy(exchange)
    altered.response.body["model"] = "another-model"

    problems = problems_of(altered, outcome_of(exchange, replay, client))

    assert problems == [f"read the job: model is {recording.model!r} instead of 'another-model'"]


def test_replay_finds_an_error_read_differently(recording: Recording, replay: Replay, client: Client) -> None:
    exchange = next(one for one in recording.exchanges if one.step == "read an unknown file")
    altered = copy.deepcopy(exchange)
    altered.response.status = 418

    problems = problems_of(altered, outcome_of(exchange, replay, client))

    assert problems == ["read an unknown file: status 404 instead of 418"]
