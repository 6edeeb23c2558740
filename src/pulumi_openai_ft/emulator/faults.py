"""Faults: the requests that they affect, how often, and their actions."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from itertools import count
from threading import Lock
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.server.errors import invalid
from pulumi_openai_ft.server.validators import (
    Check,
    anything,
    fields,
    flag,
    items,
    nullable,
    number,
    one_of,
    pairs,
    text,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_STATUS = whole(200, 599)
_SECONDS = number(minimum=0)

ACTIONS: Mapping[str, Check] = {
    "status": fields(
        {"status": _STATUS},
        {"body": anything, "code": text(), "headers": pairs(text()), "acts": flag, "acts_after": _SECONDS},
    ),
    "hang": fields({"seconds": _SECONDS}, {"acts": flag}),
    "drop_before": fields({}),
    "drop_after": fields({}),
    "drop_then_act": fields({"seconds": _SECONDS}),
    "lag": fields({"seconds": _SECONDS}),
    "truncate": fields({}, {"keep": whole(0)}),
    "html": fields({}, {"status": _STATUS}),
    "edit": fields({"edits": items(fields({"path": text(1)}, {"value": anything}), minimum=1)}),
}
"""The options of each action."""

_MATCH = {"method": text(1), "path": text(1), "times": nullable(whole(1)), "skip": whole(0)}
_HEAD = fields(
    {"action": one_of(*ACTIONS)},
    {
        **_MATCH,
        **dict.fromkeys(
            ("status", "body", "code", "headers", "acts", "acts_after", "seconds", "keep", "edits"), anything
        ),
    },
)


@dataclass(slots=True)
class Fault:
    """A fault that affects matching requests.

    Attributes:
        number: Number of the fault, from 1.
        action: A key of `ACTIONS`.
        method: HTTP method, or `*`.
        path: Glob for the path, with or without `/v1`, or `~` and a regular expression for the complete path.
        times: Number of requests to affect; None affects all.
        skip: Number of matching requests to leave unaffected first.
        struck: Number of requests affected so far.
        options: Options of the action.
    """

    number: int
    action: str
    method: str = "*"
    path: str = "*"
    times: int | None = 1
    skip: int = 0
    struck: int = 0
    options: dict[str, Any] = field(default_factory=dict)

    def matches(self, method: str, path: str) -> bool:
        """Return whether the fault matches a request."""
        if self.method not in ("*", method):
            return False
        if self.path.startswith("~"):
            return re.fullmatch(self.path[1:], path) is not None
        return any(fnmatchcase(path, prefix + self.path) for prefix in ("", "/v1"))


class Faults:
    """The active faults. `ended` is set when the server stops, so that no request hangs longer than the server runs."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._faults: list[Fault] = []
        self._numbers = count(1)
        self.ended: asyncio.Event = asyncio.Event()

    def add(self, spec: Mapping[str, Any]) -> Fault:
        """Add a fault. Raise a 400 that names the problem if the specification is invalid."""
        _HEAD(dict(spec), "")
        options = {name: value for name, value in spec.items() if name not in (*_MATCH, "action")}
        ACTIONS[spec["action"]](options, "")
        _check_pattern(spec.get("path", "*"))
        match = {name: spec[name] for name in _MATCH if name in spec}
        fault = Fault(next(self._numbers), spec["action"], **match, options=options)
        with self._lock:
            self._faults.append(fault)
        return fault

    def take(self, method: str, path: str) -> Fault | None:
        """Return the fault that affects this request, or None. Count the request against the fault's `times`."""
        with self._lock:
            for fault in self._faults:
                if not fault.matches(method, path):
                    continue
                if fault.skip:
                    fault.skip -= 1
                elif fault.times is None or fault.struck < fault.times:
                    fault.struck += 1
                    return fault
        return None

    def all(self) -> list[Fault]:
        """Return all faults since the last `clear`, including used ones."""
        with self._lock:
            return list(self._faults)

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._faults.clear()


def _check_pattern(path: str) -> None:
    try:
        re.compile(path.removeprefix("~") if path.startswith("~") else "")
    except re.error as error:
        raise invalid(f"The path {path!r} is not a valid regular expression: {error}.", "path") from error
