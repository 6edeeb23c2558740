"""Texts of rows that are tokenized. Rules that the types of rows cannot express are checked along the way."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from pulumi_openai_ft._training_data.images import image_fault
from pulumi_openai_ft._training_data.limits import (
    FUNCTION_NAME,
    IMAGE_TOKENS,
    MESSAGE_NAME,
    MOST_FUNCTIONS,
    MOST_IMAGES,
    SPECIAL_TOKEN,
    WHOLE_IMAGE_TOKENS,
)
from pulumi_openai_ft._training_data.message_rules import NUL, calls_of
from pulumi_openai_ft._training_data.row_types import (
    NOTHING,
    Assistant,
    Developer,
    Function,
    FunctionResult,
    ImagePart,
    Preference,
    RefusalPart,
    Supervised,
    System,
    Tool,
    ToolResult,
    User,
)
from pulumi_openai_ft._training_data.tokens import Batch
from pulumi_openai_ft._training_data.tool_rendering import rendered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pulumi_openai_ft._training_data.row_types import FunctionCall, Image, Message, Row

MESSAGE_TOKENS = 4
"""Tokens of a message in addition to its texts: start of the message, role, end of the role, end of the message."""
KEYS_OF_ROW, KEYS_OF_PAIR, KEYS_OF_MESSAGE = 1, 4, 2
"""Number of keys that a row, a preference row and a message certainly have."""
KEYS_OF_TOOL_CALL, KEYS_OF_FUNCTION_CALL, KEYS_OF_PART, KEYS_OF_IMAGE = 5, 3, 2, 2
LARGEST_CACHED = 2**16
"""Maximum size in bytes of tool declarations that are cached. Rows often have identical declarations."""


class NeedsFullCheckError(Exception):
    """The row may be invalid, so that it needs a check by `row_rules`."""


def collect_simple_rows(rows: Sequence[Row | None], batch: Batch) -> list[int]:
    """Add the texts of text-only rows, which most rows are, to a batch.

    Returns:
        Indexes of the other rows.
    """
    texts, common = batch.texts, batch.common
    messages, keys, others = 0, 0, []
    for index, row in enumerate(rows):
        before, common_before = len(texts), len(common)
        if type(row) is Supervised and row.tools is NOTHING and row.functions is NOTHING:
            last = row.messages[-1]
            is_usual = type(last) is Assistant and last.weight != 0
            chats: tuple[Sequence[Any], ...] = (row.messages,)
        else:
            chats = _without_tools(row)
            is_usual = len(chats) > 0
        if is_usual and all(_take_texts(chat, texts, common) for chat in chats):
            messages += sum(map(len, chats))
            keys += KEYS_OF_PAIR if type(row) is Preference else KEYS_OF_ROW
        else:
            del texts[before:], common[common_before:]
            others.append(index)
    batch.tokens += MESSAGE_TOKENS * messages
    batch.keys += keys + KEYS_OF_MESSAGE * messages
    return others


def _take_texts(messages: Sequence[Any], texts: list[str], common: list[str]) -> bool:
    """Add the texts of messages until a message is not text-only, and return whether all were added.

    This runs for each message of a file and determines the speed of a check.
    """
    previous: type | None = None
    for message in messages:
        content, kind = message.content, type(message)
        if type(content) is not str or message.name is not None:
            return False
        if "\0" in content or ("|" in content and "<|" in content):
            return False
        if kind is User:
            texts.append(content)
        elif kind is Assistant:
            if message.tool_calls or message.function_call or message.refusal or not content.strip():
                return False
            if previous is Assistant:
                return False
            texts.append(content)
        elif kind is System or kind is Developer:
            common.append(content)
        else:
            return False
        previous = kind
    return True


def _is_suspect(text: str) -> bool:
    """Return whether a text may contain a special token or a NUL character."""
    return ("|" in text and "<|" in text) or "\0" in text


def _without_tools(row: Row | None) -> tuple[Sequence[Any], ...]:
    """Return the chats in a row that ends correctly and declares no tools, or an empty tuple."""
    if row is None or not _ends_correctly(row):
        return ()
    prompt = row.input if isinstance(row, Preference) else row
    if prompt.tools is not NOTHING or prompt.functions is not NOTHING:
        return ()
    if not isinstance(row, Preference):
        return (row.messages,)
    first, second = row.preferred_output[0], row.non_preferred_output[0]
    if type(row.input.messages[-1]) is Assistant or first.content == second.content:
        return ()
    return (row.input.messages, row.preferred_output, row.non_preferred_output)


def _ends_correctly(row: Row) -> bool:
    """Return whether the last message has the role that the method requires, and is trained on."""
    if isinstance(row, Preference):
        return type(row.preferred_output[0]) is Assistant and type(row.non_preferred_output[0]) is Assistant
    last = row.messages[-1]
    if isinstance(row, Supervised):
        return type(last) is Assistant and last.weight != 0
    return type(last) is User


def collect_token_texts(row: Row, batch: Batch, most_images: int = MOST_IMAGES) -> None:
    """Add the texts of a row to a batch.

    Args:
        row: The row.
        batch: The batch.
        most_images: Maximum number of images in the row.

    Raises:
        NeedsFullCheckError: The row may break a rule. The batch is unchanged.
    """
    if not _ends_correctly(row):
        raise NeedsFullCheckError
    prompt = row.input if isinstance(row, Preference) else row
    declared, common, keys = _declared(prompt.tools, prompt.functions)
    collector = _Collector(declared)
    is_pair = isinstance(row, Preference)
    keys += (KEYS_OF_PAIR if is_pair else KEYS_OF_ROW) + (prompt.parallel_tool_calls is not UNSET)
    for index, message in enumerate(prompt.messages):
        collector.add(message, is_last=index == len(prompt.messages) - 1 and not is_pair)
    if isinstance(row, Preference):
        _collect_outputs(row, collector)
    if collector.open_calls or collector.images > (0 if is_pair else most_images):
        raise NeedsFullCheckError
    if any(map(_is_suspect, collector.texts)):
        raise NeedsFullCheckError
    batch.texts += collector.texts
    batch.common += common
    batch.tokens += collector.tokens
    batch.images += collector.images > 0
    batch.keys += collector.keys + keys


def _collect_outputs(row: Preference, collector: _Collector) -> None:
    """Add the texts of the outputs, which must differ and must follow another role."""
    starts = [len(collector.texts)]
    if type(row.input.messages[-1]) is Assistant:
        raise NeedsFullCheckError
    for output in (*row.preferred_output, *row.non_preferred_output):
        collector.previous = None
        collector.add(output, is_last=True)
        starts.append(len(collector.texts))
    first, second = collector.texts[starts[0] : starts[1]], collector.texts[starts[1] :]
    if first == second or row.preferred_output[0].name != row.non_preferred_output[0].name:
        raise NeedsFullCheckError


class _Collector:
    """The texts, tokens and images of the messages of a row."""

    def __init__(self, declared: frozenset[str]) -> None:
        self.texts: list[str] = []
        self.tokens = self.images = self.keys = 0
        self.open_calls: set[str] = set()
        self.previous: Message | None = None
        self._declared = declared

    def add(self, message: Message, *, is_last: bool) -> None:
        self._check_order(message)
        self.previous = message
        self.tokens += MESSAGE_TOKENS
        self.keys += KEYS_OF_MESSAGE
        if message.name is not None:
            self.keys += 1
            if not MESSAGE_NAME.fullmatch(message.name):
                raise NeedsFullCheckError
            self.texts.append(message.name)
            self.tokens += 1
        if type(message) is Assistant:
            self._assistant(message, is_last=is_last)
        elif type(message) is ToolResult:
            if message.tool_call_id not in self.open_calls:
                raise NeedsFullCheckError
            self.open_calls.discard(message.tool_call_id)
            self.keys += 1
        self._content(message.content)

    def _check_order(self, message: Message) -> None:
        previous, kind = self.previous, type(message)
        if type(previous) is Assistant:
            if previous.function_call is not None and kind is not FunctionResult:
                raise NeedsFullCheckError
            if kind is Assistant:
                raise NeedsFullCheckError
        if self.open_calls and kind is not ToolResult:
            raise NeedsFullCheckError

    def _assistant(self, message: Assistant, *, is_last: bool) -> None:
        calls = [call.function for call in message.tool_calls or ()]
        self.keys += (message.weight is not UNSET) - (message.content is UNSET)
        if calls:
            self.keys += 1 + KEYS_OF_TOOL_CALL * len(calls)
        if not is_last:
            self.open_calls.update(call.id for call in message.tool_calls or ())
        if message.function_call:
            calls.append(message.function_call)
            self.keys += KEYS_OF_FUNCTION_CALL
        if not calls and not message.refusal and not _says_something(message.content):
            raise NeedsFullCheckError
        if message.function_call is not None and not is_last and message.tool_calls:
            raise NeedsFullCheckError
        if message.refusal is not None:
            self.texts.append(message.refusal)
            self.keys += 1
        for call in calls:
            self._call(call)

    def _call(self, call: FunctionCall) -> None:
        if call.name not in self._declared or not is_json_object(call.arguments):
            raise NeedsFullCheckError
        self.texts += (call.name, call.arguments)

    def _content(self, content: str | list[Any] | UnsetType | None) -> None:
        if isinstance(content, str):
            self.texts.append(content)
            return
        for part in content or ():
            self.keys += KEYS_OF_PART
            if type(part) is ImagePart:
                self._image(part.image_url)
            else:
                self.texts.append(part.refusal if type(part) is RefusalPart else part.text)

    def _image(self, image: Image) -> None:
        if image_fault(image.url):
            raise NeedsFullCheckError
        self.images += 1
        self.keys += KEYS_OF_IMAGE + image.url.count(":")
        self.tokens += IMAGE_TOKENS.get(image.detail, WHOLE_IMAGE_TOKENS)


def _says_something(content: str | list[Any] | UnsetType | None) -> bool:
    """Return whether the content of an assistant message has more than white space."""
    if isinstance(content, str):
        return bool(content.strip())
    return any(type(part) is RefusalPart or part.text.strip() for part in content or ())


def is_json_object(text: str) -> bool:
    """Return whether a text is known to be a JSON object."""
    try:
        _decode_raw(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError):
        return False
    return text.lstrip().startswith("{")


def _reject_special_tokens(text: str) -> None:
    if SPECIAL_TOKEN.search(text):
        raise NeedsFullCheckError


def _declared(tools: Raw, functions: Raw) -> tuple[frozenset[str], list[str], int]:
    """Return the names of the declared functions, the texts of the declarations, and their number of colons and keys."""
    names: frozenset[str] = frozenset()
    texts, keys = [], 0
    for raw, decode in ((tools, _decode_tools), (functions, _decode_functions)):
        if raw:
            declared, text, colons = decode(bytes(raw))
            names |= declared
            texts += [text] if declared else []
            keys += colons + 1
    return names, texts, keys


def _cached_if_small(decode: Any) -> Any:
    """Cache the results of a function for declarations of up to `LARGEST_CACHED` bytes."""
    cached = lru_cache(maxsize=64)(decode)
    return lambda raw: (cached if len(raw) <= LARGEST_CACHED else decode)(raw)


@_cached_if_small
def _decode_tools(raw: bytes) -> tuple[frozenset[str], str, int]:
    names = _names([tool.function for tool in _decoded(_tools, raw) or ()])
    return names, rendered([tool["function"] for tool in _checked(raw) or ()]), raw.count(b":")


@_cached_if_small
def _decode_functions(raw: bytes) -> tuple[frozenset[str], str, int]:
    names = _names(_decoded(_functions, raw) or ())
    return names, rendered(_checked(raw) or []), raw.count(b":")


def _decoded(decoder: msgspec.json.Decoder[Any], raw: bytes) -> Any:
    try:
        return decoder.decode(raw)
    except msgspec.MsgspecError as error:
        raise NeedsFullCheckError from error


def _names(functions: Any) -> frozenset[str]:
    names = frozenset(function.name for function in functions)
    if not all(map(FUNCTION_NAME.fullmatch, names)):
        raise NeedsFullCheckError
    return names


def _checked(raw: bytes) -> Any:
    """Return the value of JSON without repeated keys, and without special tokens and NUL characters, in keys too."""
    value = _decode(raw)
    text = msgspec.json.encode(value).decode()
    _reject_special_tokens(text)
    if NUL in text or text.count(":") != raw.count(b":"):
        raise NeedsFullCheckError
    return value


_decode = msgspec.json.Decoder().decode
_decode_raw = msgspec.json.Decoder(Raw).decode
_tools = msgspec.json.Decoder(list[Tool] | None)
_functions = msgspec.json.Decoder(
    Annotated[list[Function], Meta(min_length=1, max_length=MOST_FUNCTIONS)] | None
)


def token_texts(row: dict[str, Any], method: str) -> Batch:
    """Return the texts of any row without errors."""
    prompt = row["input"] if method == "dpo" else row
    messages = list(prompt["messages"])
    if method == "dpo":
        messages += [*row["preferred_output"], *row["non_preferred_output"]]
    images = [
        part["image_url"] for message in messages for part in _parts(message) if part["type"] == "image_url"
    ]
    tokens = MESSAGE_TOKENS * len(messages) + sum(message.get("name") is not None for message in messages)
    tokens += sum(IMAGE_TOKENS.get(image.get("detail", "auto"), WHOLE_IMAGE_TOKENS) for image in images)
    declared = [
        rendered([item["function"] if key == "tools" else item for item in prompt[key]])
        for key in ("tools", "functions")
        if prompt.get(key)
    ]
    texts = [_encodable(text) for message in messages for text in _texts(message)]
    return Batch(texts, list(map(_encodable, declared)), tokens, int(bool(images)))


def _parts(message: dict[str, Any]) -> list[dict[str, Any]]:
    content = message.get("content")
    return content if isinstance(content, list) else []


def _texts(message: dict[str, Any]) -> Iterator[str]:
    yield from (message[key] for key in ("name", "refusal", "content") if isinstance(message.get(key), str))
    yield from (part[part["type"]] for part in _parts(message) if part["type"] != "image_url")
    for _, call in calls_of(message, ""):
        yield call["name"]
        yield call["arguments"]


def _encodable(text: str) -> str:
    """Return the text with a question mark for each unpaired surrogate, which tokenizers reject."""
    return text if text.isascii() else text.encode(errors="replace").decode()
