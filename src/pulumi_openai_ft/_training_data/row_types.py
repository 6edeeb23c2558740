"""Types of valid rows.

A row that matches its type and passes `token_texts.collect_token_texts` breaks no rule of `row_rules`. The decoder
verifies this for most rows while it parses them. Other rows may be invalid, so each of them gets a full check.
"""

from __future__ import annotations

import re
from itertools import chain
from operator import attrgetter
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, cast

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, defstruct

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_NOT_IN_A_FIELD = re.compile(r'[\x00-\x1f"\\\ud800-\udfff]')
"""Characters that msgspec does not accept in the name of a field."""
NOTHING = Raw(b"")
"""Default of a missing field. Compare by identity."""


class TextPart(Struct, gc=False, forbid_unknown_fields=True, tag_field="type", tag="text"):
    text: str


class OnlyText(Struct, gc=False, forbid_unknown_fields=True):
    """A text part where no other type is allowed. `TextPart` would not require `type` outside of a union."""

    type: Literal["text"]
    text: str


class RefusalPart(Struct, gc=False, forbid_unknown_fields=True, tag_field="type", tag="refusal"):
    refusal: str


class Image(Struct, gc=False, forbid_unknown_fields=True):
    url: str
    detail: Literal["auto", "low", "high"] = "auto"


class ImagePart(Struct, gc=False, forbid_unknown_fields=True, tag_field="type", tag="image_url"):
    image_url: Image


class FunctionCall(Struct, gc=False, forbid_unknown_fields=True):
    name: str
    arguments: str


class ToolCall(Struct, gc=False, forbid_unknown_fields=True):
    id: str
    type: Literal["function"]
    function: FunctionCall


class Function(Struct, gc=False, forbid_unknown_fields=True):
    name: str
    description: Raw = NOTHING
    parameters: dict[str, Raw] | None = None
    strict: bool | None = None


class Tool(Struct, gc=False, forbid_unknown_fields=True):
    type: Literal["function"]
    function: Function


class _Message(Struct, gc=False, tag_field="role", forbid_unknown_fields=True):
    """The base of messages. A message with other keys needs a full check, because some of these keys are invalid."""


class System(_Message, tag="system"):
    content: str | Annotated[list[OnlyText], Meta(min_length=1)]
    name: str | None = None


class Developer(_Message, tag="developer"):
    content: str | Annotated[list[OnlyText], Meta(min_length=1)]
    name: str | None = None


class User(_Message, tag="user"):
    content: str | Annotated[list[TextPart | ImagePart], Meta(min_length=1)]
    name: str | None = None


class Assistant(_Message, tag="assistant"):
    content: str | Annotated[list[TextPart | RefusalPart], Meta(min_length=1)] | UnsetType | None = UNSET
    name: str | None = None
    refusal: str | None = None
    weight: Literal[0, 1] | UnsetType = UNSET
    tool_calls: Annotated[list[ToolCall], Meta(min_length=1)] | None = None
    function_call: FunctionCall | None = None


class ToolResult(_Message, tag="tool"):
    content: str
    tool_call_id: str
    name: str | None = None


class FunctionResult(_Message, tag="function"):
    name: str
    content: str | None = None


Message: TypeAlias = System | Developer | User | Assistant | ToolResult | FunctionResult
Messages: TypeAlias = Annotated[list[Message], Meta(min_length=1)]


class Supervised(Struct, gc=False, forbid_unknown_fields=True):
    messages: Messages
    tools: Raw = NOTHING
    functions: Raw = NOTHING
    parallel_tool_calls: bool | UnsetType = UNSET


class Prompt(Struct, gc=False, forbid_unknown_fields=True):
    messages: Messages
    tools: Raw = NOTHING
    functions: Raw = NOTHING
    parallel_tool_calls: bool | UnsetType = UNSET


class Preference(Struct, gc=False, forbid_unknown_fields=True):
    input: Prompt
    preferred_output: Annotated[list[Assistant | User], Meta(min_length=1, max_length=1)]
    non_preferred_output: Annotated[list[Assistant | User], Meta(min_length=1, max_length=1)]


class Reinforcement(Struct, gc=False):
    messages: Annotated[list[Developer | User | Assistant | ToolResult], Meta(min_length=1)]
    tools: Raw = NOTHING
    functions: Raw = NOTHING
    parallel_tool_calls: bool | UnsetType = UNSET


class _PlainMessage(Struct, gc=False, tag_field="role", forbid_unknown_fields=True):
    content: str


class PlainSystem(_PlainMessage, tag="system"):
    pass


class PlainDeveloper(_PlainMessage, tag="developer"):
    pass


class PlainUser(_PlainMessage, tag="user"):
    pass


class PlainAssistant(_PlainMessage, tag="assistant"):
    weight: Literal[1] | UnsetType = UNSET


PlainMessage: TypeAlias = PlainSystem | PlainDeveloper | PlainUser | PlainAssistant


class Plain(Struct, gc=False, forbid_unknown_fields=True):
    """A text-only row, such as most rows of supervised training. Types with fewer fields are parsed faster."""

    messages: Annotated[list[PlainMessage], Meta(min_length=1)]


Row: TypeAlias = Supervised | Preference | Reinforcement
TYPES: dict[str, type[Row]] = {
    "supervised": Supervised,
    "dpo": Preference,
    "reinforcement": Reinforcement,
}
"""Types of rows by training method."""


def row_type(method: str, keys: Iterable[str]) -> type[Row]:
    """Return the type of the rows of a training method.

    Args:
        method: The training method.
        keys: Keys that rows are expected to have. Those for the grader become fields whose values are not decoded, unless
            msgspec has no fields with such names; then they are like keys that are not expected.
    """
    additional = [
        key for key in keys if key not in Reinforcement.__struct_fields__ and not _NOT_IN_A_FIELD.search(key)
    ]
    return _with_additional_keys(additional) if method == "reinforcement" and additional else TYPES[method]


def _with_additional_keys(keys: Iterable[str]) -> type[Reinforcement]:
    names = {f"additional_{number}": key for number, key in enumerate(keys)}
    fields = [(name, Raw, NOTHING) for name in names]
    made: Any = defstruct(Reinforcement.__name__, fields, bases=(Reinforcement,), rename=names.get, gc=False)
    return cast("type[Reinforcement]", made)


def additional_values(rows: Sequence[Row]) -> list[Raw]:
    """Return the values of the additional keys of rows, which have the same type."""
    names = [name for name in rows[0].__struct_fields__ if name.startswith("additional_")] if rows else []
    if not names:
        return []
    values: Iterable[Any] = map(attrgetter(*names), rows)
    return [*filter(None, values if len(names) == 1 else chain.from_iterable(values))]
