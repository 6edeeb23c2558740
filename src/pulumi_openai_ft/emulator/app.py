"""The routes of the emulator: the endpoints of the API, and further endpoints that only the emulator has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from starlette.routing import Route, compile_path

from pulumi_openai_ft.emulator import control
from pulumi_openai_ft.emulator.grader_handlers import run_grader, validate_grader
from pulumi_openai_ft.emulator.middleware import FaultMiddleware, RequestLogMiddleware
from pulumi_openai_ft.server import app as server
from pulumi_openai_ft.server.app import Endpoint, api_route, build_app, respond
from pulumi_openai_ft.server.loopback import LoopbackGuard
from pulumi_openai_ft.server.request_context import read_json

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response
    from starlette.types import ASGIApp

    from pulumi_openai_ft.emulator.backend import EmulatorBackend

_GRADERS = "/v1/fine_tuning/alpha/graders"

ENDPOINTS = (
    *server.ENDPOINTS,
    Endpoint("POST", f"{_GRADERS}/validate", validate_grader, "api.fine_tuning.jobs.write"),
    Endpoint("POST", f"{_GRADERS}/run", run_grader, "api.fine_tuning.jobs.write"),
)
"""The endpoints of the API."""

CONTROLS: tuple[tuple[str, str, control.Handler], ...] = (
    ("GET", "/", control.show_help),
    ("GET", "/_emulator/", control.show_help),
    ("POST", "/_emulator/reset", control.reset),
    ("GET", "/_emulator/clock", control.show_clock),
    ("POST", "/_emulator/advance", control.advance),
    ("GET", "/_emulator/journal", control.show_journal),
    ("DELETE", "/_emulator/journal", control.clear_journal),
    ("GET", "/_emulator/counts", control.show_counts),
    ("GET", "/_emulator/objects", control.show_objects),
    ("GET", "/_emulator/objects/{kind}", control.show_objects_of_kind),
    ("GET", "/_emulator/settings", control.show_settings),
    ("POST", "/_emulator/settings", control.change_settings),
    ("GET", "/_emulator/keys", control.show_keys),
    ("POST", "/_emulator/keys", control.add_key),
    ("DELETE", "/_emulator/keys", control.clear_keys),
    ("GET", "/_emulator/faults", control.show_faults),
    ("POST", "/_emulator/faults", control.add_fault),
    ("DELETE", "/_emulator/faults", control.clear_faults),
)
"""Routes that only the emulator has. They do not require a key."""


def build_emulator_app(backend: EmulatorBackend) -> ASGIApp:
    """Return the emulated service as an ASGI application.

    Its server must be able to drop connections; see `middleware.DroppableProtocol`.
    """
    routes = [api_route(backend, endpoint, _observe) for endpoint in ENDPOINTS]
    routes += [_control_route(backend, *route) for route in CONTROLS]
    app = build_app(backend, routes)
    return LoopbackGuard(RequestLogMiddleware(FaultMiddleware(app, backend), backend, _route_of))


_PATTERNS = [(endpoint, compile_path(endpoint.pattern)[0]) for endpoint in ENDPOINTS]


def _route_of(method: str, path: str) -> str | None:
    """Return the path, with placeholders, of the endpoint for a request, or None."""
    for endpoint, pattern in _PATTERNS:
        if endpoint.method == method and pattern.match(path):
            return endpoint.path
    return None


def _observe(request: Request, name: str, value: Any) -> None:
    setattr(request.scope["extensions"]["emulator.entry"], name, value)


def _control_route(backend: EmulatorBackend, method: str, path: str, handler: control.Handler) -> Route:
    async def serve(request: Request) -> Response:
        body = await read_json(request, keep_floats=True)
        return await respond(handler, control.ControlRequest(backend, request, body=body))

    return Route(path, serve, methods=[method])
