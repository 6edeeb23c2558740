"""What Pulumi's own host of dynamic providers needs so that people can read our errors.

That host hands the engine `traceback.format_exc()` of whatever a provider raises (pulumi 3.272,
`pulumi/dynamic/__main__.py`). Our errors are sentences for people, so for them, and only for them, it gets the
sentence.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

from pulumi_openai_ft.errors import OpenAIFTError


class _Sentences:
    """The `traceback` module, but for the text of our own errors."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def format_exc(self, *args: Any, **more: Any) -> str:
        error = sys.exc_info()[1]
        return str(error) if isinstance(error, OpenAIFTError) else self._module.format_exc(*args, **more)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._module, name)


def hide_own_tracebacks() -> None:
    """Makes the stock host, if this process is one, show our errors without their traceback."""
    host = sys.modules["__main__"]
    if hasattr(host, "DynamicResourceProviderServicer") and isinstance(
        getattr(host, "traceback", None), ModuleType
    ):
        vars(host)["traceback"] = _Sentences(vars(host)["traceback"])
