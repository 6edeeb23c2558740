from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from pulumi.runtime.proto import provider_pb2
from tests.support import API_KEY, write_training_data

from pulumi_openai_ft._client.client import connect
from pulumi_openai_ft._program.functions.error_transport import encode
from pulumi_openai_ft._program.functions.lookups import LOOKUPS
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.clock import REAL_TIME
from pulumi_openai_ft._shared.state_names import TYPE_PREFIX
from pulumi_openai_ft.errors import CommandInterruptedError, InputError, NotFoundError
from pulumi_openai_ft.host._functions import invoke, respond
from pulumi_openai_ft.host._protocol import from_struct, to_struct

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from pulumi_openai_ft.emulator import Emulator


@pytest.fixture
def config(service: Emulator) -> Iterator[Callable[[str], str | None]]:
    """Return a stack's configuration, as a function of the key."""
    values = {"openai-ft:apiKey": API_KEY, "openai-ft:baseUrl": service.url, "openai-ft:maxRetries": "1"}
    yield values.get
    connect(Settings.resolve(values.get)).close()


@pytest.fixture
def file_id(config: Callable[[str], str | None], tmp_path: Path) -> str:
    with write_training_data(tmp_path / "data.jsonl").open("rb") as content:
        return connect(Settings.resolve(config)).upload_file("data.jsonl", content, purpose="evals").id


def request(name: str, **args: Any) -> provider_pb2.InvokeRequest:
    return provider_pb2.InvokeRequest(tok=TYPE_PREFIX + name, args=to_struct(args))


def answer_of(response: provider_pb2.InvokeResponse) -> dict[str, Any]:
    return from_struct(getattr(response, "return"))


def test_a_function_is_called_at_the_configured_service(config: Any, file_id: str) -> None:
    found = invoke(f"{TYPE_PREFIX}getFile", {"file_id": file_id}, config)

    assert (found["id"], found["filename"], found["purpose"]) == (file_id, "data.jsonl", "evals")


def test_arguments_come_as_the_engine_sends_them(config: Any, file_id: str) -> None:
    """Numbers arrive as floats, and unset values may be null."""
    found = invoke(f"{TYPE_PREFIX}getFiles", {"limit": 1.0, "purpose": None}, config)

    assert [file["id"] for file in found["files"]] == [file_id]


@pytest.mark.parametrize("token", [f"{TYPE_PREFIX}getMoon", "pulumi-python:dynamic/other:getFile", ""])
def test_an_unknown_function_is_refused_with_the_known_ones(config: Any, token: str) -> None:
    with pytest.raises(InputError) as refused:
        invoke(token, {}, config)

    assert str(refused.value).startswith(f"unknown function {token!r}: ")
    assert all(name in str(refused.value) for name in LOOKUPS)


def test_the_engine_gets_the_response(config: Any, file_id: str) -> None:
    response = respond(request("getFile", file_id=file_id), config)

    assert answer_of(response)["id"] == file_id
    assert not response.failures


def test_failures_carry_the_error_class_to_the_program(config: Any) -> None:
    (failure,) = respond(request("getFile", file_id="file-missing"), config).failures
    with pytest.raises(NotFoundError) as raised:
        invoke(f"{TYPE_PREFIX}getFile", {"file_id": "file-missing"}, config)

    assert failure.reason.split("; request")[0] == str(raised.value).split("; request")[0]
    assert failure.property.split("request_id")[0] == encode(raised.value).split("request_id")[0]


@pytest.mark.parametrize(
    ("name", "args", "reason"),
    [
        ("getFile", {}, "get_file: file_id: is missing"),
        ("getFile", {"file_id": "file-1", "color": "red"}, "get_file: color: is not a known property"),
        ("getMoon", {}, f"unknown function '{TYPE_PREFIX}getMoon': "),
    ],
)
def test_invalid_calls_are_reported_to_the_engine(
    config: Any, name: str, args: dict[str, Any], reason: str
) -> None:
    (failure,) = respond(request(name, **args), config).failures

    assert failure.reason.startswith(reason)


def test_invalid_settings_are_reported() -> None:
    (failure,) = respond(request("getFiles"), {"openai-ft:timeout": "soon"}.get).failures

    assert failure.reason.startswith("openai-ft:timeout is 'soon': ")


def test_an_interruption_ends_a_call_that_waits_to_retry(config: Any, service: Emulator) -> None:
    def interrupted(_seconds: float) -> None:
        raise CommandInterruptedError("interrupted")

    service.fault("GET", "/files", "status", status=503, times=None)
    time = replace(REAL_TIME, sleep=interrupted)

    (failure,) = respond(request("getFiles"), config, time).failures

    assert failure.reason == "interrupted"
    assert len(service.journal()) == 1
