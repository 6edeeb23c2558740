"""Formats of rows that are not those of the training method: how to recognize them, and what to write instead."""

from __future__ import annotations

from typing import Any, NamedTuple

OLD_OUTPUTS = {
    "preferred_completion": "preferred_output",
    "non_preferred_completion": "non_preferred_output",
}
PREFERENCE_SIGNS = frozenset({"preferred_output", "non_preferred_output", *OLD_OUTPUTS})

_PAIR = '{"messages": [{"role": "user", "content": <%s>}, {"role": "assistant", "content": <%s>}]}'
_PREFERENCE = (
    '{"input": {"messages": [{"role": "user", "content": <%s>}]}, "preferred_output": [{"role": "assistant", '
    '"content": <%s>}], "non_preferred_output": [{"role": "assistant", "content": <%s>}]}'
)
_EXAMPLES = {
    "supervised": '{"messages": [{"role": "user", "content": "…"}, {"role": "assistant", "content": "…"}]}',
    "dpo": '{"input": {"messages": […]}, "preferred_output": [{…}], "non_preferred_output": [{…}]}',
    "reinforcement": '{"messages": [{"role": "user", "content": "…"}]}',
}


class _Format(NamedTuple):
    """A format of other tools, recognized by keys that all of its rows have."""

    keys: tuple[str, ...]
    name: str
    remedy: str


_SHAREGPT = _Format(
    ("conversations",),
    "ShareGPT's format (conversations with from and value)",
    _PAIR % ("value from human", "value from gpt"),
)
_FORMATS = (
    _Format(
        ("instruction", "output"),
        "Alpaca's format (instruction, input, output)",
        _PAIR % ("instruction and input", "output"),
    ),
    _SHAREGPT,
    _Format(
        ("chosen", "rejected"),
        "the preference format prompt, chosen, rejected",
        _PREFERENCE % ("prompt", "chosen", "rejected"),
    ),
    _Format(
        ("prompt", "completion"),
        "the format prompt, completion of retired models",
        _PAIR % ("prompt", "completion"),
    ),
    *(
        _Format((question, answer), f"the format {question}, {answer}", _PAIR % (question, answer))
        for question, answer in (
            ("instruction", "response"),
            ("prompt", "response"),
            ("question", "answer"),
            ("query", "response"),
            ("input", "output"),
            ("input", "target"),
        )
    ),
    _Format(("prompt",), "the format prompt, completion of retired models", _PAIR % ("prompt", "completion")),
    _Format(
        ("contents",),
        "Gemini's format (contents with role and parts)",
        _PAIR % ("text of user", "text of model"),
    ),
    _Format(
        ("custom_id", "body"),
        "the format of batch requests (custom_id, body)",
        _PAIR % ("question in body", "reply that the model learns"),
    ),
    _Format(("role", "content"), "a single message, not an example", _PAIR % ("question", "answer")),
    _Format(("text",), "plain text (text)", _PAIR % ("question in text", "answer in text")),
)


def _has_sharegpt_messages(row: dict[str, Any]) -> bool:
    messages = row.get("messages")
    first = messages[0] if isinstance(messages, list) and messages else None
    return isinstance(first, dict) and "role" not in first and {"from", "value"} <= first.keys()


def is_preference(row: dict[str, Any]) -> bool:
    """Return whether a row has the keys of a preference row."""
    return not PREFERENCE_SIGNS.isdisjoint(row) or (
        "input" in row and "messages" not in row and len(row) == 1
    )


def foreign_format(row: dict[str, Any], method: str) -> str | None:
    """Return why a row has another format than that of the method, and what to write, or None if it has not."""
    is_pair = is_preference(row)
    if _has_sharegpt_messages(row):
        return f"has {_SHAREGPT.name}, but in messages: write {_SHAREGPT.remedy}"
    if "messages" in row and method != "dpo":
        return None
    if is_pair and method == "dpo":
        return _renamed(row)
    if is_pair or "messages" in row:
        has = "the format of dpo" if is_pair else "messages"
        return f"has {has}, not the format of {method}: write {_EXAMPLES[method]}"
    found = next((format_ for format_ in _FORMATS if row.keys() >= set(format_.keys)), None)
    if found:
        return f"has {found.name}: write {found.remedy}"
    return None if "input" in row and method == "dpo" else f"has another format: write {_EXAMPLES[method]}"


def _renamed(row: dict[str, Any]) -> str | None:
    renamed = [key for key in OLD_OUTPUTS if key in row]
    names = ", ".join(f"{key} (now {OLD_OUTPUTS[key]})" for key in renamed)
    return f"uses renamed keys: {names}" if renamed else None
