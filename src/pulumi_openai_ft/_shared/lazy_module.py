"""Modules that are loaded when something of them is first used.

A program that only registers resources needs neither pydantic nor what talks to the service: loading both takes longer
than everything else that it does.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

PACKAGE = "pulumi_openai_ft"


class LazyModule:
    """A module of this package, loaded when something of it is first asked for.

    Args:
        name: Its name within the package, such as `_provider.file`.
    """

    def __init__(self, name: str) -> None:
        self._name = f"{PACKAGE}.{name}"

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)
