"""Recognition of tool calls in the text of a model, in the form of Hermes, Qwen and others."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable

OPEN, CLOSE = "<tool_call>", "</tool_call>"


@dataclass(frozen=True)
class ToolCall:
    """A call of a function. `arguments` is the JSON text of an object, as in the API."""

    name: str
    arguments: str


class ToolCallStream:
    """Splits a text into tool calls and the text around them, while the text is made.

    A call is `<tool_call>{"name": …, "arguments": {…}}</tool_call>`; the last one may lack its end. Anything else stays
    text, also if its JSON is malformed. White space next to a call is not passed on.

    Args:
        emit: Receives the parts.
        recognizes: Whether to look for calls. If not, all text is passed on unchanged.

    Attributes:
        found: Number of calls.
    """

    def __init__(self, emit: Callable[[str | ToolCall], None], *, recognizes: bool = True) -> None:
        self.found: int = 0
        self._emit = emit
        self._recognizes = recognizes
        self._held = ""  # may belong to a call
        self._follows_call = False

    def add(self, text: str) -> None:
        """Receive more text."""
        if not self._recognizes:
            self._emit(text)
            return
        self._held += text
        while self._take_call():
            pass
        before, mark, _ = self._held.partition(OPEN)
        self._emit_text(len(before.rstrip()) if mark else _certain_length(before))

    def finish(self) -> None:
        """Pass on the rest after the end of the text."""
        before, _, rest = self._held.partition(OPEN)
        if call := read_tool_call(rest):
            self._emit_call(before, call, rest="")
        elif not (self._follows_call and self._held.isspace()):
            self._emit_text(len(self._held))

    def _take_call(self) -> bool:
        """Pass on the first call with an end, or its mark as text if it is malformed. Return whether there is one."""
        before, _, rest = self._held.partition(OPEN)
        content, end, following = rest.partition(CLOSE)
        if not end:
            return False
        if call := read_tool_call(content):
            self._emit_call(before, call, rest=following)
        else:
            self._emit_text(len(before) + len(OPEN))
        return True

    def _emit_call(self, before: str, call: ToolCall, rest: str) -> None:
        self._emit_text(len(before.rstrip()))
        self._emit(call)
        self.found += 1
        self._held, self._follows_call = rest, True

    def _emit_text(self, length: int) -> None:
        text, self._held = self._held[:length], self._held[length:]
        if self._follows_call:
            text = text.lstrip()
        if text:
            self._follows_call = False
            self._emit(text)


def read_tool_call(text: str) -> ToolCall | None:
    """Return the call in a JSON text, or None if the text is not a call that a client could parse and send back."""
    try:
        found = json.loads(text, parse_constant=_refuse_constant)
        name, arguments = found["name"], found["arguments"]
        if isinstance(arguments, str):
            arguments = json.loads(arguments, parse_constant=_refuse_constant)
        if not (isinstance(name, str) and name and isinstance(arguments, dict)):
            return None
        call = ToolCall(name, json.dumps(arguments, ensure_ascii=False, allow_nan=False))
        f"{call.name}{call.arguments}".encode()  # refuses halves of surrogate pairs
    except (KeyError, RecursionError, TypeError, ValueError):
        return None
    return call


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _certain_length(text: str) -> int:
    """Return the length of a text without its end that could precede a call, or begin its mark."""
    possible = (size for size in range(len(OPEN) - 1, 0, -1) if text.endswith(OPEN[:size]))
    return len(text[: len(text) - next(possible, 0)].rstrip())
