from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft.serve.chat_request import ChatRequest, read_chat_request
from pulumi_openai_ft.server.errors import ApiError

USER = {"role": "user", "content": "Where is it?"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "track", "arguments": '{"order": 7}'}}
TOOL = {"type": "function", "function": {"name": "track", "parameters": {"type": "object"}}}

KEYS = (
    *(
        "model",
        "messages",
        "tools",
        "max_tokens",
        "temperature",
        "top_p",
        "seed",
        "stop",
        "stream",
        "n",
        "user",
    ),
    *("stream_options", "tool_choice", "response_format", "logit_bias", "role", "content", "type", "text"),
    *("name", "function", "arguments", "parameters", "tool_calls", "tool_call_id", "id", "refusal"),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=12,
)
PARTS = st.fixed_dictionaries({"type": st.just("text"), "text": st.text(max_size=5) | JSON})
MESSAGES = st.fixed_dictionaries(
    {"role": st.sampled_from(("system", "developer", "user", "assistant", "tool")) | JSON},
    optional={
        "content": st.text(max_size=5) | st.lists(PARTS, max_size=3) | JSON,
        "tool_calls": st.lists(st.just(CALL), max_size=2) | JSON,
        "tool_call_id": st.text(max_size=3) | JSON,
        "name": JSON,
    },
)


def read(**changes: Any) -> ChatRequest:
    return read_chat_request({"model": "tiny", "messages": [USER], **changes}, 100)


def refusal(**changes: Any) -> ApiError:
    with pytest.raises(ApiError) as caught:
        read(**changes)
    assert caught.value.status == 400
    assert caught.value.param is not None
    assert caught.value.param in caught.value.message
    return caught.value


def message_after(message: dict[str, Any]) -> dict[str, Any]:
    return read(messages=[message]).messages[0]


def test_defaults_are_those_of_the_api() -> None:
    assert read() == ChatRequest(
        model="tiny",
        messages=[USER],
        tools=None,
        max_tokens=100,
        temperature=1.0,
        top_p=1.0,
        seed=None,
        stop=(),
        stream=False,
        include_usage=False,
    )


def test_given_parameters_are_read() -> None:
    request = read(
        max_completion_tokens=7,
        temperature=0,
        top_p=0.5,
        seed=-1,
        stop=["a", "b"],
        tools=[TOOL],
        stream=True,
        stream_options={"include_usage": True},
    )

    assert (request.max_tokens, request.temperature, request.top_p, request.seed) == (7, 0.0, 0.5, -1)
    assert (request.stop, request.tools) == (("a", "b"), [TOOL])
    assert (request.stream, request.include_usage) == (True, True)


@pytest.mark.parametrize(
    "changes",
    [
        {"n": 1, "frequency_penalty": 0, "presence_penalty": 0, "logit_bias": {}, "logprobs": False},
        {"response_format": {"type": "text"}, "modalities": ["text"], "service_tier": "auto", "store": False},
        {"user": "me", "metadata": {"a": "b"}, "safety_identifier": "me", "prompt_cache_key": "k"},
        {"parallel_tool_calls": True, "tool_choice": "auto"},
        dict.fromkeys(
            ("audio", "functions", "reasoning_effort", "n", "stop", "max_tokens", "tools", "stream")
        ),
        {"stop": []},
        {"tools": []},
    ],
)
def test_parameters_without_effect_are_accepted(changes: dict[str, Any]) -> None:
    assert read(**changes) == read()


def test_tool_choice_none_drops_the_tools() -> None:
    assert read(tools=[TOOL], tool_choice="none").tools is None


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("n", 2),
        ("n", True),
        ("logprobs", True),
        ("frequency_penalty", 0.5),
        ("presence_penalty", -1),
        ("logit_bias", {"5": 1}),
        ("response_format", {"type": "json_object"}),
        ("parallel_tool_calls", False),
        ("tool_choice", "required"),
        ("tool_choice", {"type": "function", "function": {"name": "track"}}),
        ("modalities", ["text", "audio"]),
        ("store", True),
        ("service_tier", "priority"),
        ("top_logprobs", 3),
        ("audio", {"voice": "alloy"}),
        ("functions", [{"name": "track"}]),
        ("function_call", "auto"),
        ("reasoning_effort", "low"),
        ("prediction", {"type": "content", "content": "x"}),
        ("web_search_options", {}),
        ("chat_template", "{{ messages }}"),
        ("lora_path", "/etc"),
        ("top_k", 5),
    ],
)
def test_unsupported_parameter_is_named(param: str, value: Any) -> None:
    error = refusal(**{param: value})

    assert error.param == param
    assert error.code in ("unsupported_parameter", "unsupported_value")


@pytest.mark.parametrize(
    ("param", "value"),
    [
        ("model", 5),
        ("model", ""),
        ("messages", []),
        ("messages", "hello"),
        ("max_tokens", 0),
        ("max_tokens", 101),
        ("max_completion_tokens", 101),
        ("max_tokens", "5"),
        ("temperature", -0.1),
        ("temperature", 2.1),
        ("temperature", "0"),
        ("top_p", 0),
        ("top_p", 1.1),
        ("seed", 1.5),
        ("seed", 2**63),
        ("stop", ["a", "b", "c", "d", "e"]),
        ("stop", [""]),
        ("stop", ""),
        ("stream", "yes"),
        ("stream_options", {"include_usage": True}),
        ("tools", {}),
    ],
)
def test_invalid_parameter_is_named(param: str, value: Any) -> None:
    assert str(refusal(**{param: value}).param).startswith(param)


def test_both_limits_together_are_refused() -> None:
    assert refusal(max_tokens=5, max_completion_tokens=5).param == "max_completion_tokens"


@pytest.mark.parametrize("body", [None, [], "text", {"messages": [USER]}, {"model": "tiny"}])
def test_body_without_the_required_parts_is_refused(body: Any) -> None:
    with pytest.raises(ApiError) as caught:
        read_chat_request(body, 100)

    assert caught.value.status == 400


def test_parts_of_a_content_are_joined() -> None:
    parts = [{"type": "text", "text": "Where "}, {"type": "text", "text": "is it?"}]

    assert message_after({"role": "user", "content": parts}) == USER


def test_developer_speaks_as_system() -> None:
    assert message_after({"role": "developer", "content": "Be brief."})["role"] == "system"


def test_answer_of_the_api_can_be_sent_back() -> None:
    answer: dict[str, Any] = {
        "role": "assistant",
        "content": "Here.",
        "refusal": None,
        "annotations": [],
        "audio": None,
        "function_call": None,
        "tool_calls": None,
    }

    assert message_after(answer) == {"role": "assistant", "content": "Here."}


def test_tool_calls_and_results_are_kept() -> None:
    call = {"role": "assistant", "content": None, "tool_calls": [CALL]}
    result = {"role": "tool", "content": "Lost.", "tool_call_id": "call_1"}

    assert read(messages=[USER, call, result]).messages == [USER, call, result]


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("hello", "messages[0]"),
        ({"content": "hello"}, "messages[0].role"),
        ({"role": "function", "name": "f", "content": "x"}, "messages[0].role"),
        ({"role": ["user"], "content": "x"}, "messages[0].role"),
        ({"role": "user"}, "messages[0].content"),
        ({"role": "user", "content": None}, "messages[0].content"),
        ({"role": "user", "content": []}, "messages[0].content"),
        ({"role": "user", "content": ["x"]}, "messages[0].content[0]"),
        ({"role": "user", "content": [{"type": "text"}]}, "messages[0].content[0].text"),
        (
            {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x"}}]},
            "messages[0].content[0].type",
        ),
        ({"role": "assistant"}, "messages[0].content"),
        ({"role": "assistant", "content": "x", "weight": 0}, "messages[0].weight"),
        ({"role": "assistant", "content": "x", "function_call": {}}, "messages[0].function_call"),
        ({"role": "assistant", "tool_calls": [{**CALL, "type": "custom"}]}, "messages[0].tool_calls[0].type"),
        ({"role": "tool", "content": "x"}, "messages[0].tool_call_id"),
    ],
)
def test_invalid_message_is_named(message: Any, param: str) -> None:
    assert refusal(messages=[message]).param == param


def nested(depth: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(depth - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize("depth", [65, 900])
def test_nesting_of_tools_and_arguments_is_limited(depth: int) -> None:
    function = {"name": "track", "arguments": json.dumps(nested(depth))}
    calls = [{"role": "assistant", "tool_calls": [{**CALL, "function": function}]}]
    tools = [{"type": "function", "function": {"name": "track", "parameters": nested(depth)}}]

    assert refusal(messages=calls).param == "messages[0].tool_calls[0].function.arguments"
    assert refusal(tools=tools).param == "tools[0].function.parameters"


def test_nested_tools_within_the_limit_are_accepted() -> None:
    tools = [{"type": "function", "function": {"name": "track", "parameters": nested(64)}}]

    assert read(tools=tools).tools == tools


@given(st.dictionaries(st.sampled_from(KEYS), JSON, max_size=6), st.lists(MESSAGES, max_size=3))
def test_any_body_is_read_or_refused(body: dict[str, Any], messages: list[Any]) -> None:
    for changes in (body, {"messages": messages}, {**body, "messages": messages}):
        status = 200
        try:
            read(**changes)
        except ApiError as error:
            status = error.status
        assert status in (200, 400)


@pytest.mark.parametrize("arguments", ["", "{", "[]", "5", "[" * 100_000])
def test_arguments_of_a_call_must_be_an_object(arguments: str) -> None:
    call = {**CALL, "function": {"name": "track", "arguments": arguments}}

    error = refusal(messages=[{"role": "assistant", "tool_calls": [call]}])

    assert error.param == "messages[0].tool_calls[0].function.arguments"
