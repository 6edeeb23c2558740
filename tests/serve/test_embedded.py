from __future__ import annotations

import asyncio
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import openai
import pytest
from tests.serve.support import (
    BASE,
    TUNED,
    Models,
    Service,
    ask,
    problem,
    serving,
    stand_in_python,
    streamed,
    text_of,
    write_models,
)

from pulumi_openai_ft.serve.answers.embedded import EmbeddedAnswerer, EmbeddedSettings
from pulumi_openai_ft.serve.answers.interface import AnswerRequest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

TOOLS: Any = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object"}}}
    for name in ("weather", "time")
]


@pytest.fixture
def models(tmp_path: Path) -> Models:
    return write_models(tmp_path)


@pytest.fixture
def settings(tmp_path: Path) -> EmbeddedSettings:
    return EmbeddedSettings(stand_in_python(tmp_path), timeout=10, grace=2)


@pytest.fixture
def start(settings: EmbeddedSettings, models: Models) -> Callable[..., AbstractContextManager[Service]]:
    """Start a service with the stand-in of the process that holds the models."""
    return lambda **changes: serving(lambda: EmbeddedAnswerer(replace(settings, **changes)), models.resolve)


@pytest.fixture
def client(start: Callable[..., AbstractContextManager[Service]]) -> Iterator[openai.OpenAI]:
    with start() as service:
        yield service.client()


def eventually(condition: Callable[[], Any]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "the condition did not become true"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False


def test_answer_is_complete(client: openai.OpenAI) -> None:
    answer = ask(client, "hello there")

    assert answer.choices[0].message.content == "adapter-1 hello there"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == TUNED
    assert answer.usage.model_dump(exclude_none=True) == {
        "prompt_tokens": 1,
        "completion_tokens": 3,
        "total_tokens": 4,
    }
    assert ask(client, "hello", BASE).choices[0].message.content == "base hello"


def test_stream_has_the_parts_and_the_usage(client: openai.OpenAI) -> None:
    chunks = streamed(client, "hello there", stream_options={"include_usage": True})

    assert text_of(chunks) == "adapter-1 hello there"
    assert chunks[-1].usage.completion_tokens == 3
    assert chunks[-2].choices[0].finish_reason == "stop"


def test_official_client_parses_tool_calls(client: openai.OpenAI) -> None:
    choice = ask(client, "call text weather time", tools=TOOLS).choices[0]
    only_calls = ask(client, "call weather", tools=TOOLS).choices[0]

    assert choice.finish_reason == "tool_calls"
    assert choice.message.content == "One moment."
    assert [call.function.name for call in choice.message.tool_calls] == ["weather", "time"]
    assert choice.message.tool_calls[0].function.arguments == '{"city": "Oslo"}'
    assert len({call.id for call in choice.message.tool_calls}) == 2
    assert only_calls.message.content is None


def test_official_client_accumulates_streamed_tool_calls(client: openai.OpenAI) -> None:
    question: Any = [{"role": "user", "content": "call text weather time"}]
    with client.chat.completions.stream(model=TUNED, messages=question, tools=TOOLS) as stream:
        done = [event for event in stream if event.type == "tool_calls.function.arguments.done"]
        choice = stream.get_final_completion().choices[0]

    assert [(event.name, event.arguments) for event in done] == [
        ("weather", '{"city": "Oslo"}'),
        ("time", '{"city": "Oslo"}'),
    ]
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", "One moment.")


def test_answer_with_tool_calls_can_be_sent_back(client: openai.OpenAI) -> None:
    message = ask(client, "call weather", tools=TOOLS).choices[0].message
    result: Any = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "sunny"}
    question: Any = {"role": "user", "content": "hello"}

    answer = client.chat.completions.create(
        model=TUNED, messages=[question, message, result, question], tools=TOOLS
    )

    assert answer.choices[0].message.content == "adapter-1 hello"


def test_process_receives_the_device(start: Callable[..., AbstractContextManager[Service]]) -> None:
    with start(device="cuda:1") as service:
        answer = ask(service.client(), "arguments")

    assert answer.choices[0].message.content.endswith("--adapters 4 --device cuda:1")


@pytest.mark.parametrize("ask_for", [ask, streamed])
def test_refusal_reaches_the_client(client: openai.OpenAI, ask_for: Callable[..., Any]) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask_for(client, "refuse")

    assert problem(caught.value)["param"] == "messages"


def test_failure_is_logged_but_not_shown(client: openai.OpenAI, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        ask(client, "fail")

    assert caught.value.status_code == 500
    assert "/secret/path" not in str(caught.value)
    assert "/secret/path" in caplog.text


def test_crash_ends_the_request_and_restarts_the_process(
    client: openai.OpenAI, caplog: pytest.LogCaptureFixture
) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        ask(client, "crash")

    assert caught.value.status_code == 503
    assert "exit code 3, last output: out of luck" in caplog.text
    assert ask(client, "hello").choices[0].message.content == "adapter-1 hello"


def test_crash_ends_a_stream_with_an_error(client: openai.OpenAI) -> None:
    with ThreadPoolExecutor(1) as pool:
        stream = ask(client, "count 50", stream=True)
        next(iter(stream))
        crash = pool.submit(ask, client, "crash")
        with pytest.raises(openai.APIError):
            list(stream)
        assert isinstance(crash.exception(), openai.InternalServerError)


def test_invalid_line_ends_the_process(client: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError):
        ask(client, "garbage")

    assert ask(client, "hello").choices[0].message.content == "adapter-1 hello"


def test_python_that_cannot_start_is_logged(
    start: Callable[..., AbstractContextManager[Service]], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with start(python=tmp_path / "absent") as service, pytest.raises(openai.InternalServerError) as caught:
        ask(service.client(), "hello")

    assert caught.value.status_code == 503
    assert "cannot be started" in caplog.text


def test_environment_without_torch_is_logged(
    start: Callable[..., AbstractContextManager[Service]], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    program = tmp_path / "without-torch"
    program.write_text("#!/bin/sh\necho \"ModuleNotFoundError: No module named 'torch'\" >&2\nexit 1\n")
    program.chmod(0o755)

    with start(python=program) as service, pytest.raises(openai.InternalServerError):
        ask(service.client(), "hello")

    assert "exit code 1, last output: ModuleNotFoundError: No module named 'torch'" in caplog.text


def test_answer_that_takes_too_long_is_stopped(
    start: Callable[..., AbstractContextManager[Service]], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO), start(timeout=0.5) as service:
        with pytest.raises(openai.InternalServerError) as caught:
            ask(service.client(), "hang")
        assert caught.value.status_code == 504
        eventually(lambda: "stopped early" in caplog.text)
        assert ask(service.client(), "hello").choices[0].message.content == "adapter-1 hello"


def test_process_that_ignores_a_stop_is_ended(
    start: Callable[..., AbstractContextManager[Service]], caplog: pytest.LogCaptureFixture
) -> None:
    with start(timeout=0.5, grace=0.2) as service:
        with pytest.raises(openai.InternalServerError):
            ask(service.client(), "ignore cancel")
        eventually(lambda: "does not react" in caplog.text)
        assert ask(service.client(), "hello").choices[0].message.content == "adapter-1 hello"


@pytest.mark.parametrize("stream", [True, False])
def test_leaving_client_stops_the_answer(
    client: openai.OpenAI, caplog: pytest.LogCaptureFixture, *, stream: bool
) -> None:
    with caplog.at_level(logging.INFO):
        if stream:
            with ask(client, "count 50", stream=True) as parts:
                next(iter(parts))
        else:
            with pytest.raises(openai.APITimeoutError):
                ask(client.with_options(timeout=0.5), "hang")
        eventually(lambda: "stopped early" in caplog.text)


def test_deleted_model_is_unloaded(
    settings: EmbeddedSettings, models: Models, caplog: pytest.LogCaptureFixture
) -> None:
    async def delete() -> None:
        answerer = EmbeddedAnswerer(settings)
        await answerer.unload(models.tuned)
        assert answerer.pid is None
        await answerer.complete(_request(models))
        await answerer.unload(models.tuned)
        await answerer.unload(models.base)
        await answerer.close()

    with caplog.at_level(logging.INFO):
        asyncio.run(delete())

    assert caplog.messages == [f"unloaded {models.tuned.adapter_path}"]


def test_closed_answerer_leaves_no_process(settings: EmbeddedSettings, models: Models) -> None:
    async def answer() -> int:
        answerer = EmbeddedAnswerer(settings)
        await answerer.complete(_request(models))
        pid = answerer.pid
        assert pid is not None
        assert is_alive(pid)
        await answerer.close()
        return pid

    assert not is_alive(asyncio.run(answer()))


def _request(models: Models) -> AnswerRequest:
    return AnswerRequest(models.tuned, [{"role": "user", "content": "hello"}], 10)
