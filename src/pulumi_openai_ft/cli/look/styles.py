"""Colors of statuses and levels. Others have the terminal's own color."""

from __future__ import annotations

STATUS_STYLES = {
    "succeeded": "green",
    "failed": "red",
    "cancelled": "yellow",
    "paused": "yellow",
    "running": "cyan",
}
LEVEL_STYLES = {"warn": "yellow", "warning": "yellow", "error": "red"}
