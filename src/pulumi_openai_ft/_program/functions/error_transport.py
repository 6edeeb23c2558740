"""Transport of errors from the host to the program. The engine carries a message and one additional string."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import Any

import pulumi

from pulumi_openai_ft import errors
from pulumi_openai_ft.errors import OpenAIFTError

_CARRIED = re.compile(
    r"invoke of \S+ failed: (?:invocation of \S+ returned an error: )?(?:Exception calling application: )?"
    r"(?P<message>.*?)(?: \((?P<label>\{.*\})?\))?",
    re.DOTALL,
)
"""Text of the exception that Pulumi's SDK raises when an invoke returns failures or ends with a gRPC error."""


def encode(error: OpenAIFTError) -> str:
    """Return, as JSON, the parts of an error that its message lacks: the class and the scalar attributes."""
    facts = {name: value for name, value in vars(error).items() if _is_scalar(value) and name != "history"}
    return json.dumps({"error": type(error).__name__, "facts": facts})


def decode(error: Exception) -> OpenAIFTError | None:
    """Return the error that the host reported to the engine, or None if it is not an `OpenAIFTError`."""
    match = _CARRIED.fullmatch(str(error))
    return match and _restored(match["message"], match["label"] or '{"error": "OpenAIFTError", "facts": {}}')


def without_traceback(error: OpenAIFTError) -> OpenAIFTError:
    """Return the same error in a form for which Pulumi prints only the message, without a traceback."""
    return _restored(str(error), encode(error))


def _restored(message: str, label: str) -> OpenAIFTError:
    described = json.loads(label)
    kind = _as_run_error(getattr(errors, described["error"], OpenAIFTError))
    error = kind.__new__(kind, message)
    vars(error).update(described["facts"])
    return error


@cache
def _as_run_error(kind: type[OpenAIFTError]) -> type[OpenAIFTError]:
    return type(
        kind.__name__, (kind, pulumi.RunError), {"__module__": kind.__module__, "__doc__": kind.__doc__}
    )


def _is_scalar(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)
