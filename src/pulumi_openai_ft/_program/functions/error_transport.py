"""How errors get from the host to the program: the engine carries a sentence and one more text."""

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
    r"(?P<sentence>.*?)(?: \((?P<label>\{.*\})?\))?",
    re.DOTALL,
)
"""What Pulumi's SDK makes of a failure, and of a call that ended with an error."""


def encode(error: OpenAIFTError) -> str:
    """What an error's sentence does not tell: its kind, and the facts of the service's answer."""
    facts = {name: value for name, value in vars(error).items() if _is_plain(value) and name != "history"}
    return json.dumps({"error": type(error).__name__, "facts": facts})


def decode(error: Exception) -> OpenAIFTError | None:
    """The error that the host told the engine, or None where it is none of ours."""
    match = _CARRIED.fullmatch(str(error))
    return match and _restored(match["sentence"], match["label"] or '{"error": "OpenAIFTError", "facts": {}}')


def without_traceback(error: OpenAIFTError) -> OpenAIFTError:
    """The same error, of which Pulumi shows the sentence alone."""
    return _restored(str(error), encode(error))


def _restored(sentence: str, label: str) -> OpenAIFTError:
    described = json.loads(label)
    kind = _shown_without_traceback(getattr(errors, described["error"], OpenAIFTError))
    error = kind.__new__(kind, sentence)
    vars(error).update(described["facts"])
    return error


@cache
def _shown_without_traceback(kind: type[OpenAIFTError]) -> type[OpenAIFTError]:
    return type(
        kind.__name__, (kind, pulumi.RunError), {"__module__": kind.__module__, "__doc__": kind.__doc__}
    )


def _is_plain(value: Any) -> bool:
    return value is None or isinstance(value, str | int | float)
