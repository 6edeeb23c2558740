"""The API's training methods, ranges and limits, read from `api_limits.json`. The emulator reads the same file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

_DATA = json.loads(Path(__file__).parents[1].joinpath("api_limits.json").read_text("utf-8"))


@dataclass(frozen=True)
class Range:
    """The numbers that the API accepts; its text is that of messages and descriptions."""

    minimum: int | None = None
    above: float | None = None
    maximum: int | None = None

    def __contains__(self, number: float) -> bool:
        return (
            (self.minimum is None or number >= self.minimum)
            and (self.above is None or number > self.above)
            and (self.maximum is None or number <= self.maximum)
        )

    def __str__(self) -> str:
        if self.above is not None:
            least = f"above {self.above:f}".rstrip("0").rstrip(".")
        else:
            least = f"{self.minimum}" if self.maximum is not None else f"at least {self.minimum}"
        return least if self.maximum is None else f"{least} to {self.maximum}"


METHODS: tuple[str, ...] = tuple(_DATA["methods"])
"""Training methods, as `method.type` of the API's create request names them. The first is the default."""
RANGES: dict[str, Range] = {name: Range(**bounds) for name, bounds in _DATA["ranges"].items()}
LIMITS: dict[str, int] = _DATA["limits"]
