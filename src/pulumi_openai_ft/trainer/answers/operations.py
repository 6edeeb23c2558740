"""The lines that the process reads and writes."""

from __future__ import annotations

import json
import os
from threading import Lock
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from typing import BinaryIO


class Generate(msgspec.Struct, tag_field="op", tag="generate", forbid_unknown_fields=True):
    """A request for an answer."""

    id: int
    base: str
    adapter: str | None
    context: int | None
    messages: list[dict[str, Any]]
    tools: list[dict[str, Any]] | None
    max_tokens: int
    temperature: float
    top_p: float
    seed: int | None
    stop: list[str]


class Unload(msgspec.Struct, tag_field="op", tag="unload", forbid_unknown_fields=True):
    """A request to forget an adapter, whose folder will be deleted."""

    id: int
    adapter: str


class Cancel(msgspec.Struct, tag_field="op", tag="cancel", forbid_unknown_fields=True):
    """A request to stop an answer."""

    id: int
    request: int


Operation = Generate | Unload | Cancel
DECODER = msgspec.json.Decoder(Operation)


class RefusalError(Exception):
    """A request that cannot be answered because of its content."""

    def __init__(self, message: str, param: str | None = None, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.code = code


class Output:
    """The output of the process. Threads can write to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._writing = Lock()

    @classmethod
    def reserve_stdout(cls) -> Output:
        """Return stdout as output, and redirect to stderr what libraries print."""
        file = os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)
        return cls(file)

    def write(self, number: int, event: str, **fields: Any) -> None:
        """Write an event of a request."""
        line = json.dumps({"id": number, "event": event, **fields}).encode() + b"\n"
        with self._writing:
            self._file.write(line)
            self._file.flush()
