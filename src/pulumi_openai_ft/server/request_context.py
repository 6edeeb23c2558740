"""Authenticated requests with a parsed body and validated parameters, for handlers."""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from math import inf, isinf
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from pulumi_openai_ft.server.errors import ApiError, invalid

if TYPE_CHECKING:
    from starlette.requests import Request

    from pulumi_openai_ft.server.auth import Key
    from pulumi_openai_ft.server.backend import Backend
    from pulumi_openai_ft.server.forms import Form

Json = dict[str, Any]


@dataclass(slots=True)
class ApiRequest:
    """A request to an endpoint. `body` is its JSON body, if any; `form` is set for multipart endpoints."""

    backend: Backend
    request: Request
    key: Key | None = None
    project: str = ""
    body: Any = None
    form: Form | None = None

    @property
    def now(self) -> float:
        """Return the Unix seconds of the service's clock, at which the request takes effect: later if a fault delays it."""
        delay: float = self._extension("server.delay")
        return self.backend.clock.now() + delay

    @property
    def as_of(self) -> float:
        """Return the time that lists reflect: the current time, unless a fault delays them.

        Lists in real time contain all objects, even those from before the clock was set back.
        """
        if not self.backend.clock.is_simulated:
            return inf
        lag: float = self._extension("server.lag")
        return self.now - lag

    def _extension(self, name: str) -> float:
        return float(self.request.scope.get("extensions", {}).get(name, 0.0))

    def path(self, name: str) -> str:
        """Return the value of a path parameter."""
        return str(self.request.path_params[name])

    def query(self, name: str) -> str | None:
        """Return a query parameter, or None if it is missing or empty."""
        return self.request.query_params.get(name) or None

    def limit(self, default: int, maximum: int = 100, *, clamps: bool = True) -> int:
        """Return the query parameter `limit`. Raise a 400 unless it is a positive integer.

        Args:
            default: Value without the parameter.
            maximum: Greatest value.
            clamps: Whether to reduce a greater value to `maximum` instead of raising a 400.
        """
        given = self.query("limit") or str(default)
        if not re.fullmatch(r"[0-9]{1,9}", given) or not 1 <= int(given) <= (_LARGEST if clamps else maximum):
            expected = f"an integer from 1 to {maximum}"
            raise invalid(
                f"Invalid value for 'limit': expected {expected}, but got '{given}' instead.",
                "limit",
                "invalid_value",
            )
        return min(int(given), maximum)

    def choice(self, name: str, allowed: Sequence[str]) -> str:
        """Return a query parameter. The first allowed value is the default. Raise a 400 for values not in `allowed`."""
        given = self.query(name) or allowed[0]
        if given not in allowed:
            raise invalid(
                f"Invalid value for '{name}': expected one of {', '.join(allowed)}, but got '{given}' instead.",
                name,
                "invalid_value",
            )
        return given


_LARGEST = 10**9
Handler = Callable[[ApiRequest], Json | Response | Awaitable[Response]]


async def read_json(request: Request, *, keep_floats: bool = False, limit: int | None = None) -> Any:
    """Return the JSON body of a request, or None without a body.

    Raise a 400 if the body is not valid JSON, and a 413 if it is too long.

    Args:
        request: The request.
        keep_floats: Whether to keep integral numbers with a fraction, such as 3.0. The API reads them as integers.
        limit: Maximum size in bytes; None means unlimited.
    """
    content = await request.body() if limit is None else await _limited_body(request, limit)
    return parse_json(content, keep_floats=keep_floats) if content.strip() else None


async def _limited_body(request: Request, limit: int) -> bytes:
    content = bytearray()
    async for chunk in request.stream():
        content += chunk
        if len(content) > limit:
            raise ApiError(413, f"The body of the request is larger than {limit:,} bytes.")
    return bytes(content)


def parse_json(content: str | bytes, *, keep_floats: bool = False) -> Any:
    """Return a decoded JSON text. Raise a 400 if it is invalid. See `read_json`."""
    try:
        body = json.loads(
            content,
            parse_constant=_refuse_constant,
            parse_float=_finite if keep_floats else _number,
            parse_int=_whole,
        )
        json.dumps(body, ensure_ascii=False).encode()  # a lone surrogate cannot be encoded
    except (ValueError, RecursionError) as error:
        raise invalid(f"We could not parse the JSON body of your request: {error}.") from error
    return body


def _finite(text: str) -> float:
    """Return a number. Raise an error if it exceeds a double's range: no response could contain it."""
    value = float(text)
    if isinf(value):
        raise ValueError(f"{text[:20]} is out of range")
    return value


def _number(text: str) -> float:
    value = _finite(text)
    return int(value) if value.is_integer() else value


def _whole(text: str) -> int:
    _finite(text)
    return int(text)


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
