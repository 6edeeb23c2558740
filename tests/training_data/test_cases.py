"""Files with one fault each, as people write them: every kind of problem has its own report."""

from __future__ import annotations

import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.training_data.rows import (
    ALL_VALID,
    ASSISTANT,
    CALL,
    CALLING,
    CHAT,
    IMAGE,
    PAIR,
    RESULT,
    TASK,
    TOOL,
    USER,
    WITH_FUNCTIONS,
    chat,
    found,
    numbered,
    user,
    write,
)
from tests.training_data.test_agreement import containers

from pulumi_openai_ft._training_data.row_rules import row_problems
from pulumi_openai_ft.training_data import Severity, check

CASES = Path(__file__).parent / "cases"
URL = "messages[0].content[0].image_url.url"
EXPECTED: dict[str, list[tuple[str, int | None, str]]] = {
    "reinforcement-messages-only": [],
    "extra-top-level-key": [("unknown_key", 1, "weight")],
    "unknown-message-key": [("unknown_key", 1, "messages[0].timestamp")],
    "tool-content-as-parts": [("tool_content", 1, "messages[2].content")],
    "call-without-tool-reply": [("unanswered_call", 1, "messages[1]")],
    "pretty-printed": [("several_lines", 1, "")],
    "alpaca": [("format", 1, "")],
    "preference-input-as-text": [("input", 1, "input")],
    "identical-preference-outputs": [("same_outputs", 1, "non_preferred_output")],
    "duplicate-json-keys": [("repeated_key", 1, ""), ("repeated_key", 2, "")],
    "nul-in-text": [("nul", 1, "messages[0].content")],
    "tool-arguments-json-string": [("arguments_type", 1, "messages[1].tool_calls[0].function.arguments")],
    "gif-image-data": [("image", 1, URL)],
    "broken-base64-image": [("image_content", 1, URL)],
    "valid-preference": [],
    "valid-chat-crlf": [],
}


def test_each_case_file_has_its_result() -> None:
    assert {path.stem for path in CASES.glob("*.jsonl")} == set(EXPECTED)


@pytest.mark.parametrize(("name", "expected"), EXPECTED.items(), ids=EXPECTED.keys())
def test_a_case_file_yields_its_problem(name: str, expected: Any) -> None:
    assert found(check(CASES / f"{name}.jsonl", part="training")) == expected


def test_azure_refuses_a_call_without_result() -> None:
    report = check(CASES / "call-without-tool-reply.jsonl", service="azure")

    assert [(problem.kind, problem.severity) for problem in report.problems] == [
        ("refused_call", Severity.ERROR)
    ]


@pytest.mark.parametrize(("service", "most"), [("openai", 10), ("azure", 64)])
def test_the_limit_of_images_depends_on_the_service(service: str, most: int, tmp_path: Path) -> None:
    rows = [chat(user(*[IMAGE] * number), ASSISTANT) for number in (most, most + 1)]

    report = check(write(tmp_path / "images.jsonl", *rows), part="validation", service=service)

    assert found(report) == [("image", 2, "messages")]
    assert f"has {most + 1} images, more than {most}" in str(report.problems[0])


TASK_ALONE = chat(USER)
MIXED: dict[str, tuple[list[Any], str]] = {
    "supervised after a task": ([TASK_ALONE, *[CHAT] * 5], "supervised"),
    "tasks after a chat": ([CHAT, *[TASK] * 5], "reinforcement"),
    "pairs after a chat": ([CHAT, *[PAIR] * 5], "dpo"),
    "chats after a pair": ([PAIR, *[CHAT] * 5], "supervised"),
    "tasks with earlier answers": ([chat(USER, ASSISTANT, USER)] * 6, "reinforcement"),
    "tasks after nonsense": ([{"messages": 1}, 7, *[TASK_ALONE] * 5], "reinforcement"),
}


@pytest.mark.parametrize(("rows", "method"), MIXED.values(), ids=MIXED.keys())
def test_most_rows_determine_the_method(rows: list[Any], method: str, tmp_path: Path) -> None:
    assert check(write(tmp_path / "mixed.jsonl", *rows)).method == method


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(rows=st.permutations([*[CHAT] * 4, TASK, TASK, PAIR]))
def test_the_order_of_rows_does_not_matter(rows: list[Any], tmp_path: Path) -> None:
    assert check(write(tmp_path / "rows.jsonl", *rows)).method == "supervised"


def kinds(row: Any, method: str = "supervised") -> list[tuple[str, str]]:
    return [(problem.kind, problem.path) for problem in row_problems(row, method, line=1)]


def calling(arguments: str = "{}", **keys: Any) -> dict[str, Any]:
    return CALLING | {"tool_calls": [CALL | {"function": {"name": "track", "arguments": arguments}}]} | keys


def data_url(content: bytes, kind: str = "png") -> dict[str, Any]:
    return shown(f"data:image/{kind};base64,{base64.b64encode(content).decode()}")


def shown(url: str) -> dict[str, Any]:
    return chat(user(IMAGE | {"image_url": {"url": url}}), ASSISTANT)


PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20 + b"IEND"
JPEG = b"\xff\xd8\xff\xe0" + b"\0" * 20 + b"\xff\xd9"
WEBP = b"RIFF" + (12).to_bytes(4, "little") + b"WEBP" + b"\0" * 8
SUSPECT: dict[str, tuple[Any, str, list[tuple[str, str]]]] = {
    "key of a preference row": (PAIR | {"id": 1}, "dpo", [("unknown_key", "id")]),
    "key of a preference input": (
        PAIR | {"input": {"messages": [USER], "model": "x"}},
        "dpo",
        [("unknown_key", "input.model")],
    ),
    "key of another role": (
        chat(USER | {"refusal": "no"}, ASSISTANT),
        "supervised",
        [("unknown_key", "messages[0].refusal")],
    ),
    "result as parts": (
        chat(USER, CALLING, RESULT | {"content": [{"type": "text", "text": "x"}]}, ASSISTANT, tools=[TOOL]),
        "supervised",
        [("tool_content", "messages[2].content")],
    ),
    "result after another message": (
        chat(USER, CALLING, USER, RESULT, ASSISTANT, tools=[TOOL]),
        "supervised",
        [("late_result", "messages[3]")],
    ),
    "old call without a result": (
        WITH_FUNCTIONS
        | {"messages": [one for one in WITH_FUNCTIONS["messages"] if one["role"] != "function"]},
        "supervised",
        [("unanswered_call", "messages[1]")],
    ),
    "unanswered call in a preference input": (
        PAIR | {"input": {"messages": [USER, CALLING], "tools": [TOOL]}},
        "dpo",
        [
            ("unanswered_call", "input.messages[1]"),
            ("prompt_end", "input.messages"),
        ],
    ),
    "name with a space": (
        chat(USER | {"name": "Ann B"}, ASSISTANT),
        "supervised",
        [("name_characters", "messages[0].name")],
    ),
    "empty reply": (
        chat(USER, ASSISTANT | {"content": ""}),
        "supervised",
        [("empty_reply", "messages[1].content")],
    ),
    "answer of white space": (
        chat(USER, ASSISTANT | {"content": [{"type": "text", "text": " \n"}]}),
        "supervised",
        [("empty_reply", "messages[1].content")],
    ),
    "two answers": (
        chat(USER, ASSISTANT, ASSISTANT),
        "supervised",
        [("consecutive_replies", "messages[2]")],
    ),
    "two answers in a task": (
        TASK | chat(USER, ASSISTANT, ASSISTANT, USER),
        "reinforcement",
        [("consecutive_replies", "messages[2]")],
    ),
    "input that ends with an answer": (
        PAIR | {"input": {"messages": [USER, ASSISTANT]}},
        "dpo",
        [("prompt_end", "input.messages")],
    ),
    "outputs that differ only in form": (
        PAIR
        | {
            "preferred_output": [ASSISTANT | {"weight": 1}],
            "non_preferred_output": [
                ASSISTANT | {"content": [{"type": "text", "text": ASSISTANT["content"]}]}
            ],
        },
        "dpo",
        [("same_outputs", "non_preferred_output")],
    ),
    "arguments that are a list": (
        chat(USER, calling("[1]"), tools=[TOOL]),
        "supervised",
        [("arguments_type", "messages[1].tool_calls[0].function.arguments")],
    ),
    "NUL in a tool": (
        CHAT | {"tools": [{"type": "function", "function": {"name": "f", "description": "\0"}}]},
        "supervised",
        [("nul", "tools")],
    ),
    "NUL in arguments": (
        chat(USER, calling('{"id": "\0"}'.replace("\0", "\\u0000") + "\t"), tools=[TOOL]),
        "supervised",
        [],
    ),
    "GIF labeled PNG": (data_url(b"GIF89a"), "supervised", [("image_content", URL)]),
    "JPEG labeled PNG": (data_url(JPEG), "supervised", [("image_content", URL)]),
    "PNG without its end": (data_url(PNG[:-4]), "supervised", [("image_content", URL)]),
    "WEBP without its end": (data_url(WEBP[:-4], "webp"), "supervised", [("image_content", URL)]),
    "text labeled JPEG": (data_url(b"hello", "jpeg"), "supervised", [("image_content", URL)]),
    "no content": (data_url(b"", "jpeg"), "supervised", [("image_content", URL)]),
    "this machine": (shown("http://localhost:8000/a.png"), "supervised", [("image_address", URL)]),
    "private network": (shown("https://192.168.1.5/a.png"), "supervised", [("image_address", URL)]),
    "private IPv6": (shown("https://[fd00::1]/a.png"), "supervised", [("image_address", URL)]),
    "internal name": (shown("https://files.corp.internal/a.png"), "supervised", [("image_address", URL)]),
    "no host": (shown("https:///a.png"), "supervised", [("image_address", URL)]),
    "bucket": (shown("s3://bucket/a.png"), "supervised", [("image", URL)]),
    "local path": (shown("C:\\a.png"), "supervised", [("image", URL)]),
}


@pytest.mark.parametrize(("row", "method", "expected"), SUSPECT.values(), ids=SUSPECT.keys())
def test_a_suspect_row_is_reported_with_its_path(
    row: Any, method: str, expected: Any, tmp_path: Path
) -> None:
    assert kinds(row, method) == expected
    report = check(write(tmp_path / "row.jsonl", row), method=method, part="validation")  # type: ignore[arg-type]
    assert [(kind, path) for kind, _, path in found(report)] == expected


@pytest.mark.parametrize(
    "row",
    [
        data_url(PNG),
        data_url(JPEG, "jpeg"),
        data_url(WEBP, "webp"),
        shown("https://example.com/a.png"),
        shown("http://8.8.8.8/a.png"),
    ],
    ids=["PNG", "JPEG", "WEBP", "name", "address"],
)
def test_a_readable_image_is_accepted(row: Any) -> None:
    assert kinds(row) == []


IMAGE_REASONS = {
    "GIF": (shown("data:image/gif;base64,R0lGODlhAQABAAAAACw="), "is a GIF image, not JPEG, PNG or WEBP"),
    "SVG": (shown("data:image/svg+xml,<svg/>"), "is a SVG image, not JPEG, PNG or WEBP"),
    "too large": (
        shown("data:image/png;base64," + "A" * 16_000_000),
        "is an image of 11.4 MB, more than 10 MB",
    ),
    "other content": (data_url(b"GIF89a"), "has the type image/png, but is a GIF image"),
    "not base64": (
        shown("data:image/png;base64,#"),
        "is not valid base64, so that the image cannot be decoded",
    ),
    "address": (
        shown("ftp://a/b"),
        "is a ftp URL, neither a web URL nor a data URL of a JPEG, PNG or WEBP image",
    ),
}


@pytest.mark.parametrize(("row", "reason"), IMAGE_REASONS.values(), ids=IMAGE_REASONS.keys())
def test_an_image_problem_states_type_or_size(row: Any, reason: str) -> None:
    [problem] = row_problems(row, "supervised", line=1)

    assert problem.reason == reason


@given(st.sampled_from(ALL_VALID), st.randoms(use_true_random=False))
def test_an_unknown_key_anywhere_is_reported(valid: tuple[str, Any], dice: Any) -> None:
    method, row = valid
    row = json.loads(json.dumps(row))
    # Other keys of a reinforcement row are for the grader.
    places = list(containers(row["messages"] if method == "reinforcement" else row))
    schemas = [one["function"].get("parameters") for one in row.get("tools") or [] if "function" in one]
    schemas += [one.get("parameters") for one in row.get("functions") or []]
    schemas += [one["function"].get("parameters") for one in (row.get("input") or {}).get("tools") or []]
    objects = [one for one in places if isinstance(one, dict) and one not in schemas]
    dice.choice(objects)["surprise"] = 1

    [(kind, path)] = kinds(row, method)
    assert kind == "unknown_key"
    assert path.endswith("surprise")


def repeated(row: Any, number: int) -> bytes:
    """JSON of a row in which the key with a number, counted over all objects, is written twice."""
    left = [number]

    def text(value: Any) -> str:
        if isinstance(value, list):
            return f"[{', '.join(map(text, value))}]"
        if not isinstance(value, dict):
            return json.dumps(value)
        items = []
        for key, inner in value.items():
            is_repeated, left[0] = left[0] == 0, left[0] - 1
            item = f"{json.dumps(key)}: {text(inner)}"
            items += [item, item] if is_repeated else [item]
        return f"{{{', '.join(items)}}}"

    return text(row).encode()


def number_of_keys(row: Any) -> int:
    return sum(len(one) for one in containers(row) if isinstance(one, dict))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(ALL_VALID), st.integers(min_value=0))
def test_a_repeated_key_anywhere_is_reported(tmp_path: Path, valid: tuple[str, Any], number: int) -> None:
    method, row = valid
    line = repeated(row, number % number_of_keys(row))

    report = check(write(tmp_path / "row.jsonl", line), method=method, part="validation")  # type: ignore[arg-type]

    assert [problem.kind for problem in report.problems] == ["repeated_key"]


@pytest.mark.parametrize(
    "text",
    ['{"a":1}', '\\":', '\\\\":', '"role": "x"', "a\\"],
    ids=["JSON", "quote", "backslashes", "key", "end"],
)
def test_texts_that_resemble_keys_are_accepted(text: str, tmp_path: Path) -> None:
    rows = [numbered(number, chat(USER, ASSISTANT | {"content": text})) for number in range(12)]

    assert found(check(write(tmp_path / "rows.jsonl", *rows))) == []


OTHER_FORMATS: dict[str, tuple[list[Any], str]] = {
    "Alpaca": ([{"instruction": "a", "output": "b"}] * 300, "Alpaca's format (instruction, input, output)"),
    "ShareGPT": (
        [{"conversations": [{"from": "human", "value": "a"}]}] * 300,
        "ShareGPT's format (conversations with from and value)",
    ),
    "ShareGPT in messages": (
        [{"messages": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}] * 300,
        "ShareGPT's format (conversations with from and value), but in messages",
    ),
    "chosen and rejected": (
        [{"prompt": "a", "chosen": "b", "rejected": "c"}] * 300,
        "the preference format prompt, chosen, rejected",
    ),
    "prompt and completion": (
        [{"prompt": "a", "completion": "b"}] * 300,
        "the format prompt, completion of retired models",
    ),
    "question and answer": ([{"question": "a", "answer": "b"}] * 300, "the format question, answer"),
    "Gemini": ([{"contents": []}] * 300, "Gemini's format"),
    "messages alone": ([USER] * 300, "a single message, not an example"),
    "text": ([{"text": "a"}] * 300, "plain text (text)"),
    "anything": ([{"a": number, f"b{number}": 1} for number in range(300)], "another format"),
}


@pytest.mark.parametrize(("rows", "name"), OTHER_FORMATS.values(), ids=OTHER_FORMATS.keys())
@pytest.mark.parametrize("method", [None, "supervised", "dpo", "reinforcement"])
def test_another_format_is_one_error(rows: list[Any], name: str, method: Any, tmp_path: Path) -> None:
    report = check(write(tmp_path / "rows.jsonl", *rows), method=method)

    [error] = report.messages(Severity.ERROR)
    assert f"has {name}" in error
    assert "write {" in error
    assert "(and 299 more examples)" in error


JSON_LINES = b"".join(json.dumps(numbered(number)).encode() + b"\n" for number in range(12))
OTHER_FILES: dict[str, tuple[bytes, str, str]] = {
    "gzip": (gzip.compress(JSON_LINES), "file_format", "is compressed with gzip"),
    "UTF-16": (JSON_LINES.decode().encode("utf-16"), "encoding", "is encoded in UTF-16 or UTF-32"),
    "CSV": (
        b"prompt,completion\nHello,World\n",
        "file_format",
        "is a table such as CSV, with the header prompt,completion",
    ),
    "Python": (
        repr(CHAT).encode() + b"\n",
        "file_format",
        "contains Python dictionaries with single quotes, not JSON (write each with json.dumps)",
    ),
    "JSON array": (json.dumps([CHAT]).encode(), "array", "is a JSON array"),
    "indented": (
        json.dumps(CHAT, indent=2).encode(),
        "several_lines",
        "starts an object that continues on the next lines",
    ),
    "two lines": (
        json.dumps(CHAT).encode().replace(b"[", b"[\n"),
        "several_lines",
        "starts an object that continues on the next lines",
    ),
    "large and indented": (
        json.dumps({"messages": [USER] * 9000}, indent=2).encode(),
        "several_lines",
        "starts an object that continues on the next lines",
    ),
    "Parquet": (b"PAR1\x15\x04", "file_format", "is a Parquet file"),
}


@pytest.mark.parametrize(("content", "kind", "reason"), OTHER_FILES.values(), ids=OTHER_FILES.keys())
def test_another_file_format_is_one_error(content: bytes, kind: str, reason: str, tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(content)

    [problem] = check(path, part="training").problems

    assert (problem.kind, problem.reason) == (kind, reason)


def test_an_indented_object_after_a_mark_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(json.dumps(CHAT, indent=1).replace("\n", "\r\n").encode("utf-8-sig"))

    assert [kind for kind, _, _ in found(check(path)) if kind != "byte_order_mark"] == ["several_lines"]


def test_a_damaged_first_line_is_one_error(tmp_path: Path) -> None:
    path = tmp_path / "file.jsonl"
    path.write_bytes(json.dumps(CHAT).encode()[:50] + b"\n" + JSON_LINES)

    assert found(check(path)) == [("json", 1, "")]


def test_values_are_shown_as_written() -> None:
    [problem] = row_problems(chat(USER | {"role": "Benutzer für é"}, ASSISTANT), "supervised", line=1)

    assert problem.reason.startswith('is "Benutzer für é"')


def test_control_characters_are_escaped() -> None:
    [problem] = row_problems(chat(USER | {"role": "a\x1b[2J\x9b\u202e"}, ASSISTANT), "supervised", line=1)

    assert problem.reason.startswith('is "a\\u001b[2J\\u009b\\u202e"')
