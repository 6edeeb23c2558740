"""The format of a recording: one JSON file with the exchanges of a run, in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import msgspec

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1


class RecordingError(Exception):
    """A recording cannot be made, read or saved. The message states the reason and the next step."""


class Request(msgspec.Struct, omit_defaults=True):
    """A request, without its headers.

    Attributes:
        method: HTTP method.
        path: Path below the base URL.
        query: Query parameters.
        body: JSON body. For a form, an object of its fields; the file is an object of its name and size.
        base: Base URL: that of the service (empty), its `parent`, or `nowhere`, a path that does not exist.
        key: Key that was sent.
    """

    method: str
    path: str
    query: dict[str, str] = {}
    body: Any = None
    base: Literal["", "parent", "nowhere"] = ""
    key: Literal["project", "admin", "wrong"] = "project"


class Response(msgspec.Struct, omit_defaults=True):
    """A response.

    Attributes:
        status: HTTP status.
        headers: Those of `exchanges.HEADERS` that the response has.
        body: Decoded JSON body.
        text: Body that is not JSON.
        left_out: Number of list elements that were removed because the run did not create them.
    """

    status: int
    headers: dict[str, str] = {}
    body: Any = None
    text: str | None = None
    left_out: int = 0

    @property
    def is_success(self) -> bool:
        """Return whether the status is 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004  # the range of HTTP


class Exchange(msgspec.Struct):
    """A request and its response.

    Attributes:
        step: Name of the step. A name occurs once for each different status of the object that the step polls.
        request: The request.
        response: The response.
    """

    step: str
    request: Request
    response: Response


class Recording(msgspec.Struct):
    """A recording.

    Attributes:
        service: Name of the service's profile.
        emulator_mode: Mode of the emulator that was recorded; null if a service was recorded.
        recorded_on: Date, `YYYY-MM-DD`.
        model: Base model of the jobs.
        options: The parts of the plan that change the sequence; see `plan.Plan.options`.
        exchanges: The exchanges, in order.
        format: Version of this format.
    """

    service: str
    emulator_mode: str | None
    recorded_on: str
    model: str
    options: dict[str, Any]
    exchanges: list[Exchange]
    format: int = FORMAT

    @property
    def origin(self) -> str:
        """Return a description of the recorded service."""
        if self.emulator_mode:
            return f"the emulator in the mode {self.emulator_mode}"
        return f"the service {self.service}, {self.recorded_on}"


def encode(tree: Any) -> str:
    """Return a recording, or its JSON values, as the text of a file."""
    return msgspec.json.format(msgspec.json.encode(tree), indent=1).decode() + "\n"


def load(path: Path) -> Recording:
    """Read a recording.

    Raises:
        RecordingError: The file cannot be read or is not a recording.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Recording)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise RecordingError(f"cannot read the recording {path}: {error}") from None
    if found.format != FORMAT:
        raise RecordingError(f"{path} has format {found.format}, expected {FORMAT}: record it again")
    return found
