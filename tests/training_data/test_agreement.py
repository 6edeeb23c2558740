"""The emulator's checks share no code with this package's, and both reject the same rows."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.emulator.test_training_rows import ACCEPTED_CHATS, FAULTY_CHATS, FAULTY_PAIRS, FAULTY_TASKS
from tests.training_data.rows import (
    ALL_VALID,
    ASSISTANT,
    CALLING,
    IMAGE,
    NAMES,
    RESULT,
    TOOL,
    USER,
    chat,
    user,
)

from pulumi_openai_ft._training_data.checker import CheckOptions, FileChecker
from pulumi_openai_ft._training_data.executors import InlineExecutor
from pulumi_openai_ft._training_data.reader import blocks
from pulumi_openai_ft._training_data.tokens import Tally
from pulumi_openai_ft._training_data.tool_rendering import rendered
from pulumi_openai_ft.server.tool_text import tool_text
from pulumi_openai_ft.server.training_rows import RowFaultError, read_row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hypothesis.strategies import DrawFn

    from pulumi_openai_ft._training_data.problems import Problem

WORDS = [
    *("user", "assistant", "system", "tool", "function", "developer", "text", "image_url", "refusal", "auto"),
    *("https://example.com/a.png", "data:image/png;base64,AAAA", "data:image/gif;base64,AAAA", "ftp://x"),
    *(
        "<|endoftext|>",
        "a <|b|> c",
        "{}",
        "{",
        '"<|im_end|>"',
        "call_1",
        "track",
        "track it",
        "",
        "\ud800",
        "é",
        "NaN",
    ),
]
KEYS = [
    *(
        "messages",
        "role",
        "content",
        "name",
        "weight",
        "refusal",
        "tool_calls",
        "function_call",
        "tool_call_id",
    ),
    *(
        "id",
        "type",
        "function",
        "arguments",
        "tools",
        "functions",
        "parallel_tool_calls",
        "parameters",
        "strict",
    ),
    *(
        "text",
        "image_url",
        "url",
        "detail",
        "input",
        "preferred_output",
        "non_preferred_output",
        "source",
        "prompt",
    ),
    *("preferred_completion", "description"),
]
SCALARS = (
    st.none() | st.booleans() | st.sampled_from([0, 1, 2, -1, 1.0, 0.5, 10**30]) | st.sampled_from(WORDS)
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=3),
    max_leaves=5,
)


def containers(value: Any) -> Iterator[Any]:
    """Yield all lists and objects in a value, starting with the value itself."""
    if isinstance(value, dict | list):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from containers(inner)


@st.composite
def mutated(draw: DrawFn) -> tuple[str, Any]:
    """Draw a row of a method, with up to three changes."""
    method, row = copy.deepcopy(draw(st.sampled_from(ALL_VALID)))
    for _ in range(draw(st.integers(1, 3))):
        change(draw, draw(st.sampled_from(list(containers(row)))), row)
    return method, row


def change(draw: DrawFn, container: Any, row: Any) -> None:
    keys = list(container) if isinstance(container, dict) else list(range(len(container)))
    how = draw(st.sampled_from(["set", "delete", "add", "copy"]))
    if how == "add" and isinstance(container, dict):
        container[draw(st.sampled_from(KEYS))] = draw(VALUES)
    elif how == "add":
        container.append(draw(VALUES))
    elif how == "copy" and isinstance(container, list) and container:
        container.append(copy.deepcopy(draw(st.sampled_from(container))))
    elif keys and how == "delete":
        del container[draw(st.sampled_from(keys))]
    elif keys:
        values = VALUES | st.sampled_from([copy.deepcopy(item) for item in containers(row)])
        container[draw(st.sampled_from(keys))] = draw(values)


def is_refused_by_the_emulator(line: bytes, method: str, service: str = "openai") -> bool:
    try:
        read_row(line, method, service)
    except RowFaultError:
        return True
    return False


def is_reported_to_be_refused(problem: Problem) -> bool:
    """Return whether the service is only reported to refuse a row, so that the checker warns."""
    is_key_of_row = problem.kind == "unknown_key" and "." not in problem.path and "[" not in problem.path
    return is_key_of_row or problem.kind == "tool_content"


def is_refused(line: bytes, method: str, service: str = "openai") -> bool:
    tally = Tally(InlineExecutor(), lambda texts, common: len("".join(texts + common).encode()), None)
    checker = FileChecker(CheckOptions(method, "o200k_base", None, service), tally)
    for block in blocks(iter([memoryview(line + b"\n")])):
        checker.take(block)
    checker.finish()
    problems = checker.findings.first_problems()
    return checker.findings.errors > 0 or any(map(is_reported_to_be_refused, problems))


def line_of(row: Any, *, is_escaped: bool = True) -> bytes:
    return json.dumps(row, ensure_ascii=is_escaped).encode(errors="replace")


@settings(max_examples=300)
@given(given=mutated(), service=st.sampled_from(["openai", "azure"]), is_escaped=st.booleans())
def test_both_refuse_the_same_mutated_rows(given: tuple[str, Any], service: str, *, is_escaped: bool) -> None:
    method, row = given
    line = line_of(row, is_escaped=is_escaped)

    assert is_refused(line, method, service) == is_refused_by_the_emulator(line, method, service)


@settings(max_examples=200)
@given(st.sampled_from(ALL_VALID), st.integers(min_value=0), st.binary(max_size=3), st.integers(0, 3))
def test_both_refuse_the_same_lines_with_changed_bytes(
    given: tuple[str, Any], place: int, put: bytes, taken: int
) -> None:
    method, row = given
    line = line_of(row, is_escaped=False)
    place %= len(line)
    broken = (line[:place] + put + line[place + taken :]).replace(b"\n", b" ").replace(b"\r", b" ")
    if not broken.strip() or broken.lstrip().startswith((b"[", b"\xef\xbb\xbf")) or b"\0" in broken[:4]:
        return  # the beginning of a file affects more than a row

    assert is_refused(broken, method) == is_refused_by_the_emulator(broken, method)


@pytest.mark.parametrize("service", ["openai", "azure"])
@pytest.mark.parametrize("number", [10, 11, 64, 65])
def test_both_have_the_same_limit_of_images(service: str, number: int) -> None:
    line = line_of(chat(user(*[IMAGE] * number), ASSISTANT))

    assert is_refused(line, "supervised", service) == is_refused_by_the_emulator(line, "supervised", service)


@pytest.mark.parametrize("service", ["openai", "azure"])
@pytest.mark.parametrize(
    "messages",
    [[USER, CALLING, ASSISTANT], [USER, CALLING, RESULT, ASSISTANT], [USER, CALLING]],
    ids=["no result", "result", "last message"],
)
def test_both_treat_calls_without_results_equally(messages: list[Any], service: str) -> None:
    line = line_of(chat(*messages, tools=[TOOL]))

    assert is_refused(line, "supervised", service) == is_refused_by_the_emulator(line, "supervised", service)


@pytest.mark.parametrize("key", ["id", "weight", "reference", "prompt ", "Messages", "é"])
@pytest.mark.parametrize(("method", "row"), ALL_VALID, ids=NAMES)
@pytest.mark.parametrize("value", [None, 1, [], {"a": 1}], ids=repr)
def test_both_treat_extra_keys_of_rows_equally(method: str, row: Any, key: str, value: Any) -> None:
    line = line_of({**row, key: value})

    refused = method != "reinforcement"
    assert (is_refused(line, method), is_refused_by_the_emulator(line, method)) == (refused, refused)


@pytest.mark.parametrize("role", ["system", "developer", "user", "assistant", "tool", "function"])
@pytest.mark.parametrize("parts", [1, 2])
def test_both_refuse_lists_in_tool_messages(role: str, parts: int) -> None:
    content = [{"type": "text", "text": "on its way"}] * parts
    message = {"role": role, "content": content, "name": "track"}
    message |= {"tool_call_id": "call_1"} if role == "tool" else {}
    line = line_of(chat(USER, CALLING, message, ASSISTANT, tools=[TOOL]))

    refused = role in ("tool", "function")
    assert (is_refused(line, "supervised"), is_refused_by_the_emulator(line, "supervised")) == (
        refused,
        refused,
    )


NAME = st.sampled_from(["string", "number", "integer", "boolean", "null", "array", "object", "other"])
TEXT = st.sampled_from(["", "one", "two\nlines", "\n", "é"])
LEAF = st.fixed_dictionaries({}, optional={"type": NAME | st.lists(NAME, max_size=3), "description": TEXT})
SCHEMA = st.recursive(
    LEAF | SCALARS,
    lambda inner: st.fixed_dictionaries(
        {},
        optional={
            "type": NAME | st.lists(NAME, max_size=2) | SCALARS,
            "description": TEXT | SCALARS,
            "properties": st.dictionaries(st.sampled_from(["a", "b", "c d"]), inner, max_size=3) | SCALARS,
            "required": st.lists(st.sampled_from(["a", "b", 1, None]), max_size=2) | SCALARS,
            "items": inner,
            "enum": st.lists(SCALARS, max_size=3) | SCALARS,
            "anyOf": st.lists(inner, max_size=2) | SCALARS,
            "oneOf": st.lists(inner, max_size=2) | SCALARS,
        },
    ),
    max_leaves=8,
)
FUNCTION = st.fixed_dictionaries(
    {"name": st.sampled_from(["track", "f"])},
    optional={
        "description": TEXT,
        "parameters": SCHEMA.filter(lambda schema: schema is None or isinstance(schema, dict)),
    },
)


@settings(max_examples=200)
@given(st.lists(FUNCTION, max_size=3))
def test_both_render_tools_as_the_same_text(functions: list[Any]) -> None:
    assert tool_text(functions) == rendered(functions)


@pytest.mark.parametrize("depth", [1, 15, 16, 17, 18, 40])
@pytest.mark.parametrize("kind", ["array", "object", "anyOf"])
def test_both_end_deep_types_at_the_same_depth(depth: int, kind: str) -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(depth):
        nested: dict[str, dict[str, Any]] = {
            "array": {"type": "array", "items": schema},
            "object": {"type": "object", "properties": {"a": schema}},
            "anyOf": {"anyOf": [schema]},
        }
        schema = nested[kind]
    function = {"name": "f", "parameters": {"properties": {"a": schema}}}

    assert tool_text([function]) == rendered([function])


@pytest.mark.parametrize(("method", "row"), ALL_VALID, ids=NAMES)
def test_both_accept_a_valid_row(method: str, row: Any) -> None:
    assert (is_refused(line_of(row), method), is_refused_by_the_emulator(line_of(row), method)) == (
        False,
        False,
    )


@pytest.mark.parametrize("row", ACCEPTED_CHATS.values(), ids=ACCEPTED_CHATS.keys())
def test_rows_accepted_by_the_emulator_are_accepted(row: Any) -> None:
    assert not is_refused(line_of(row), "supervised")


FAULTY = {
    f"{method}, {name}": (method, row)
    for method, rows in (("supervised", FAULTY_CHATS), ("dpo", FAULTY_PAIRS), ("reinforcement", FAULTY_TASKS))
    for name, (row, _) in rows.items()
    if name != "row is a list"  # a file with this beginning is read as a JSON array
}


@pytest.mark.parametrize(("method", "row"), FAULTY.values(), ids=FAULTY.keys())
def test_rows_refused_by_the_emulator_are_refused(method: str, row: Any) -> None:
    assert is_refused(line_of(row), method)
