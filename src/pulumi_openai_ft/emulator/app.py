"""The routes of the emulator, and the handling of requests."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route, compile_path

from pulumi_openai_ft.emulator.auth import key_in
from pulumi_openai_ft.emulator.errors import ApiError, invalid, server_error
from pulumi_openai_ft.emulator.forms import read_form
from pulumi_openai_ft.emulator.handlers import control, files, graders, jobs, models, permissions, uploads
from pulumi_openai_ft.emulator.ids import mask
from pulumi_openai_ft.emulator.middleware import FaultMiddleware, LoopbackGuard, RequestLogMiddleware
from pulumi_openai_ft.emulator.request_context import ApiRequest, Handler, read_json

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.types import ASGIApp

    from pulumi_openai_ft.emulator.backend import Backend
    from pulumi_openai_ft.emulator.request_log import JournalEntry
    from pulumi_openai_ft.emulator.service_modes import Mode


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of the API.

    Attributes:
        method: HTTP method.
        path: Path with placeholders.
        handler: Function that handles requests.
        scope: Scope that the key needs.
        file_limit: For multipart bodies, the setting with the maximum size of the file.
        creates: Whether the response has the status that the mode has for created objects.
    """

    method: str
    path: str
    handler: Handler
    scope: str
    file_limit: str | None = None
    creates: bool = False


_JOBS, _PERMISSIONS = "/v1/fine_tuning/jobs", "/v1/fine_tuning/checkpoints/{checkpoint}/permissions"
_GRADERS = "/v1/fine_tuning/alpha/graders"

ENDPOINTS = (
    Endpoint("POST", "/v1/files", files.create_file, "api.files.write", "max_file_bytes", creates=True),
    Endpoint("GET", "/v1/files", files.list_files, "api.files.read"),
    Endpoint("GET", "/v1/files/{file_id}", files.get_file, "api.files.read"),
    Endpoint("DELETE", "/v1/files/{file_id}", files.delete_file, "api.files.write"),
    Endpoint("GET", "/v1/files/{file_id}/content", files.get_content, "api.files.read"),
    Endpoint("POST", "/v1/uploads", uploads.create_upload, "api.files.write"),
    Endpoint("POST", "/v1/uploads/{upload_id}/parts", uploads.add_part, "api.files.write", "max_part_bytes"),
    Endpoint("POST", "/v1/uploads/{upload_id}/complete", uploads.complete_upload, "api.files.write"),
    Endpoint("POST", "/v1/uploads/{upload_id}/cancel", uploads.cancel_upload, "api.files.write"),
    Endpoint("POST", _JOBS, jobs.create_job, "api.fine_tuning.jobs.write", creates=True),
    Endpoint("GET", _JOBS, jobs.list_jobs, "api.fine_tuning.jobs.read"),
    Endpoint("GET", f"{_JOBS}/{{job_id}}", jobs.get_job, "api.fine_tuning.jobs.read"),
    Endpoint("DELETE", f"{_JOBS}/{{job_id}}", jobs.delete_job, "api.fine_tuning.jobs.write"),
    Endpoint("POST", f"{_JOBS}/{{job_id}}/cancel", jobs.cancel_job, "api.fine_tuning.jobs.write"),
    Endpoint("POST", f"{_JOBS}/{{job_id}}/pause", jobs.pause_job, "api.fine_tuning.jobs.write"),
    Endpoint("POST", f"{_JOBS}/{{job_id}}/resume", jobs.resume_job, "api.fine_tuning.jobs.write"),
    Endpoint("GET", f"{_JOBS}/{{job_id}}/events", jobs.list_events, "api.fine_tuning.jobs.read"),
    Endpoint("GET", f"{_JOBS}/{{job_id}}/checkpoints", jobs.list_checkpoints, "api.fine_tuning.jobs.read"),
    Endpoint("POST", _PERMISSIONS, permissions.create_permissions, "api.fine_tuning.checkpoints.write"),
    Endpoint("GET", _PERMISSIONS, permissions.list_permissions, "api.fine_tuning.checkpoints.read"),
    Endpoint(
        "DELETE",
        f"{_PERMISSIONS}/{{permission_id}}",
        permissions.delete_permission,
        "api.fine_tuning.checkpoints.write",
    ),
    Endpoint("POST", f"{_GRADERS}/validate", graders.validate_grader, "api.fine_tuning.jobs.write"),
    Endpoint("POST", f"{_GRADERS}/run", graders.run_grader, "api.fine_tuning.jobs.write"),
    Endpoint("GET", "/v1/models", models.list_models, "api.model.read"),
    Endpoint("GET", "/v1/models/{model}", models.get_model, "api.model.read"),
    Endpoint("DELETE", "/v1/models/{model}", models.delete_model, "api.model.write"),
)
"""The endpoints of the API."""

CONTROLS: tuple[tuple[str, str, Handler], ...] = (
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


def build_app(backend: Backend) -> ASGIApp:
    """Return the emulated service as an ASGI application.

    Its server must be able to drop connections; see `middleware.DroppableProtocol`.
    """
    routes = [
        Route(endpoint.path, _serve_api(backend, endpoint), methods=[endpoint.method])
        for endpoint in ENDPOINTS
    ]
    routes += [
        Route(path, _serve_control(backend, handler), methods=[method]) for method, path, handler in CONTROLS
    ]
    app = Starlette(
        routes=routes,
        exception_handlers={
            ApiError: partial(_on_api_error, backend),
            HTTPException: _on_http_error,
            ClientDisconnect: _on_unexpected,
            Exception: _on_unexpected,
        },
    )
    app.router.redirect_slashes = False
    return LoopbackGuard(RequestLogMiddleware(FaultMiddleware(app, backend), backend, _route_of))


_PATTERNS = [(endpoint, compile_path(endpoint.path)[0]) for endpoint in ENDPOINTS]


def _route_of(method: str, path: str) -> str | None:
    """Return the path, with placeholders, of the endpoint for a request, or None."""
    for endpoint, pattern in _PATTERNS:
        if endpoint.method == method and pattern.match(path):
            return endpoint.path
    return None


def _serve_api(backend: Backend, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        entry: JournalEntry = request.scope["extensions"]["emulator.entry"]
        call = ApiRequest(backend, request)
        rules = backend.settings.rules
        if not rules.has(endpoint.path):
            return _absent_route(rules)
        _require_query(request, rules.required_query)
        text = key_in(request.headers, rules.key_header)
        entry.key = mask(text)
        call.key = backend.keyring.identify(text)
        call.project = backend.keyring.project(call.key, request.headers.get("openai-project"))
        entry.project = call.project
        backend.keyring.require(call.key, endpoint.scope)
        if endpoint.file_limit is not None:
            limit: int = getattr(backend.settings, endpoint.file_limit)
            call.form = await read_form(request, backend.blobs, limit)
        else:
            entry.body = call.body = await read_json(request)
        status = rules.created_status if endpoint.creates else HTTPStatus.OK
        return await _answer(endpoint.handler, call, status)

    return serve


def _absent_route(rules: Mode) -> Response:
    """Return the response of a service that does not use the API's error format."""
    status = HTTPStatus(rules.absent_status)
    if rules.absent_page:
        return HTMLResponse(f"<html><body><h1>{status} {status.phrase}</h1></body></html>", status)
    return JSONResponse({"detail": status.phrase}, status)


def _require_query(request: Request, name: str | None) -> None:
    if name is not None and not request.query_params.get(name):
        raise invalid(f"The query parameter {name} is required.", name)


def _serve_control(backend: Backend, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def serve(request: Request) -> Response:
        return await _answer(
            handler, ApiRequest(backend, request, body=await read_json(request, keep_floats=True))
        )

    return serve


async def _answer(handler: Handler, call: ApiRequest, status: int = HTTPStatus.OK) -> Response:
    try:
        result = await run_in_threadpool(handler, call)
    finally:
        if call.form is not None:
            call.form.discard()
    return result if isinstance(result, Response) else JSONResponse(result, status)


async def _on_api_error(backend: Backend, _: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)
    is_invalid = error.status == HTTPStatus.BAD_REQUEST and error.param is not None
    if is_invalid and backend.settings.rules.reports_invalid_requests_like_fastapi:
        return JSONResponse(_fastapi_body(error), HTTPStatus.UNPROCESSABLE_ENTITY)
    return _error_response(error)


def _error_response(error: ApiError) -> Response:
    return JSONResponse(error.body(), error.status, error.headers)


def _fastapi_body(error: ApiError) -> dict[str, Any]:
    """Return the body of FastAPI's response to an invalid request."""
    location = [
        int(step) if step.isdigit() else step for step in re.split(r"[.\[\]]+", error.param or "") if step
    ]
    return {"detail": [{"loc": ["body", *location], "msg": error.message, "type": "value_error"}]}


async def _on_http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    place = f"{request.method} {request.url.path}"
    message = f"Invalid URL ({place})" if error.status_code == 404 else f"Not allowed: {place}"  # noqa: PLR2004
    refusal = ApiError(error.status_code, message, headers=dict(error.headers or {}))
    return _error_response(refusal)


async def _on_unexpected(_request: Request, _error: Exception) -> Response:
    return _error_response(server_error())
