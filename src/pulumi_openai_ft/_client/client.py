"""API client with a method for each endpoint. This is the only module that contains URL paths."""

from __future__ import annotations

from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel, ValidationError

from pulumi_openai_ft._client.objects import (
    APIObject,
    Checkpoint,
    Event,
    FileObject,
    Job,
    Model,
    Page,
    Part,
    Permission,
    Upload,
)
from pulumi_openai_ft._client.requests import Session
from pulumi_openai_ft._client.transport import Form
from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pulumi_openai_ft._client.retries import Method
    from pulumi_openai_ft._client.transport import Content
    from pulumi_openai_ft._settings import Settings

FILES, JOBS, MODELS, UPLOADS = "/files", "/fine_tuning/jobs", "/models", "/uploads"
INVALID_IDS = ("", ".", "..")
MAX_PAGE_SIZE, MAX_FILES_PAGE_SIZE = 100, 10000
ItemT = TypeVar("ItemT", bound=APIObject)
ObjectT = TypeVar("ObjectT", bound=BaseModel)
ResultT = TypeVar("ResultT")


class Client:
    """A typed client for the service's endpoints.

    The first call opens the connections; the first call that needs the admin key opens those with the admin key.
    Every method raises `ServiceError` or `ServiceConnectionError`, and `SettingsError` if the key is missing.
    Exceptions of `time.sleep` propagate unchanged.

    Args:
        settings: Base URL, keys, timeouts.
        time: Clocks and sleep.
    """

    def __init__(self, settings: Settings, time: TimeSource = REAL_TIME) -> None:
        self.settings = settings
        self._project, self._admin = Session(settings, time=time), Session(settings, admin=True, time=time)

    @property
    def service_time(self) -> float | None:
        """Return the service's time in its last response, in Unix seconds, or None if it sends no time."""
        return self._project.service_time

    def close(self) -> None:
        """Close the connections."""
        self._project.close()
        self._admin.close()

    def upload_file(
        self,
        filename: str,
        content: Content,
        *,
        purpose: str,
        expires_after: Mapping[str, Any] | None = None,
    ) -> FileObject:
        """Upload a file with `POST /files`, streaming its content."""
        expiry = {f"expires_after[{key}]": str(v) for key, v in (expires_after or {}).items()}
        form = Form("file", filename, content, {"purpose": purpose, **expiry})
        return _request(self._project, FileObject, "POST", FILES, form=form, creates=True)

    def begin_upload(
        self,
        filename: str,
        *,
        purpose: str,
        size: int,
        mime_type: str,
        expires_after: Mapping[str, Any] | None = None,
    ) -> Upload:
        """Begin a multipart upload with `POST /uploads`. Retries may leave an empty upload behind, which expires."""
        body = {"filename": filename, "purpose": purpose, "bytes": size, "mime_type": mime_type}
        if expires_after:
            body["expires_after"] = expires_after
        return _request(self._project, Upload, "POST", UPLOADS, body=body, creates=True, idempotent=True)

    def add_part(self, upload_id: str, content: Content) -> Part:
        """Upload a part with `POST /uploads/{id}/parts`, streaming it.

        `complete_upload` ignores parts that it does not list, so a repeated upload does no harm.
        """
        path, form = f"{_path(UPLOADS, upload_id)}/parts", Form("data", "part", content)
        return _request(self._project, Part, "POST", path, form=form, creates=True, idempotent=True)

    def complete_upload(self, upload_id: str, part_ids: list[str], md5: str) -> Upload:
        """Create the file with `POST /uploads/{id}/complete`.

        An upload becomes a file only once: the service rejects a repeated request at worst.
        """
        path, body = f"{_path(UPLOADS, upload_id)}/complete", {"part_ids": part_ids, "md5": md5}
        return _request(self._project, Upload, "POST", path, body=body, creates=True, idempotent=True)

    def cancel_upload(self, upload_id: str) -> Upload:
        """Cancel an upload and delete its parts with `POST /uploads/{id}/cancel`."""
        return _request(self._project, Upload, "POST", f"{_path(UPLOADS, upload_id)}/cancel", idempotent=True)

    def file(self, file_id: str) -> FileObject:
        """Return a file (`GET /files/{id}`)."""
        return _request(self._project, FileObject, "GET", _path(FILES, file_id))

    def content(self, file_id: str, read: Callable[[Iterator[bytes]], ResultT]) -> ResultT:
        """Stream the chunks of `GET /files/{id}/content` to `read` and return its result."""
        return self._project.content(f"{_path(FILES, file_id)}/content", read)

    def files(self, *, purpose: str | None = None, limit: int | None = None) -> Iterator[FileObject]:
        """Yield all files, newest first (`GET /files`)."""
        query = {"purpose": purpose}
        return self._list(
            self._project, FileObject, FILES, query, limit=limit, max_page_size=MAX_FILES_PAGE_SIZE
        )

    def delete_file(self, file_id: str) -> None:
        """Delete a file with `DELETE /files/{id}`."""
        self._project.request("DELETE", _path(FILES, file_id))

    def create_job(self, body: Mapping[str, Any]) -> Job:
        """Create a job with `POST /fine_tuning/jobs`. This request costs money."""
        return _request(self._project, Job, "POST", JOBS, body=body, creates=True)

    def job(self, job_id: str) -> Job:
        """Return a job (`GET /fine_tuning/jobs/{id}`)."""
        return _request(self._project, Job, "GET", _path(JOBS, job_id))

    def jobs(self, *, metadata: Mapping[str, str] | None = None, limit: int | None = None) -> Iterator[Job]:
        """Yield the jobs that have the given metadata, newest first (`GET /fine_tuning/jobs`)."""
        query = {f"metadata[{key}]": value for key, value in (metadata or {}).items()}
        return self._list(self._project, Job, JOBS, query, limit=limit)

    def cancel_job(self, job_id: str) -> Job:
        """Cancel a job with `POST /fine_tuning/jobs/{id}/cancel`."""
        return self._act_on_job(job_id, "cancel")

    def pause_job(self, job_id: str) -> Job:
        """Pause a job with `POST /fine_tuning/jobs/{id}/pause`."""
        return self._act_on_job(job_id, "pause")

    def resume_job(self, job_id: str) -> Job:
        """Resume a job with `POST /fine_tuning/jobs/{id}/resume`."""
        return self._act_on_job(job_id, "resume")

    def events(self, job_id: str, *, limit: int | None = None) -> Iterator[Event]:
        """Yield the events of a job, newest first (`GET /fine_tuning/jobs/{id}/events`)."""
        return self._list(self._project, Event, f"{_path(JOBS, job_id)}/events", limit=limit)

    def checkpoints(self, job_id: str, *, limit: int | None = None) -> Iterator[Checkpoint]:
        """Yield the checkpoints of a job, last step first (`GET /fine_tuning/jobs/{id}/checkpoints`)."""
        return self._list(self._project, Checkpoint, f"{_path(JOBS, job_id)}/checkpoints", limit=limit)

    def permissions(self, checkpoint: str, *, limit: int | None = None) -> Iterator[Permission]:
        """Yield permissions with the admin key, newest first (`GET /fine_tuning/checkpoints/{name}/permissions`)."""
        return self._list(self._admin, Permission, _permissions(checkpoint), limit=limit)

    def grant_permissions(self, checkpoint: str, project_ids: list[str]) -> list[Permission]:
        """Grant each project a permission with the admin key (`POST /fine_tuning/checkpoints/{name}/permissions`)."""
        body = {"project_ids": project_ids}
        return _request(
            self._admin, Page[Permission], "POST", _permissions(checkpoint), body=body, creates=True
        ).data

    def revoke_permission(self, checkpoint: str, permission_id: str) -> None:
        """Revoke a permission with the admin key (`DELETE /fine_tuning/checkpoints/{name}/permissions/{id}`)."""
        self._admin.request("DELETE", _path(_permissions(checkpoint), permission_id))

    def model(self, model_id: str) -> Model:
        """Return a model (`GET /models/{id}`)."""
        return _request(self._project, Model, "GET", _path(MODELS, model_id))

    def models(self) -> Iterator[Model]:
        """Yield all models (`GET /models`, which is not paginated)."""
        return iter(_request(self._project, Page[Model], "GET", MODELS).data)

    def delete_model(self, model_id: str) -> None:
        """Delete a fine-tuned model with `DELETE /models/{id}`."""
        self._project.request("DELETE", _path(MODELS, model_id))

    def _act_on_job(self, job_id: str, action: str) -> Job:
        return _request(self._project, Job, "POST", f"{_path(JOBS, job_id)}/{action}")

    def _list(
        self,
        session: Session,
        kind: type[ItemT],
        path: str,
        query: Mapping[str, Any] | None = None,
        *,
        limit: int | None = None,
        max_page_size: int = MAX_PAGE_SIZE,
    ) -> Iterator[ItemT]:
        """Yield up to `limit` items of a list, by default all, on pages that are as small as possible."""
        size = max_page_size if limit is None else max(1, min(limit, max_page_size))
        return islice(self._pages(session, kind, path, {**(query or {}), "limit": size}), limit)

    def _pages(
        self, session: Session, kind: type[ItemT], path: str, query: Mapping[str, Any]
    ) -> Iterator[ItemT]:
        after = None
        while True:
            page: Page[ItemT] = _request(session, Page[kind], "GET", path, params={**query, "after": after})  # type: ignore[valid-type]
            last = page.last_id or (page.data[-1].id if page.data else None)
            if last == after:  # the list is complete, or the service ignores `after`
                return
            yield from page.data
            if not page.has_more:
                return
            after = last


_connected: dict[tuple[Settings, TimeSource], Client] = {}
_connecting = Lock()


def connect(settings: Settings, time: TimeSource = REAL_TIME) -> Client:
    """Return the client that this process shares for these settings and time source."""
    with _connecting:
        return _connected.setdefault((settings, time), Client(settings, time))


def _request(session: Session, kind: type[ObjectT], method: Method, path: str, **options: Any) -> ObjectT:
    result: ObjectT = session.request(method, path, read=_reader(kind), **options)
    return result


def _reader(kind: type[ObjectT]) -> Callable[[Any], ObjectT]:
    """Return a function that parses decoded JSON to an API object. Its errors do not contain the values."""

    def read(decoded: Any) -> ObjectT:
        try:
            return kind.model_validate(decoded)
        except ValidationError as error:
            fields = {".".join(map(str, problem["loc"])): problem["msg"] for problem in error.errors()}
            problems = ", ".join(
                f"{field}: {reason}" if field else reason for field, reason in fields.items()
            )
            raise ValueError(f"not a valid {kind.__name__}: {problems}") from None

    return read


def _path(collection: str, object_id: str) -> str:
    """Return the path of an object. Reject ids that would address a different path: empty, `.` and `..`."""
    if object_id in INVALID_IDS:
        raise InputError(f"invalid id {object_id!r} for {collection}: pass the id of an existing object")
    return f"{collection}/{quote(object_id, safe=':')}"


def _permissions(checkpoint: str) -> str:
    return f"{_path('/fine_tuning/checkpoints', checkpoint)}/permissions"
