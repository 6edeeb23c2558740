"""The API's training methods, ranges and limits, read from the package's `api_limits.json`.

A number that both sides copy from the same specification is no second opinion, so the numbers are shared. The checks
are the emulator's own: what counts as a whole number, which field a bound is for, how rows are parsed and tokens
counted. Tests compare the two, which is how faults in either are found.
"""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any

_DATA = json.loads(files("pulumi_openai_ft").joinpath("api_limits.json").read_text("utf-8"))

METHODS: tuple[str, ...] = tuple(_DATA["methods"])
RANGES: dict[str, dict[str, Any]] = _DATA["ranges"]
"""Arguments of `whole` and `number`, by name."""
LIMITS: dict[str, int] = _DATA["limits"]
