"""The service: its endpoints, its objects, and how requests reach it."""

from __future__ import annotations

import sys

# httpx goes without its command line where that cannot be imported. It takes three times as long as the rest of httpx.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
