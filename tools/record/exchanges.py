"""Send requests and keep each exchange, without retries and without interpretation."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import httpx
from tools.record.recording import Exchange, RecordingError, Request, Response

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_openai_ft._settings import Settings

HEADERS = (
    "allow",
    "content-type",
    "date",
    "location",
    "openai-version",
    "retry-after",
    "retry-after-ms",
    "x-request-id",
    "x-should-retry",
)
"""Response headers that a recording keeps."""
OWNER_HEADERS = {"openai-organization": "organization", "openai-project": "project"}
"""Response headers that name the owner. They are not kept; their values are replaced everywhere."""
FILES, JOBS, MODELS = "/files", "/fine_tuning/jobs", "/models"
WRONG_KEY = "sk-this-key-does-not-exist"
THROTTLED = 429
_TRIES, _LONGEST_PAUSE, _PAUSE = 4, 60.0, 10.0
_TIMEOUT = 60.0
_LONGEST_TEXT = 20_000


@dataclass
class Form:
    """A multipart form.

    Attributes:
        fields: Fields before the file.
        filename: Name of the file. None sends the content as a text field.
        content: Content of the file.
    """

    fields: dict[str, str]
    filename: str | None
    content: bytes

    def described(self) -> dict[str, Any]:
        """Return the form for a recording."""
        return {**self.fields, "file": {"filename": self.filename, "bytes": len(self.content)}}


@dataclass
class Created:
    """The objects that a run created, which it must clean up.

    Attributes:
        files: Ids of files.
        jobs: Ids of jobs.
        models: Names of fine-tuned models and checkpoints.
        permissions: Permission ids with their checkpoints.
    """

    files: set[str] = field(default_factory=set)
    jobs: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    permissions: dict[str, str] = field(default_factory=dict)

    def owns(self, object_id: object) -> bool:
        """Return whether the run created an object."""
        return any(object_id in ids for ids in (self.files, self.jobs, self.models, self.permissions))


class Recorder:
    """Sends requests to a service and keeps the exchanges.

    Args:
        settings: Base URL, keys and profile.
        model: Base model, the only element of a list of models that is kept.
        sleep: Waits for a number of seconds.
        report: Prints a line of progress.
    """

    def __init__(
        self,
        settings: Settings,
        model: str,
        *,
        sleep: Callable[[float], object] = time.sleep,
        report: Callable[[str], object] = lambda _line: None,
    ) -> None:
        self.settings, self.model, self.sleep, self.report = settings, model, sleep, report
        self.exchanges: list[Exchange] = []
        self.created = Created()
        self.owners: dict[str, str] = {}
        self._client = httpx.Client(timeout=_TIMEOUT)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def send(
        self,
        step: str,
        method: str,
        path: str,
        *,
        body: Any = None,
        form: Form | None = None,
        query: dict[str, str] | None = None,
        base: Literal["", "parent", "nowhere"] = "",
        key: Literal["project", "admin", "wrong"] = "project",
        with_profile_query: bool = True,
    ) -> Response:
        """Send a request and keep the exchange. Wait and send it again if the service throttles it.

        Raises:
            RecordingError: No response arrived.
        """
        query = {**(dict(self.settings.profile.query) if with_profile_query else {}), **(query or {})}
        request = Request(method, path, query, form.described() if form else body, base, key)
        for tries in range(1, _TRIES + 1):
            response = self._exchange(request, body, form)
            again = response.status == THROTTLED and tries < _TRIES
            self._keep(f"{step} (throttled {tries})" if again else step, request, response)
            if not again:
                break
            self.sleep(min(_seconds(response.headers.get("retry-after")), _LONGEST_PAUSE))
        return response

    def poll(
        self, step: str, path: str, done: Callable[[Any], bool], *, seconds: float, interval: float
    ) -> Response:
        """Read an object until its status is final. Keep the first exchange with each status.

        Args:
            step: Name of the step; the recording adds the status.
            path: Path of the object.
            done: Returns whether a status is final.
            seconds: Maximum time to wait.
            interval: Time between two reads.
        """
        seen, waited = set(), 0.0
        request = Request("GET", path, dict(self.settings.profile.query))
        while True:
            response = self._exchange(request, None, None)
            status = response.body.get("status") if isinstance(response.body, dict) else None
            if status not in seen:
                seen.add(status)
                self._keep(f"{step}: {status}", request, response)
            throttled = response.status == THROTTLED
            if waited >= seconds or (not throttled and (not response.is_success or done(status))):
                return response
            self.sleep(interval)
            waited += interval

    def quietly(
        self, method: str, path: str, *, admin: bool = False, query: dict[str, str] | None = None
    ) -> Response:
        """Send a request that is not part of the recording.

        Raises:
            RecordingError: No response arrived.
        """
        query = {**dict(self.settings.profile.query), **(query or {})}
        return self._exchange(
            Request(method, path, query, key="admin" if admin else "project"), None, None, prune=False
        )

    def _keep(self, step: str, request: Request, response: Response) -> None:
        self.report(f"{response.status}  {request.method:6} {request.path}  ({step})")
        self.exchanges.append(Exchange(step, request, response))

    def _exchange(self, request: Request, body: Any, form: Form | None, *, prune: bool = True) -> Response:
        message: dict[str, Any] = {"json": body} if body is not None else {}
        if form is not None:
            file = (form.filename, form.content) if form.filename else form.content
            message = {"data": form.fields, "files": {"file": file}}
            if form.filename is None:
                message = {"files": {**{k: (None, v) for k, v in form.fields.items()}, "file": (None, file)}}
        try:
            raw = self._client.request(
                request.method,
                self._address(request),
                params=request.query or None,
                headers=self._headers(request.key),
                **message,
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise RecordingError(
                f"no response to {request.method} {request.path}: {self.settings.mask(str(error))}; "
                f"nothing was saved, check the address and record again"
            ) from None
        for header, kind in OWNER_HEADERS.items():
            if header in raw.headers:
                self.owners[raw.headers[header]] = kind
        return self._read(request, raw, prune=prune)

    def _read(self, request: Request, raw: httpx.Response, *, prune: bool) -> Response:
        headers = {name: raw.headers[name] for name in HEADERS if name in raw.headers}
        response = Response(raw.status_code, headers)
        try:
            response.body = raw.json()
        except ValueError:
            response.text = raw.text[:_LONGEST_TEXT]
        if prune and request.method == "GET":
            self._prune(request.path, response)
        return response

    def _prune(self, path: str, response: Response) -> None:
        """Remove the objects in a collection that this run did not create, wherever the response lists them."""
        if path not in (FILES, JOBS, MODELS) and not path.endswith("/permissions"):
            return

        def pruned(value: Any) -> Any:
            if isinstance(value, dict):
                return {name: pruned(item) for name, item in value.items()}
            if not isinstance(value, list):
                return value
            kept = [item for item in value if not isinstance(item, dict) or self._owns(item)]
            response.left_out += len(value) - len(kept)
            return kept

        response.body = pruned(response.body)

    def _owns(self, item: dict[str, Any]) -> bool:
        return item.get("id") == self.model or self.created.owns(item.get("id"))

    def _address(self, request: Request) -> str:
        base = self.settings.base_url
        if request.base == "parent":
            base = base.rpartition("/")[0]
        elif request.base == "nowhere":
            base = f"{base}/nowhere"
        return base + quote(request.path, safe="/:")

    def _headers(self, key: str) -> dict[str, str]:
        settings, admin = self.settings, key == "admin"
        text = WRONG_KEY if key == "wrong" else settings.require_key(admin=admin)
        header = settings.profile.api_key_header
        headers = {header: f"Bearer {text}" if header == "authorization" else text}
        if settings.organization:
            headers["OpenAI-Organization"] = settings.organization
        if settings.project and not admin:
            headers["OpenAI-Project"] = settings.project
        return headers


def _seconds(text: str | None) -> float:
    try:
        return max(0.0, float(text or _PAUSE))
    except ValueError:
        return _PAUSE
