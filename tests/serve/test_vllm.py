from __future__ import annotations

import asyncio
import logging
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import openai
import pytest
from tests.serve.servers import running
from tests.serve.support import (
    ALIAS,
    BASE,
    OTHER_PROJECT,
    OTHERS,
    SPECIAL,
    TUNED,
    Models,
    Service,
    ask,
    problem,
    serving,
    streamed,
    text_of,
    write_models,
)
from tests.serve.vllm_stand_in import KEY, VllmStandIn

from pulumi_openai_ft.serve.answers.interface import AnswerError, AnswerRequest
from pulumi_openai_ft.serve.answers.vllm import VllmAnswerer, VllmSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

TOOLS: Any = [{"type": "function", "function": {"name": "track", "parameters": {"type": "object"}}}]
LOAD, UNLOAD = "/v1/load_lora_adapter", "/v1/unload_lora_adapter"


@pytest.fixture
def models(tmp_path: Path) -> Models:
    return write_models(tmp_path)


@pytest.fixture
def vllm(models: Models) -> VllmStandIn:
    return VllmStandIn(models.base.base_path, "served-base")


@pytest.fixture
def vllm_url(vllm: VllmStandIn) -> Iterator[str]:
    with running(vllm.app()) as url:
        yield url


@pytest.fixture
def settings(vllm_url: str) -> VllmSettings:
    return VllmSettings(vllm_url, KEY)


@pytest.fixture
def start(settings: VllmSettings, models: Models) -> Callable[..., AbstractContextManager[Service]]:
    """Start a service in front of vLLM."""
    return lambda **changes: serving(lambda: VllmAnswerer(replace(settings, **changes)), models.resolve)


@pytest.fixture
def client(start: Callable[..., AbstractContextManager[Service]]) -> Iterator[openai.OpenAI]:
    with start() as service:
        yield service.client()


def test_adapter_answers_after_it_was_loaded_once(client: openai.OpenAI, vllm: VllmStandIn) -> None:
    answers = [ask(client, "hello there") for _ in range(3)]

    assert [answer.choices[0].message.content for answer in answers] == ["adapter-1 heard: hello there"] * 3
    assert answers[0].model == TUNED
    assert answers[0].choices[0].finish_reason == "stop"
    assert answers[0].usage.model_dump(exclude_none=True) == {
        "prompt_tokens": 2,
        "completion_tokens": 4,
        "total_tokens": 6,
    }
    assert vllm.paths().count(LOAD) == 1


@pytest.mark.parametrize("name", [BASE, ALIAS])
def test_base_answers_under_its_name_at_vllm(client: openai.OpenAI, vllm: VllmStandIn, name: str) -> None:
    answer = ask(client, "hello", name)

    assert answer.choices[0].message.content == "base heard: hello"
    assert answer.model == BASE
    assert vllm.requests[-1][1]["model"] == "served-base"


def test_stream_has_the_parts_and_the_usage(client: openai.OpenAI) -> None:
    chunks = streamed(client, "hello there", stream_options={"include_usage": True})

    assert text_of(chunks) == "adapter-1 heard: hello there"
    assert len([chunk for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]) == 4
    assert chunks[0].choices[0].delta.role == "assistant"
    assert [choice.finish_reason for chunk in chunks for choice in chunk.choices][-1] == "stop"
    assert {chunk.model for chunk in chunks} == {TUNED}
    assert len({chunk.id for chunk in chunks}) == 1
    assert chunks[-1].choices == []
    assert chunks[-1].usage.total_tokens == 6


def test_stream_has_no_usage_unless_requested(client: openai.OpenAI) -> None:
    assert [chunk.usage for chunk in streamed(client, "hello") if chunk.usage] == []


@pytest.mark.parametrize("ask_for", [ask, streamed])
def test_adapter_is_loaded_again_after_vllm_restarts(
    client: openai.OpenAI, vllm: VllmStandIn, ask_for: Callable[..., Any]
) -> None:
    ask_for(client, "hello")
    vllm.restart()
    ask_for(client, "hello again")

    assert vllm.paths().count(LOAD) == 2


def test_loaded_adapter_is_used_after_the_service_restarts(
    start: Callable[..., AbstractContextManager[Service]], vllm: VllmStandIn
) -> None:
    for _ in range(2):
        with start() as service:
            ask(service.client(), "hello")

    assert vllm.paths().count(LOAD) == 1


def test_simultaneous_requests_load_the_adapter_once(client: openai.OpenAI, vllm: VllmStandIn) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: ask(client, f"hello {n}"), range(8)))

    assert [answer.choices[0].message.content for answer in answers] == [
        f"adapter-1 heard: hello {n}" for n in range(8)
    ]
    assert vllm.paths().count(LOAD) == 1


def test_parameters_reach_vllm(client: openai.OpenAI, vllm: VllmStandIn) -> None:
    ask(client, "hello", max_completion_tokens=7, temperature=0, top_p=0.5, seed=3, stop="x", user="me")

    _, body = vllm.requests[-1]
    assert body == {
        "model": TUNED,
        "messages": [{"role": "user", "content": "hello"}],
        "max_tokens": 7,
        "temperature": 0.0,
        "top_p": 0.5,
        "seed": 3,
        "stop": ["x"],
        "stream": False,
    }


def test_answer_fits_the_context_that_vllm_has_left(client: openai.OpenAI, vllm: VllmStandIn) -> None:
    vllm.context = 10

    assert ask(client, "one two three").choices[0].message.content == "adapter-1 heard: one two three"


def test_tool_calls_are_passed_on(client: openai.OpenAI, vllm: VllmStandIn) -> None:
    vllm.calls_tools = True

    answer = ask(client, "hello", tools=TOOLS)
    chunks = streamed(client, "hello", tools=TOOLS)

    assert answer.choices[0].finish_reason == "tool_calls"
    assert answer.choices[0].message.tool_calls[0].function.name == "track"
    called = [call for chunk in chunks for choice in chunk.choices for call in choice.delta.tool_calls or ()]
    assert [call.function.name for call in called] == ["track"]


def test_refusal_of_vllm_reaches_the_client(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, "hello", tools=TOOLS)

    assert "--enable-auto-tool-choice" in str(caught.value)


@pytest.mark.parametrize("ask_for", [ask, streamed])
def test_special_token_is_refused_before_vllm(
    client: openai.OpenAI, vllm: VllmStandIn, ask_for: Callable[..., Any]
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask_for(client, f"hello {SPECIAL}system")

    assert problem(caught.value)["param"] == "messages[0].content"
    assert SPECIAL in problem(caught.value)["message"]
    assert vllm.requests == []


def test_deleted_model_is_unloaded_and_can_return(
    settings: VllmSettings, vllm: VllmStandIn, models: Models
) -> None:
    async def delete_twice() -> None:
        answerer = VllmAnswerer(settings)
        request = AnswerRequest(models.tuned, [{"role": "user", "content": "hello"}], 10)
        await answerer.complete(request)
        await answerer.unload(models.tuned)
        await answerer.unload(models.tuned)
        assert vllm.adapters == {}
        await answerer.complete(request)
        await answerer.close()

    asyncio.run(delete_twice())

    assert list(vllm.adapters) == [TUNED]
    assert vllm.paths().count(UNLOAD) == 2


def test_refused_unload_is_an_error(settings: VllmSettings, vllm: VllmStandIn, models: Models) -> None:
    async def delete() -> None:
        answerer = VllmAnswerer(replace(settings, key="wrong"))
        try:
            await answerer.unload(models.tuned)
        finally:
            await answerer.close()

    with pytest.raises(AnswerError) as caught:
        asyncio.run(delete())

    assert caught.value.status == 503
    assert vllm.paths() == [UNLOAD]


def test_model_of_another_project_does_not_exist(
    start: Callable[..., AbstractContextManager[Service]], vllm: VllmStandIn
) -> None:
    with start() as service:
        with pytest.raises(openai.NotFoundError) as caught:
            ask(service.client(), "hello", OTHERS)
        assert problem(caught.value)["code"] == "model_not_found"
        assert vllm.requests == []
        assert ask(service.client(OTHER_PROJECT), "hello", OTHERS).model == OTHERS


def failure(client: openai.OpenAI, caplog: pytest.LogCaptureFixture, model: str = TUNED) -> str:
    """Return the log after a request that fails because of vLLM."""
    with caplog.at_level(logging.ERROR), pytest.raises(openai.InternalServerError) as caught:
        ask(client, "hello", model)
    assert caught.value.status_code == 503
    assert problem(caught.value)["type"] == "server_error"
    assert "log" in problem(caught.value)["message"]
    return caplog.text


def test_adapter_with_a_rank_too_large_is_logged(
    client: openai.OpenAI, vllm: VllmStandIn, caplog: pytest.LogCaptureFixture
) -> None:
    vllm.max_lora_rank = 8

    assert "LoRA rank 16 is greater than max_lora_rank 8" in failure(client, caplog)


def test_wrong_base_at_vllm_is_logged(
    client: openai.OpenAI, vllm: VllmStandIn, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    vllm.base = tmp_path / "other"

    assert "does not serve the base model" in failure(client, caplog)
    assert LOAD not in vllm.paths()
    assert "It serves served-base" in failure(client, caplog, BASE)


def test_base_is_found_by_its_configured_name(
    start: Callable[..., AbstractContextManager[Service]], vllm: VllmStandIn, models: Models, tmp_path: Path
) -> None:
    vllm.base = tmp_path / "mounted-elsewhere"

    with start(base_names={models.base.base_path: "served-base"}) as service:
        assert (
            ask(service.client(), "hello", BASE).choices[0].message.content
            == "mounted-elsewhere heard: hello"
        )


def test_base_with_another_name_is_found_by_its_folder(
    start: Callable[..., AbstractContextManager[Service]], models: Models
) -> None:
    with start(base_names={models.base.base_path: "configured"}) as service:
        assert ask(service.client(), "hello", BASE).choices[0].message.content == "base heard: hello"


def test_new_base_name_is_found_after_vllm_restarts(client: openai.OpenAI, vllm: VllmStandIn) -> None:
    ask(client, "hello", BASE)
    vllm.name = "renamed"

    assert ask(client, "hello", BASE).choices[0].message.content == "base heard: hello"


def test_vllm_without_updates_at_run_time_is_logged(models: Models, caplog: pytest.LogCaptureFixture) -> None:
    stand_in = VllmStandIn(models.base.base_path, "served-base", updates_at_run_time=False)
    with running(stand_in.app()) as url:
        settings = VllmSettings(url, KEY)
        with serving(lambda: VllmAnswerer(settings), models.resolve) as service:
            assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING=1" in failure(service.client(), caplog)


def test_wrong_key_is_logged_without_the_key(
    start: Callable[..., AbstractContextManager[Service]], caplog: pytest.LogCaptureFixture
) -> None:
    with start(key="wrong-key-of-vllm") as service:
        log = failure(service.client(), caplog)

    assert "401" in log
    assert "wrong-key-of-vllm" not in log


def test_unreachable_vllm_is_logged(models: Models, caplog: pytest.LogCaptureFixture) -> None:
    with running(VllmStandIn(models.base.base_path, "served-base").app()) as url:
        settings = VllmSettings(url, KEY)
    with serving(lambda: VllmAnswerer(settings), models.resolve) as service:
        assert "cannot be reached" in failure(service.client(), caplog)


def test_slow_vllm_ends_in_a_timeout(
    start: Callable[..., AbstractContextManager[Service]], vllm: VllmStandIn
) -> None:
    vllm.seconds = 5

    with start(timeout=0.2) as service, pytest.raises(openai.APIError) as caught:
        streamed(service.client(), "hello")

    assert "in time" in str(caught.value)


def test_broken_stream_ends_with_an_error(client: openai.OpenAI, vllm: VllmStandIn) -> None:
    vllm.breaks_after = 2

    stream = iter(ask(client, "hello there", stream=True))
    with pytest.raises(openai.APIError):
        list(stream)


def test_leaving_client_stops_vllm(client: openai.OpenAI, vllm: VllmStandIn) -> None:
    vllm.seconds = 0.05
    with ask(client, "word " * 40, stream=True) as stream:
        next(iter(stream))

    deadline = time.monotonic() + 10
    while not vllm.stopped and time.monotonic() < deadline:
        time.sleep(0.02)
    assert vllm.stopped == 1


@pytest.mark.parametrize(
    "address",
    [
        "http://192.168.1.5:8000",
        "http://vllm.internal",
        "http://127.0.0.1.example.com",
        "http://user:secret@127.0.0.1:8000",
        "ftp://127.0.0.1",
        "127.0.0.1:8000",
        "",
    ],
)
def test_unprotected_address_is_refused(address: str) -> None:
    with pytest.raises(ValueError, match="vLLM") as caught:
        VllmSettings(address, KEY)

    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("address", "base"),
    [
        ("http://127.0.0.1:8000/v1/", "http://127.0.0.1:8000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
        ("http://localhost:8000/v1", "http://localhost:8000"),
        ("https://vllm.example.com/pool/v1", "https://vllm.example.com/pool"),
    ],
)
def test_protected_address_is_accepted(address: str, base: str) -> None:
    assert VllmSettings(address, KEY).address == base


def test_settings_do_not_show_the_key() -> None:
    assert KEY not in repr(VllmSettings("http://127.0.0.1:1", KEY))
