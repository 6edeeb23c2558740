"""One method for each endpoint. The only module that holds URL paths."""

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
NO_IDS = ("", ".", "..")
LONGEST_PAGE, LONGEST_PAGE_OF_FILES = 100, 10000
Item = TypeVar("Item", bound=APIObject)
Shape = TypeVar("Shape", bound=BaseModel)
Made = TypeVar("Made")


class Client:
    """The service's endpoints, typed.

    Connections are opened at the first call, those with the admin key at the first call that needs it.
    Every method raises `ServiceError`, `ServiceConnectionError` or, without a key, `SettingsError`. What `time.sleep`
    raises comes out as it is.

    Args:
        settings: Base URL, keys, timeouts.
        time: Clocks and sleep.
    """

    def __init__(self, settings: Settings, time: TimeSource = REAL_TIME) -> None:
        self.settings = settings
        self._project, self._admin = Session(settings, time=time), Session(settings, admin=True, time=time)

    def close(self) -> None:
        """Closes what is open."""
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
        """`POST /files`. The content is streamed."""
        expiry = {f"expires_after[{key}]": str(v) for key, v in (expires_after or {}).items()}
        form = Form("file", filename, content, {"purpose": purpose, **expiry})
        return _ask(self._project, FileObject, "POST", FILES, form=form, creates=True)

    def begin_upload(
        self,
        filename: str,
        *,
        purpose: str,
        size: int,
        mime_type: str,
        expires_after: Mapping[str, Any] | None = None,
    ) -> Upload:
        """`POST /uploads`. One that is begun twice holds nothing and expires."""
        body = {"filename": filename, "purpose": purpose, "bytes": size, "mime_type": mime_type}
        if expires_after:
            body["expires_after"] = expires_after
        return _ask(self._project, Upload, "POST", UPLOADS, body=body, creates=True, idempotent=True)

    def add_part(self, upload_id: str, content: Content) -> Part:
        """`POST /uploads/{id}/parts`. The content is streamed. A part that is not named in the end counts for nothing."""
        path, form = f"{_path(UPLOADS, upload_id)}/parts", Form("data", "part", content)
        return _ask(self._project, Part, "POST", path, form=form, creates=True, idempotent=True)

    def complete_upload(self, upload_id: str, part_ids: list[str], md5: str) -> Upload:
        """`POST /uploads/{id}/complete`. An upload becomes a file once; whoever asks again is refused at the worst."""
        path, body = f"{_path(UPLOADS, upload_id)}/complete", {"part_ids": part_ids, "md5": md5}
        return _ask(self._project, Upload, "POST", path, body=body, creates=True, idempotent=True)

    def cancel_upload(self, upload_id: str) -> Upload:
        """`POST /uploads/{id}/cancel`. Its parts are gone then."""
        return _ask(self._project, Upload, "POST", f"{_path(UPLOADS, upload_id)}/cancel", idempotent=True)

    def file(self, file_id: str) -> FileObject:
        """`GET /files/{id}`."""
        return _ask(self._project, FileObject, "GET", _path(FILES, file_id))

    def content(self, file_id: str, read: Callable[[Iterator[bytes]], Made]) -> Made:
        """What `read` makes out of the parts of `GET /files/{id}/content`. The content is streamed."""
        return self._project.content(f"{_path(FILES, file_id)}/content", read)

    def files(self, *, purpose: str | None = None, limit: int | None = None) -> Iterator[FileObject]:
        """`GET /files`, all pages, newest first."""
        query = {"purpose": purpose}
        return self._list(self._project, FileObject, FILES, query, limit=limit, longest=LONGEST_PAGE_OF_FILES)

    def delete_file(self, file_id: str) -> None:
        """`DELETE /files/{id}`."""
        self._project.request("DELETE", _path(FILES, file_id))

    def create_job(self, body: Mapping[str, Any]) -> Job:
        """`POST /fine_tuning/jobs`. This is the call that costs money."""
        return _ask(self._project, Job, "POST", JOBS, body=body, creates=True)

    def job(self, job_id: str) -> Job:
        """`GET /fine_tuning/jobs/{id}`."""
        return _ask(self._project, Job, "GET", _path(JOBS, job_id))

    def jobs(self, *, metadata: Mapping[str, str] | None = None, limit: int | None = None) -> Iterator[Job]:
        """`GET /fine_tuning/jobs`, all pages, newest first, those alone that carry the metadata."""
        query = {f"metadata[{key}]": value for key, value in (metadata or {}).items()}
        return self._list(self._project, Job, JOBS, query, limit=limit)

    def cancel_job(self, job_id: str) -> Job:
        """`POST /fine_tuning/jobs/{id}/cancel`."""
        return self._act_on_job(job_id, "cancel")

    def pause_job(self, job_id: str) -> Job:
        """`POST /fine_tuning/jobs/{id}/pause`."""
        return self._act_on_job(job_id, "pause")

    def resume_job(self, job_id: str) -> Job:
        """`POST /fine_tuning/jobs/{id}/resume`."""
        return self._act_on_job(job_id, "resume")

    def events(self, job_id: str, *, limit: int | None = None) -> Iterator[Event]:
        """`GET /fine_tuning/jobs/{id}/events`, all pages, newest first."""
        return self._list(self._project, Event, f"{_path(JOBS, job_id)}/events", limit=limit)

    def checkpoints(self, job_id: str, *, limit: int | None = None) -> Iterator[Checkpoint]:
        """`GET /fine_tuning/jobs/{id}/checkpoints`, all pages, last step first."""
        return self._list(self._project, Checkpoint, f"{_path(JOBS, job_id)}/checkpoints", limit=limit)

    def permissions(self, checkpoint: str, *, limit: int | None = None) -> Iterator[Permission]:
        """`GET /fine_tuning/checkpoints/{name}/permissions` with the admin key, all pages, newest first."""
        return self._list(self._admin, Permission, _permissions(checkpoint), limit=limit)

    def grant_permissions(self, checkpoint: str, project_ids: list[str]) -> list[Permission]:
        """`POST /fine_tuning/checkpoints/{name}/permissions` with the admin key: one for each project."""
        body = {"project_ids": project_ids}
        return _ask(
            self._admin, Page[Permission], "POST", _permissions(checkpoint), body=body, creates=True
        ).data

    def revoke_permission(self, checkpoint: str, permission_id: str) -> None:
        """`DELETE /fine_tuning/checkpoints/{name}/permissions/{id}` with the admin key."""
        self._admin.request("DELETE", _path(_permissions(checkpoint), permission_id))

    def model(self, model_id: str) -> Model:
        """`GET /models/{id}`."""
        return _ask(self._project, Model, "GET", _path(MODELS, model_id))

    def models(self) -> Iterator[Model]:
        """`GET /models`, which is one page."""
        return iter(_ask(self._project, Page[Model], "GET", MODELS).data)

    def delete_model(self, model_id: str) -> None:
        """`DELETE /models/{id}`: fine-tuned models only."""
        self._project.request("DELETE", _path(MODELS, model_id))

    def _act_on_job(self, job_id: str, action: str) -> Job:
        return _ask(self._project, Job, "POST", f"{_path(JOBS, job_id)}/{action}")

    def _list(
        self,
        session: Session,
        kind: type[Item],
        path: str,
        query: Mapping[str, Any] | None = None,
        *,
        limit: int | None = None,
        longest: int = LONGEST_PAGE,
    ) -> Iterator[Item]:
        """The first things of a list, all by default, on pages that are no longer than that takes."""
        size = longest if limit is None else max(1, min(limit, longest))
        return islice(self._pages(session, kind, path, {**(query or {}), "limit": size}), limit)

    def _pages(
        self, session: Session, kind: type[Item], path: str, query: Mapping[str, Any]
    ) -> Iterator[Item]:
        after = None
        while True:
            page: Page[Item] = _ask(session, Page[kind], "GET", path, params={**query, "after": after})  # type: ignore[valid-type]
            last = page.last_id or (page.data[-1].id if page.data else None)
            if last == after:  # nothing more, or a service that pays no heed to `after`
                return
            yield from page.data
            if not page.has_more:
                return
            after = last


_connected: dict[tuple[Settings, TimeSource], Client] = {}
_connecting = Lock()


def connect(settings: Settings, time: TimeSource = REAL_TIME) -> Client:
    """The one client of this process for these settings and this time, so that connections are shared."""
    with _connecting:
        return _connected.setdefault((settings, time), Client(settings, time))


def _ask(session: Session, kind: type[Shape], method: Method, path: str, **more: Any) -> Shape:
    answer: Shape = session.request(method, path, read=_reader(kind), **more)
    return answer


def _reader(kind: type[Shape]) -> Callable[[Any], Shape]:
    """Makes an object of the API out of decoded JSON. What is wrong with it is told without the values."""

    def read(decoded: Any) -> Shape:
        try:
            return kind.model_validate(decoded)
        except ValidationError as error:
            fields = {".".join(map(str, problem["loc"])): problem["msg"] for problem in error.errors()}
            told = ", ".join(f"{field}: {reason}" if field else reason for field, reason in fields.items())
            raise ValueError(f"no {kind.__name__}: {told}") from None

    return read


def _path(collection: str, object_id: str) -> str:
    """The path of one object. An empty id, or a step of a path, would silently address something else."""
    if object_id in NO_IDS:
        raise InputError(f"an id is {object_id!r}: nothing below {collection} can be addressed")
    return f"{collection}/{quote(object_id, safe=':')}"


def _permissions(checkpoint: str) -> str:
    return f"{_path('/fine_tuning/checkpoints', checkpoint)}/permissions"
