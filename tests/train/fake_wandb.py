"""The part of Weights & Biases' API that wandb 0.31 uses for a run: it accepts one key, and records runs and their history."""

from __future__ import annotations

import base64
import gzip
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from types import TracebackType


class FakeWandb:
    """The service, on a free port of the loopback interface."""

    def __init__(self, key: str) -> None:
        self.runs: dict[str, dict[str, Any]] = {}
        self.history: list[dict[str, Any]] = []
        self.refused = 0
        self.bodies: list[bytes] = []
        self._authorization = f"Basic {base64.b64encode(f'api:{key}'.encode()).decode()}"
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                status, answer = service.answer(self)
                content = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_PUT = do_POST  # noqa: N815  # the names are those of the base class

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def answer(self, request: BaseHTTPRequestHandler) -> tuple[int, dict[str, Any]]:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        self.bodies.append(body)
        if request.path.startswith(("/upload/", "/sdk/otel/")):
            return 200, {}
        if request.headers.get("Authorization") != self._authorization:
            self.refused += 1
            return 401, {"errors": [{"message": "permission denied"}]}
        if request.path == "/graphql":
            return 200, {"data": self._query(json.loads(body))}
        if request.path.endswith("/file_stream"):
            lines = json.loads(body).get("files", {}).get("wandb-history.jsonl", {}).get("content", [])
            self.history += [json.loads(line) for line in lines]
            return 200, {}
        return 404, {}

    def _query(self, query: dict[str, Any]) -> dict[str, Any]:
        variables = query["variables"]
        match query["operationName"]:
            case "RunResumeStatus":
                return {"model": None}
            case "UpsertBucket":
                given = {name: value for name, value in variables.items() if value is not None}
                run = self.runs.setdefault(variables["name"], {})
                run |= given
                project = {"name": run["project"], "entity": {"name": run["entity"]}}
                bucket = {
                    "id": "run",
                    "name": run["name"],
                    "displayName": run["displayName"],
                    "project": project,
                }
                return {"upsertBucket": {"bucket": {**bucket, "historyLineCount": 0}, "inserted": True}}
            case "CreateRunFiles":
                files = [
                    {"name": name, "uploadUrl": f"{self.url}/upload/{name}"} for name in variables["files"]
                ]
                return {"createRunFiles": {"runID": "run", "uploadHeaders": [], "files": files}}
            case _:
                return {}
