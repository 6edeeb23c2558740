"""What a fault does to a request, on the level of ASGI."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.emulator.errors import ApiError

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
    """An answer held back: swallowed, or sent when its time has come."""

    messages: list[Message] = field(default_factory=list)

    async def keep(self, message: Message) -> None:
        """Takes the place of `send`."""
        self.messages.append(message)

    async def replay(self, send: Send) -> None:
        """Sends what was kept."""
        for message in self.messages:
            await send(message)

    def body(self) -> bytes:
        """The whole body."""
        return b"".join(message.get("body", b"") for message in self.messages[1:])


@dataclass(slots=True)
class FaultedRequest:
    """A request that a fault has struck, and all that is needed to serve it after all."""

    app: ASGIApp
    fault: Fault
    faults: Faults
    scope: Scope
    receive: Receive
    send: Send

    async def act(self) -> FaultyResponse:
        """Serves the request and keeps the answer back."""
        answer = FaultyResponse()
        await self.app(self.scope, self.receive, answer.keep)
        return answer

    async def drop(self) -> None:
        """Closes the connection, and returns when it is closed."""
        self.scope["extensions"]["emulator.drop"]()
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def wait(self, seconds: float) -> None:
        """Lets real time pass, unless the server stops."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.faults.ended.wait()


async def apply_fault(struck: FaultedRequest) -> None:
    """Does what the fault's action says."""
    await _ACTIONS[struck.fault.action](struck)


async def _status(struck: FaultedRequest) -> None:
    options = struck.fault.options
    if options.get("acts"):
        await struck.act()
    status = options["status"]
    kind, code = _CODES.get(status, ("invalid_request_error", None))
    error = ApiError(status, f"A fault was set: answer {status}.", kind=kind, code=options.get("code", code))
    body = options.get("body", error.body())
    content = body.encode() if isinstance(body, str) else json.dumps(body).encode()
    if status in _BODILESS:
        content = b""
    await _answer(struck.send, status, content, "application/json", options.get("headers", {}))


async def _html(struck: FaultedRequest) -> None:
    status = struck.fault.options.get("status", 502)
    await _answer(struck.send, status, _HTML % (status, status), "text/html", {})


async def _hang(struck: FaultedRequest) -> None:
    seconds = struck.fault.options["seconds"]
    if struck.fault.options.get("acts"):
        answer = await struck.act()
        await struck.wait(seconds)
        await answer.replay(struck.send)
        return
    struck.receive, gone = await _read_ahead(struck.receive)
    patience = asyncio.ensure_future(struck.wait(seconds))
    await asyncio.wait({patience, gone}, return_when=asyncio.FIRST_COMPLETED)
    patience.cancel()
    if not gone.done():
        gone.cancel()
        await struck.app(struck.scope, struck.receive, struck.send)


async def _drop_before(struck: FaultedRequest) -> None:
    await struck.drop()


async def _drop_after(struck: FaultedRequest) -> None:
    await struck.act()
    await struck.drop()


async def _drop_then_act(struck: FaultedRequest) -> None:
    replay, gone = await _read_ahead(struck.receive)
    struck.scope["extensions"]["emulator.drop"]()
    await gone
    await struck.wait(struck.fault.options["seconds"])
    if not struck.faults.ended.is_set():
        struck.receive = replay
        await struck.act()


async def _lag(struck: FaultedRequest) -> None:
    struck.scope["extensions"]["emulator.lag"] = struck.fault.options["seconds"]
    await struck.app(struck.scope, struck.receive, struck.send)


async def _truncate(struck: FaultedRequest) -> None:
    answer = await struck.act()
    body = answer.body()
    keep = min(struck.fault.options.get("keep", len(body) // 2), len(body) - 1)
    await struck.send(answer.messages[0])
    await struck.send({"type": "http.response.body", "body": body[:keep], "more_body": True})
    await struck.drop()


_ACTIONS: dict[str, Callable[[FaultedRequest], Awaitable[None]]] = {
    "status": _status,
    "hang": _hang,
    "drop_before": _drop_before,
    "drop_after": _drop_after,
    "drop_then_act": _drop_then_act,
    "lag": _lag,
    "truncate": _truncate,
    "html": _html,
}


async def _read_ahead(receive: Receive) -> tuple[Receive, asyncio.Future[Any]]:
    """Reads the whole body; gives a `receive` that repeats it, and a future that ends when the client leaves."""
    messages = [await receive()]
    while messages[-1].get("more_body"):
        messages.append(await receive())

    left = messages[-1]["type"] == "http.disconnect"

    async def disconnect() -> None:
        while not left and (await receive())["type"] != "http.disconnect":
            pass

    gone = asyncio.ensure_future(disconnect())

    async def replay() -> Message:
        if messages:
            return messages.pop(0)
        return {"type": "http.disconnect"}

    return replay, gone


async def _answer(send: Send, status: int, content: bytes, media_type: str, headers: dict[str, str]) -> None:
    all_headers = {"content-type": media_type, "content-length": str(len(content)), **headers}
    encoded = [(name.lower().encode(), value.encode()) for name, value in all_headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
    await send({"type": "http.response.body", "body": content})
