"""A stand-in of a Ray head that runs submissions as processes, without Ray.

It answers with the statuses and bodies of Ray 2.60, which tests/ray observes at a real head.
"""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

TOKEN = "0123456789abcdef0123456789abcdef"
_STATUSES = {None: "RUNNING", 0: "SUCCEEDED", -15: "STOPPED"}


@dataclass
class RayStandIn:
    """A head.

    Attributes:
        is_open: Whether it accepts requests without a token.
        has_cpus: Whether it starts submissions; if not, they wait.
        faults: Responses to all requests of a route, instead of those of Ray.
        calls: Routes of all requests so far.
        bodies: Bodies of all submissions so far.
        tokens: Tokens of all requests so far, with None for a request without one.
    """

    is_open: bool = False
    has_cpus: bool = True
    faults: dict[str, Response] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    bodies: list[dict[str, Any]] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._processes: dict[str, subprocess.Popen[bytes] | None] = {}

    def app(self) -> Starlette:
        """Return the head as an application."""
        return Starlette(
            routes=[
                Route("/api/version", self._route("version", self._version)),
                Route("/api/cluster_status", self._route("usage", self._usage)),
                Route("/api/jobs/", self._route("list", self._list)),
                Route("/api/jobs/", self._route("submit", self._submit), methods=["POST"]),
                Route("/api/jobs/{name}/stop", self._route("stop", self._stop), methods=["POST"]),
                Route("/api/jobs/{name}", self._route("delete", self._delete), methods=["DELETE"]),
            ]
        )

    def end(self) -> None:
        """End all submissions."""
        for process in filter(None, self._processes.values()):
            process.kill()
            process.wait()

    def _route(
        self, name: str, respond: Callable[[Request, bytes], Response]
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            token = request.headers.get("authorization", "").removeprefix("Bearer ") or None
            self.calls.append(name)
            self.tokens.append(token)
            if name in self.faults:
                return self.faults[name]
            if token != TOKEN and not self.is_open:
                return PlainTextResponse("Unauthorized: Invalid or missing authentication token", 401)
            return respond(request, await request.body())

        return answer

    def _version(self, _: Request, __: bytes) -> Response:
        return JSONResponse({"version": "4", "ray_version": "2.60.0", "ray_commit": "x", "session_name": "x"})

    def _usage(self, _: Request, __: bytes) -> Response:
        usage = {"CPU": [0.0 if self.has_cpus else 2.0, 2.0]}
        return JSONResponse({"data": {"clusterStatus": {"loadMetricsReport": {"usage": usage}}}})

    def _list(self, _: Request, __: bytes) -> Response:
        self._start_waiting()
        driver = {"type": "DRIVER", "job_id": "01000000", "submission_id": None, "status": "RUNNING"}
        return JSONResponse([driver, *(self._described(name) for name in self._processes)])

    def _described(self, name: str) -> dict[str, Any]:
        process = self._processes[name]
        code = None if process is None else process.poll()
        return {
            "type": "SUBMISSION",
            "submission_id": name,
            "status": "PENDING" if process is None else _STATUSES.get(code, "FAILED"),
            "message": "",
            "error_type": None,
            "driver_exit_code": code,
        }

    def _submit(self, _: Request, content: bytes) -> Response:
        body = json.loads(content)
        name = body["submission_id"]
        if name in self._processes:
            return PlainTextResponse(f"ValueError: Job with submission_id {name} already exists.", 500)
        self.bodies.append(body)
        self._processes[name] = None
        self._start_waiting()
        return JSONResponse({"job_id": name, "submission_id": name})

    def _start_waiting(self) -> None:
        commands = {body["submission_id"]: body["entrypoint"] for body in self.bodies}
        for name, process in self._processes.items():
            if process is None and (self.has_cpus or name.startswith("cluster-check")):
                self._processes[name] = subprocess.Popen(["/bin/sh", "-c", commands[name]])

    def _stop(self, request: Request, _: bytes) -> Response:
        name = request.path_params["name"]
        if name not in self._processes:
            return PlainTextResponse(f"Job {name} not found", 404)
        if process := self._processes[name]:
            process.terminate()
        return JSONResponse({"stopped": process is not None})

    def _delete(self, request: Request, _: bytes) -> Response:
        found = self._processes.pop(request.path_params["name"], None)
        if found is None:
            return PlainTextResponse("Job not found", 404)
        return JSONResponse({"deleted": True})
