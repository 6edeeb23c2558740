"""Modules that are imported on first use.

A program that only registers resources needs neither pydantic nor the API client, and importing them would take longer
than the rest of the program.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

PACKAGE = "pulumi_openai_ft"


class LazyModule:
    """A module of this package that is imported when one of its attributes is first read.

    Args:
        name: Name within the package, such as `_provider.file`.
    """

    def __init__(self, name: str) -> None:
        self._name = f"{PACKAGE}.{name}"

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._name), name)
