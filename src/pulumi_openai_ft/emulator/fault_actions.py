"""The actions of faults on requests, at the ASGI level."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.server.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from pulumi_openai_ft.emulator.faults import Fault, Faults

_CODES = {
    401: ("invalid_request_error", "invalid_api_key"),
    429: ("rate_limit_error", "rate_limit_exceeded"),
    500: ("server_error", None),
    503: ("service_unavailable_error", "server_is_overloaded"),
}
_BODILESS = (204, 304)
_HTML = b"<html><head><title>%d</title></head><body><center><h1>%d</h1></center><hr>proxy</body></html>"


@dataclass(slots=True)
class FaultyResponse:
    """A recorded response, which can be sent later."""

    messages: list[Message] = field(default_factory=list)

    async def keep(self, message: Message) -> None:
        """Record a message. Pass this method as `send`."""
        self.messages.append(message)

    async def replay(self, send: Send) -> None:
        """Send the recorded messages."""
        for message in self.messages:
            await send(message)

    def body(self) -> bytes:
        """Return the complete body."""
        return b"".join(message.get("body", b"") for message in self.messages[1:])


@dataclass(slots=True)
class FaultedRequest:
    """A request that a fault affects, with everything required to serve it."""

    app: ASGIApp
    fault: Fault
    faults: Faults
    scope: Scope
    receive: Receive
    send: Send

    async def act(self) -> FaultyResponse:
        """Serve the request and record the response."""
        answer = FaultyResponse()
        await self.app(self.scope, self.receive, answer.keep)
        return answer

    async def drop(self) -> None:
        """Close the connection, and return when it is closed."""
        self.scope["extensions"]["emulator.drop"]()
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def wait(self, seconds: float) -> None:
        """Wait for real seconds, or until the server stops."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.faults.ended.wait()


async def apply_fault(request: FaultedRequest) -> None:
    """Execute the fault's action."""
    await _ACTIONS[request.fault.action](request)


async def _status(request: FaultedRequest) -> None:
    options = request.fault.options
    if options.get("acts") or "acts_after" in options:
        request.scope["extensions"]["server.delay"] = options.get("acts_after", 0.0)
        await request.act()
    status = options["status"]
    kind, code = _CODES.get(status, ("invalid_request_error", None))
    error = ApiError(status, f"Injected fault: status {status}.", kind=kind, code=options.get("code", code))
    body = options.get("body", error.body())
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    if status in _BODILESS:
        content = b""
    await _answer(request.send, status, content, "application/json", options.get("headers", {}))


async def _html(request: FaultedRequest) -> None:
    status = request.fault.options.get("status", 502)
    await _answer(request.send, status, _HTML % (status, status), "text/html", {})


async def _hang(request: FaultedRequest) -> None:
    seconds = request.fault.options["seconds"]
    if request.fault.options.get("acts"):
        answer = await request.act()
        await request.wait(seconds)
        await answer.replay(request.send)
        return
    request.receive, disconnected = await _read_ahead(request.receive)
    timer = asyncio.ensure_future(request.wait(seconds))
    await asyncio.wait({timer, disconnected}, return_when=asyncio.FIRST_COMPLETED)
    timer.cancel()
    if not disconnected.done():
        disconnected.cancel()
        await request.app(request.scope, request.receive, request.send)


async def _drop_before(request: FaultedRequest) -> None:
    await request.drop()


async def _drop_after(request: FaultedRequest) -> None:
    await request.act()
    await request.drop()


async def _drop_then_act(request: FaultedRequest) -> None:
    replay, disconnected = await _read_ahead(request.receive)
    request.scope["extensions"]["emulator.drop"]()
    await disconnected
    await request.wait(request.fault.options["seconds"])
    if not request.faults.ended.is_set():
        request.receive = replay
        await request.act()


async def _lag(request: FaultedRequest) -> None:
    request.scope["extensions"]["server.lag"] = request.fault.options["seconds"]
    await request.app(request.scope, request.receive, request.send)


async def _truncate(request: FaultedRequest) -> None:
    answer = await request.act()
    body = answer.body()
    keep = min(request.fault.options.get("keep", len(body) // 2), len(body) - 1)
    await request.send(answer.messages[0])
    await request.send({"type": "http.response.body", "body": body[:keep], "more_body": True})
    await request.drop()


async def _edit(request: FaultedRequest) -> None:
    answer = await request.act()
    try:
        body = json.loads(answer.body())
    except ValueError:  # an empty body, or the content of a file
        await answer.replay(request.send)
        return
    for edit in request.fault.options["edits"]:
        _edit_at(body, edit["path"].split("."), edit)
    status: int = answer.messages[0]["status"]
    await _answer(request.send, status, json.dumps(body).encode(), "application/json", {})


def _edit_at(value: Any, steps: list[str], edit: dict[str, Any]) -> None:
    """Set or remove what a path leads to. Ignore a path that does not exist."""
    step, *rest = steps
    if isinstance(value, list):
        numbers = range(len(value)) if step == "*" else [int(step)] if step.isdecimal() else []
        places: list[Any] = [number for number in numbers if number < len(value)]
    else:
        places = [step] if isinstance(value, dict) else []
    for place in reversed(places):
        if rest:
            _edit_at(value[place] if isinstance(value, list) else value.get(place), rest, edit)
        elif "value" in edit:
            value[place] = edit["value"]
        elif isinstance(value, list) or place in value:
            del value[place]


_ACTIONS: dict[str, Callable[[FaultedRequest], Awaitable[None]]] = {
    "status": _status,
    "hang": _hang,
    "drop_before": _drop_before,
    "drop_after": _drop_after,
    "drop_then_act": _drop_then_act,
    "lag": _lag,
    "truncate": _truncate,
    "html": _html,
    "edit": _edit,
}


async def _read_ahead(receive: Receive) -> tuple[Receive, asyncio.Future[Any]]:
    """Read the complete body.

    Return a `receive` that replays it, and a future that ends when the client disconnects.
    """
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())

    left = messages[-1]["type"] == "http.disconnect"

    async def disconnect() -> None:
        while not left and (await receive())["type"] != "http.disconnect":
            pass

    disconnected = asyncio.ensure_future(disconnect())

    async def replay() -> Message:
        if messages:
            return messages.pop(0)
        return {"type": "http.disconnect"}

    return replay, disconnected


async def _answer(send: Send, status: int, content: bytes, media_type: str, headers: dict[str, str]) -> None:
    all_headers = {"content-type": media_type, "content-length": str(len(content)), **headers}
    encoded = [(name.lower().encode(), value.encode()) for name, value in all_headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": content})
