"""Validation of the body of POST /chat/completions."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.server.errors import invalid
from pulumi_openai_ft.server.validators import (
    Check,
    anything,
    fields,
    flag,
    items,
    nullable,
    number,
    one_of,
    pairs,
    text,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft.serve.answers.interface import Json

_SEEDS = 2**63
_MOST_STOPS = 4
_MOST_TOOLS = 128
_DEEPEST = 64
"""Maximum nesting of objects and arrays inside tools and arguments."""

_INERT = frozenset({"metadata", "prompt_cache_key", "safety_identifier", "user"})
"""Parameters that do not influence the answer."""

_ONLY_VALUES: Mapping[str, tuple[Any, ...]] = {
    "frequency_penalty": (0,),
    "logit_bias": ({},),
    "logprobs": (False,),
    "modalities": (["text"],),
    "n": (1,),
    "parallel_tool_calls": (True,),
    "presence_penalty": (0,),
    "response_format": ({"type": "text"},),
    "service_tier": ("auto", "default"),
    "store": (False,),
    "tool_choice": ("auto", "none"),
}
"""The values of parameters, other than null, that request nothing that this service lacks."""


@dataclass(frozen=True, slots=True)
class ChatRequest:
    """A validated body. Contents of messages are strings or None; without tools to call, `tools` is None."""

    model: str
    messages: list[Json]
    tools: list[Json] | None
    max_tokens: int
    temperature: float
    top_p: float
    seed: int | None
    stop: tuple[str, ...]
    stream: bool
    include_usage: bool


def read_chat_request(body: Any, limit: int) -> ChatRequest:
    """Validate a body. Raise a 400 that names the parameter if it is invalid or asks for an unsupported feature.

    Args:
        body: The decoded JSON body.
        limit: Maximum number of tokens of an answer, which is also the default.
    """
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if value is not None}
        _refuse_unsupported(body)
    _BODY(body, "")
    options = body.get("stream_options", {})
    if options and not body.get("stream"):
        raise invalid("The parameter 'stream_options' is only allowed if 'stream' is true.", "stream_options")
    stop = body.get("stop", [])
    return ChatRequest(
        model=body["model"],
        messages=[_with_text(message) for message in body["messages"]],
        tools=None if body.get("tool_choice") == "none" else body.get("tools") or None,
        max_tokens=_max_tokens(body, limit),
        temperature=float(body.get("temperature", 1)),
        top_p=float(body.get("top_p", 1)),
        seed=body.get("seed"),
        stop=(stop,) if isinstance(stop, str) else tuple(stop),
        stream=body.get("stream", False),
        include_usage=bool(options.get("include_usage")),
    )


def _refuse_unsupported(body: Json) -> None:
    for name, value in body.items():
        if name in _ONLY_VALUES and not any(_is_same(value, accepted) for accepted in _ONLY_VALUES[name]):
            accepted = " or ".join(json.dumps(accepted) for accepted in _ONLY_VALUES[name])
            message = f"Unsupported value: this service supports '{name}' with {accepted} only."
            raise invalid(message, name, "unsupported_value")
        if name not in _SUPPORTED and name not in _INERT and name not in _ONLY_VALUES:
            message = f"Unsupported parameter: '{name}' is not supported by this service."
            raise invalid(message, name, "unsupported_parameter")


def _is_same(value: Any, accepted: Any) -> bool:
    """Compare JSON values, whose true is not 1."""
    return json.dumps(value) == json.dumps(accepted)


def _max_tokens(body: Json, limit: int) -> int:
    names = [name for name in ("max_tokens", "max_completion_tokens") if name in body]
    if not names:
        return limit
    if len(names) > 1:
        raise invalid("Set 'max_completion_tokens' or 'max_tokens', not both.", names[1])
    wanted: int = body[names[0]]
    if wanted > limit:
        message = f"{names[0]} is too large: {wanted}. This service supports at most {limit} tokens."
        raise invalid(message, names[0], "invalid_value")
    return wanted


def _text_or_parts(*kinds: str) -> Check:
    """Accept a string, or an array of parts that contain text."""
    part_checks = {kind: fields({"type": text(), kind: text()}) for kind in kinds}

    def check_part(value: Any, path: str) -> None:
        kind = value.get("type") if isinstance(value, dict) else None
        if isinstance(kind, str) and kind not in part_checks:
            message = f"Unsupported value: '{path}.type' is '{kind}'; this service supports only text here."
            raise invalid(message, f"{path}.type", "unsupported_value")
        part_checks[kind or kinds[0]](value, path)

    check_parts = items(check_part, minimum=1)

    def check(value: Any, path: str) -> None:
        (check_parts if isinstance(value, list) else text())(value, path)

    return check


def _json_object(value: Any, path: str) -> None:
    text()(value, path)
    try:
        decoded = json.loads(value)
    except (ValueError, RecursionError):
        decoded = None
    if not isinstance(decoded, dict):
        message = f"Invalid value for '{path}': expected the JSON text of an object."
        raise invalid(message, path, "invalid_value")
    _shallow(decoded, path)


def _schema(value: Any, path: str) -> None:
    pairs(anything)(value, path)
    _shallow(value, path)


def _shallow(value: Any, path: str) -> None:
    """Accept values that are not nested too deeply for chat templates."""
    level = [value]
    for _ in range(_DEEPEST):
        level = [
            item
            for holder in level
            if isinstance(holder, dict | list)
            for item in (holder.values() if isinstance(holder, dict) else holder)
        ]
    if level:
        message = f"Invalid value for '{path}': expected at most {_DEEPEST} levels of nesting."
        raise invalid(message, path, "invalid_value")


def _refused(value: Any, path: str) -> None:
    if value is not None:
        message = f"Unsupported parameter: '{path}' is not supported by this service."
        raise invalid(message, path, "unsupported_parameter")


_CALL = fields(
    {
        "id": text(1),
        "type": one_of("function"),
        "function": fields({"name": text(1), "arguments": _json_object}),
    }
)
_TEXT = {"role": text(), "content": _text_or_parts("text")}
_NAME = {"name": nullable(text())}
_MESSAGES: Mapping[str, Check] = {
    "system": fields(_TEXT, _NAME),
    "developer": fields(_TEXT, _NAME),
    "user": fields(_TEXT, _NAME),
    "assistant": fields(
        {"role": text()},
        {
            **_NAME,
            "content": nullable(_text_or_parts("text", "refusal")),
            "refusal": nullable(text()),
            "tool_calls": nullable(items(_CALL)),
            "annotations": nullable(items(anything)),
            "audio": _refused,
            "function_call": _refused,
        },
    ),
    "tool": fields({**_TEXT, "tool_call_id": text(1)}),
}
"""The checks of messages by role. An answer of this API passes, so that clients can send it back."""


def _message(value: Any, path: str) -> None:
    pairs(anything)(value, path)
    fields({"role": text()}, dict.fromkeys(value, anything))(value, path)
    one_of(*_MESSAGES)(value["role"], f"{path}.role")
    _MESSAGES[value["role"]](value, path)
    if value["role"] == "assistant" and not any(
        value.get(name) for name in ("content", "refusal", "tool_calls")
    ):
        message = f"Missing required parameter: '{path}.content' (or tool_calls)."
        raise invalid(message, f"{path}.content", "missing_required_parameter")


def _with_text(message: Json) -> Json:
    """Return a message as chat templates expect it: with a string or None as content, and the role `system`."""
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(part[part["type"]] for part in content)
    flat = {
        "role": "system" if message["role"] == "developer" else message["role"],
        "content": content or message.get("refusal") or content,
    }
    names = ("name", "tool_calls", "tool_call_id")
    return flat | {name: message[name] for name in names if message.get(name)}


_TOOL = fields(
    {
        "type": one_of("function"),
        "function": fields(
            {"name": text(1, 64, "[A-Za-z0-9_-]+")},
            {
                "description": nullable(text()),
                "parameters": nullable(_schema),
                "strict": nullable(flag),
            },
        ),
    }
)


def _stop(value: Any, path: str) -> None:
    (items(text(1), maximum=_MOST_STOPS) if isinstance(value, list) else text(1))(value, path)


_SUPPORTED: Mapping[str, Check] = {
    "model": text(1),
    "messages": items(_message, minimum=1),
    "tools": items(_TOOL, maximum=_MOST_TOOLS),
    "max_tokens": whole(1),
    "max_completion_tokens": whole(1),
    "temperature": number(minimum=0, maximum=2),
    "top_p": number(above=0, maximum=1),
    "seed": whole(-_SEEDS, _SEEDS - 1),
    "stop": _stop,
    "stream": flag,
    "stream_options": fields({}, {"include_usage": flag, "include_obfuscation": flag}),
}
_REQUIRED = {name: _SUPPORTED[name] for name in ("model", "messages")}
_BODY = fields(_REQUIRED, {**_SUPPORTED, **dict.fromkeys((*_ONLY_VALUES, *_INERT), anything)})
