"""The form of warnings in Pulumi's output. Without a terminal, the output repeats a message's first line in its rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

FIRST_LINE = "please check:"


def grouped(warnings: Iterable[str]) -> str:
    """Return warnings as one message whose first line is no warning, so that each is printed once, on its own line."""
    return "\n".join((FIRST_LINE, *(f"- {warning}" for warning in warnings)))
