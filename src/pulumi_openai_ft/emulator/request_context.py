"""A request as a handler sees it: authenticated, read in, and with its parameters checked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from pulumi_openai_ft.emulator.errors import invalid

if TYPE_CHECKING:
    from starlette.requests import Request

    from pulumi_openai_ft.emulator.auth import Key
    from pulumi_openai_ft.emulator.backend import Backend
    from pulumi_openai_ft.emulator.forms import Form

Json = dict[str, Any]


@dataclass(slots=True)
class ApiRequest:
    """A request to one endpoint. `body` is its JSON, None without one; `form` is there on multipart endpoints."""

    backend: Backend
    request: Request
    key: Key | None = None
    project: str = ""
    body: Any = None
    form: Form | None = None

    @property
    def now(self) -> float:
        """Unix seconds by the emulator's clock."""
        return self.backend.clock.now()

    @property
    def as_of(self) -> float:
        """The time as of which lists answer: now, unless a fault makes them lag."""
        lag: float = self.request.scope["extensions"].get("emulator.lag", 0.0)
        return self.now - lag

    def path(self, name: str) -> str:
        """A placeholder's value in the path."""
        return str(self.request.path_params[name])

    def query(self, name: str) -> str | None:
        """A query parameter, None where it is missing or empty."""
        return self.request.query_params.get(name) or None

    def limit(self, default: int, maximum: int = 100) -> int:
        """The query's `limit`. Raises a 400 unless it is an integer from 1 to `maximum`."""
        given = self.query("limit") or str(default)
        if not re.fullmatch(r"[0-9]{1,9}", given) or not 1 <= int(given) <= maximum:
            expected = f"an integer from 1 to {maximum}"
            raise invalid(
                f"Invalid value for 'limit': expected {expected}, but got '{given}' instead.",
                "limit",
                "invalid_value",
            )
        return int(given)

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        """A query parameter with few values, the first of them being the default. Raises a 400 for any other."""
        given = self.query(name) or allowed[0]
        if given not in allowed:
            raise invalid(
                f"Invalid value for '{name}': expected one of {', '.join(allowed)}, but got '{given}' instead.",
                name,
                "invalid_value",
            )
        return given


Handler = Callable[[ApiRequest], Json | Response]


async def read_json(request: Request) -> Any:
    """The request's JSON body, None without one. Raises a 400 where it is none."""
    content = await request.body()
    if not content.strip():
        return None
    try:
        body = json.loads(content, parse_constant=_refuse_constant)
        json.dumps(body, ensure_ascii=False).encode()  # an escaped half of a character cannot be encoded
    except (ValueError, RecursionError) as error:
        raise invalid(f"We could not parse the JSON body of your request: {error}.") from error
    return body


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
