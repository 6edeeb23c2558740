"""The API's training methods, ranges and limits, read from the package's `api_limits.json`.

Only the numbers are shared, because both sides would copy them from the same specification. The server has separate
checks for types, fields, rows and tokens. Tests compare the checks of both sides to find faults in either.
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
