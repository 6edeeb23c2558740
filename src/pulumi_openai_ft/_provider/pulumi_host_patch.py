"""Patch of Pulumi's stock host for dynamic providers that makes the errors of this package readable.

The stock host reports `traceback.format_exc()` of every exception to the engine (pulumi 3.272,
`pulumi/dynamic/__main__.py`). For an `OpenAIFTError`, the patch replaces the traceback with the error message.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from pulumi_openai_ft.errors import OpenAIFTError


class _MessagesOnly:
    """The `traceback` module, except that an `OpenAIFTError` is formatted as its message."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def format_exc(self, *args: Any, **more: Any) -> str:
        error = sys.exc_info()[1]
        return str(error) if isinstance(error, OpenAIFTError) else self._module.format_exc(*args, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def hide_own_tracebacks() -> None:
    """Report the errors of this package without a traceback if this process is Pulumi's stock host."""
    host = sys.modules["__main__"]
    if hasattr(host, "DynamicResourceProviderServicer") and isinstance(
        getattr(host, "traceback", None), ModuleType
    ):
        vars(host)["traceback"] = _MessagesOnly(vars(host)["traceback"])
