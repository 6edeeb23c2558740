"""Valid rows, which tests modify to break a single rule."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from pulumi_openai_ft.training_data import Report

USER: dict[str, Any] = {"role": "user", "content": "Where is my parcel?"}
ASSISTANT: dict[str, Any] = {"role": "assistant", "content": "It left our warehouse this morning."}
CALL: dict[str, Any] = {
    "id": "call_1",
    "type": "function",
    "function": {"name": "track", "arguments": '{"id": 7}'},
}
CALLING: dict[str, Any] = {"role": "assistant", "tool_calls": [CALL]}
RESULT: dict[str, Any] = {"role": "tool", "tool_call_id": "call_1", "content": "on its way"}
TOOL: dict[str, Any] = {
    "type": "function",
    "function": {"name": "track", "parameters": {"type": "object"}, "strict": True},
}
IMAGE: dict[str, Any] = {
    "type": "image_url",
    "image_url": {"url": "https://example.com/box.png", "detail": "low"},
}


def chat(*messages: Any, **keys: Any) -> dict[str, Any]:
    return {"messages": list(messages), **keys}


def user(*parts: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(parts)}


CHAT = chat({"role": "system", "content": "You help."}, USER, ASSISTANT)
WITH_TOOLS = chat(USER, CALLING, RESULT, ASSISTANT, tools=[TOOL], parallel_tool_calls=False)
WITH_FUNCTIONS = chat(
    USER,
    {"role": "assistant", "content": None, "function_call": CALL["function"]},
    {"role": "function", "name": "track", "content": None},
    ASSISTANT | {"weight": 1},
    functions=[TOOL["function"]],
)
WITH_IMAGES = chat(user({"type": "text", "text": "What is this?"}, IMAGE) | {"name": "ann"}, ASSISTANT)
WITH_PARTS = chat(
    USER,
    {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}], "weight": 0},
    USER,
    {"role": "assistant", "content": None, "refusal": "No."},
)
PAIR = {"input": {"messages": [USER]}, "preferred_output": [ASSISTANT], "non_preferred_output": [ASSISTANT]}
PAIR_WITH_TOOLS = PAIR | {"input": {"messages": [USER], "tools": [TOOL], "parallel_tool_calls": True}}
TASK: dict[str, Any] = chat({"role": "developer", "content": "Answer."}, USER, reference="warehouse")
TASK_WITH_TOOLS = chat(USER, CALLING, RESULT, USER, tools=[TOOL], reference={"place": "warehouse"})

VALID: dict[str, dict[str, dict[str, Any]]] = {
    "supervised": {
        "chat": CHAT,
        "tools": WITH_TOOLS,
        "functions": WITH_FUNCTIONS,
        "images": WITH_IMAGES,
        "parts": WITH_PARTS,
    },
    "dpo": {"pair": PAIR, "tools": PAIR_WITH_TOOLS},
    "reinforcement": {"task": TASK, "tools": TASK_WITH_TOOLS},
}
ALL_VALID = [(method, row) for method, rows in VALID.items() for row in rows.values()]
NAMES = [f"{method}, {name}" for method, rows in VALID.items() for name in rows]


def write(path: Path, *rows: Any) -> Path:
    """Write a line for each row, as JSON; bytes are written unchanged."""
    lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    return path


def numbered(number: int, row: dict[str, Any] = CHAT) -> dict[str, Any]:
    """Return a variant of a row that is not a duplicate of it."""
    return row | {"number": number}


def found(report: Report) -> list[tuple[str, int | None, str]]:
    """Return kind, line and path of each problem."""
    return [(problem.kind, problem.line, problem.path) for problem in report.problems]
