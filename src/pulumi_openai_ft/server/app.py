"""The routes of the API, and the handling of requests."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from pulumi_openai_ft.server.auth import key_in
from pulumi_openai_ft.server.errors import ApiError, invalid, server_error
from pulumi_openai_ft.server.forms import read_form
from pulumi_openai_ft.server.handlers import files, jobs, models, permissions, uploads
from pulumi_openai_ft.server.ids import mask
from pulumi_openai_ft.server.request_context import ApiRequest, Handler, Json, read_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from starlette.types import Lifespan

    from pulumi_openai_ft.server.backend import Backend
    from pulumi_openai_ft.server.rules import Rules


@dataclass(frozen=True)
class Endpoint:
    """An endpoint of the API.

    Attributes:
        method: HTTP method.
        path: Path with placeholders.
        handler: Function that handles requests.
        scope: Scope that the key needs.
        file_limit: For multipart bodies, the setting with the maximum size of the file.
        needs_room: Whether the request adds files.
        creates: Whether the response has the status that the mode has for created objects.
    """

    method: str
    path: str
    handler: Handler
    scope: str
    file_limit: str | None = None
    needs_room: bool = False
    creates: bool = False

    @property
    def pattern(self) -> str:
        """Return the path for the router. Names of models and checkpoints may contain slashes."""
        return re.sub(r"{(model|checkpoint)}", r"{\1:name}", self.path)


class _ModelName(StringConvertor):
    """The name of a model or checkpoint. It contains the suffix, which may have any characters."""

    regex = r"[\s\S]+"


register_url_convertor("name", _ModelName())
_JOBS, _PERMISSIONS = "/v1/fine_tuning/jobs", "/v1/fine_tuning/checkpoints/{checkpoint}/permissions"

ENDPOINTS = (
    Endpoint(
        "POST",
        "/v1/files",
        files.create_file,
        "api.files.write",
        "max_file_bytes",
        needs_room=True,
        creates=True,
    ),
    Endpoint("GET", "/v1/files", files.list_files, "api.files.read"),
    Endpoint("GET", "/v1/files/{file_id}", files.get_file, "api.files.read"),
    Endpoint("DELETE", "/v1/files/{file_id}", files.delete_file, "api.files.write"),
    Endpoint("GET", "/v1/files/{file_id}/content", files.get_content, "api.files.read"),
    Endpoint("POST", "/v1/uploads", uploads.create_upload, "api.files.write"),
    Endpoint(
        "POST",
        "/v1/uploads/{upload_id}/parts",
        uploads.add_part,
        "api.files.write",
        "max_part_bytes",
        needs_room=True,
    ),
    Endpoint("POST", "/v1/uploads/{upload_id}/complete", uploads.complete_upload, "api.files.write"),
    Endpoint("POST", "/v1/uploads/{upload_id}/cancel", uploads.cancel_upload, "api.files.write"),
    Endpoint("POST", _JOBS, jobs.create_job, "api.fine_tuning.jobs.write", needs_room=True, creates=True),
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
    Endpoint("GET", "/v1/models", models.list_models, "api.model.read"),
    Endpoint("GET", "/v1/models/{model}", models.get_model, "api.model.read"),
    Endpoint("DELETE", "/v1/models/{model}", models.delete_model, "api.model.write"),
)
"""The endpoints of the API for files, jobs, permissions and models."""

Observe = Callable[[Request, str, Any], None]
"""Receives facts of a request as soon as they are known: `key` (masked), `project` and `body`."""


def build_app(
    backend: Backend, routes: Iterable[Route], lifespan: Lifespan[Starlette] | None = None
) -> Starlette:
    """Return a service with these routes as an ASGI application, which responds to errors as the API does."""
    app = Starlette(
        routes=list(routes),
        lifespan=lifespan,
        exception_handlers={
            ApiError: partial(_on_api_error, backend),
            HTTPException: _on_http_error,
            ClientDisconnect: _on_unexpected,
            Exception: _on_unexpected,
        },
    )
    app.router.redirect_slashes = False
    return app


def api_route(backend: Backend, endpoint: Endpoint, observe: Observe) -> Route:
    """Return the route of an endpoint, which checks the request's key before it calls the handler."""

    async def serve(request: Request) -> Response:
        rules = backend.settings.rules
        if not rules.has(endpoint.path):
            return _absent_route(rules)
        call = authorize(backend, request, endpoint.scope, observe)
        if endpoint.needs_room:
            backend.require_room()
        if endpoint.file_limit is not None:
            limit: int = getattr(backend.settings, endpoint.file_limit)
            call.form = await read_form(request, backend.blobs, limit)
        else:
            call.body = await read_json(request, limit=backend.settings.max_json_bytes)
            observe(request, "body", call.body)
        status = rules.created_status if endpoint.creates else HTTPStatus.OK
        return await respond(endpoint.handler, call, status)

    return Route(endpoint.pattern, serve, methods=[endpoint.method])


def authorize(backend: Backend, request: Request, scope: str, observe: Observe) -> ApiRequest:
    """Return a request with its key and project. Raise a 401 or 403 if the key is unknown or lacks the scope."""
    rules = backend.settings.rules
    _require_query(request, rules.required_query)
    text = key_in(request.headers, rules.key_header)
    observe(request, "key", mask(text))
    key = backend.keyring.identify(text)
    project = backend.keyring.project(key, request.headers.get("openai-project"))
    observe(request, "project", project)
    backend.keyring.require(key, scope)
    if key.admin:
        backend.admin_rate.count(backend.settings.admin_requests_per_minute)
    return ApiRequest(backend, request, key, project)


def _absent_route(rules: Rules) -> Response:
    """Return the response of a service that does not use the API's error format."""
    status = HTTPStatus(rules.absent_status)
    if rules.absent_page:
        return HTMLResponse(f"<html><body><h1>{status} {status.phrase}</h1></body></html>", status)
    return JSONResponse({"detail": status.phrase}, status)


def _require_query(request: Request, name: str | None) -> None:
    if name is not None and not request.query_params.get(name):
        raise invalid(f"The query parameter {name} is required.", name)


async def respond(
    handler: Callable[[Any], Json | Response | Awaitable[Response]],
    call: ApiRequest,
    status: int = HTTPStatus.OK,
) -> Response:
    """Return the response of a handler. It runs in a thread, unless it is asynchronous."""
    try:
        if iscoroutinefunction(handler):
            found: Response = await handler(call)
            return found
        return await run_in_threadpool(_respond, handler, call, status)
    finally:
        if call.form is not None:
            call.form.discard()


def _respond(handler: Callable[[Any], Any], call: ApiRequest, status: int) -> Response:
    """Return the response of a handler that is not asynchronous. A long list takes milliseconds to encode."""
    result = handler(call)
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
