from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import openai
import pytest
from tests.serve.support import (
    Models,
    Service,
    ask,
    problem,
    serving,
    stand_in_python,
    streamed,
    write_models,
)

from pulumi_openai_ft.serve.answers.embedded import EmbeddedAnswerer, EmbeddedSettings
from pulumi_openai_ft.serve.chat import ChatLimits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def service(tmp_path: Path) -> Iterator[Service]:
    """Start a service that answers one request at a time."""
    models: Models = write_models(tmp_path)
    settings = EmbeddedSettings(stand_in_python(tmp_path), timeout=10)
    limits = ChatLimits(max_tokens=50, in_flight=1)
    with serving(lambda: EmbeddedAnswerer(settings), models.resolve, limits) as running:
        yield running


def test_request_beyond_the_limit_is_refused(service: Service) -> None:
    client = service.client()
    with ask(client, "count 50", stream=True) as stream:
        next(iter(stream))
        with pytest.raises(openai.RateLimitError) as caught:
            ask(client, "hello")

    assert problem(caught.value)["code"] == "rate_limit_exceeded"
    assert caught.value.response.headers["retry-after"] == "5"


def _fail(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        streamed(client, "refuse")


def _leave(client: openai.OpenAI) -> None:
    with ask(client, "count 50", stream=True) as stream:
        next(iter(stream))


def _time_out(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APITimeoutError):
        ask(client.with_options(timeout=0.3, max_retries=0), "hang")


def _time_out_before_the_stream(client: openai.OpenAI) -> None:
    with pytest.raises(openai.APITimeoutError):
        streamed(client.with_options(timeout=0.3, max_retries=0), "hang")


def _ask_for_an_unknown_model(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        ask(client, "hello", "unknown")


def _send_an_invalid_body(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError):
        ask(client, "hello", temperature=5)


@pytest.mark.parametrize(
    "end",
    [
        ask,
        streamed,
        _fail,
        _leave,
        _time_out,
        _time_out_before_the_stream,
        _ask_for_an_unknown_model,
        _send_an_invalid_body,
    ],
)
def test_each_end_makes_room_for_the_next(service: Service, end: Callable[..., Any]) -> None:
    client = service.client(max_retries=5)
    end(client, *(["hello"] if end in (ask, streamed) else []))

    assert ask(client, "hello").choices[0].message.content == "adapter-1 hello"


def test_client_waits_for_room_with_its_retries(service: Service) -> None:
    client = service.client(max_retries=10)
    started = time.monotonic()
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda n: ask(client, f"hello {n}"), range(3)))

    assert len(answers) == 3
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'{"model": NaN}'])
def test_invalid_body_is_refused(service: Service, body: bytes) -> None:
    client = service.client()

    with pytest.raises(openai.BadRequestError):
        client.post("/chat/completions", content=body, cast_to=object)


def test_request_needs_a_known_key(service: Service) -> None:
    with pytest.raises(openai.AuthenticationError):
        ask(service.client("proj_unknown"), "hello")
