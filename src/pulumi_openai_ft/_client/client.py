"""API client with a method for each endpoint. This is the only module that contains URL paths."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from threading import Lock
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

from pydantic import ValidationError

from pulumi_openai_ft._client.leniency import identifier
from pulumi_openai_ft._client.objects import (
    APIObject,
    Checkpoint,
    Event,
    FileObject,
    Job,
    Model,
    Part,
    Permission,
    Upload,
)
from pulumi_openai_ft._client.pages import Page, reasons
from pulumi_openai_ft._client.requests import Session
from pulumi_openai_ft._client.transport import Form
from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from pulumi_openai_ft._client.retries import Method
    from pulumi_openai_ft._client.transport import Content
    from pulumi_openai_ft._settings import Settings

FILES, JOBS, MODELS, UPLOADS = "/files", "/fine_tuning/jobs", "/models", "/uploads"
INVALID_IDS = ("", ".", "..")
MAX_PAGE_SIZE, MAX_FILES_PAGE_SIZE = 100, 10000
ItemT = TypeVar("ItemT", bound=APIObject)
ObjectT = TypeVar("ObjectT", bound=APIObject)
ResultT = TypeVar("ResultT")


class Client:
    """A typed client for the service's endpoints.

    The first call opens the connections; the first call that needs the admin key opens those with the admin key.
    The methods that list objects take `unreadable`, to which they add the reasons why objects cannot be read; without
    it, such an object raises `InvalidResponseError`.
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

    def local_time(self, service_time: float) -> float:
        """Return a time of the service by this machine's clock, which may be wrong."""
        return service_time + self._project.clock_lead

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
        return _request(self._project, FileObject, "GET", _path(FILES, file_id), known_id=file_id)

    def content(self, file_id: str, read: Callable[[Iterator[bytes]], ResultT]) -> ResultT:
        """Stream the chunks of `GET /files/{id}/content` to `read` and return its result."""
        return self._project.content(f"{_path(FILES, file_id)}/content", read)

    def content_from(
        self,
        file_id: str,
        position: Callable[[], int],
        read: Callable[[int, Iterator[bytes]], ResultT],
    ) -> ResultT:
        """Stream `GET /files/{id}/content` from a position on; see `Session.resumable_content`."""
        return self._project.resumable_content(f"{_path(FILES, file_id)}/content", position, read)

    def files(
        self,
        *,
        purpose: str | None = None,
        limit: int | None = None,
        unreadable: list[str] | None = None,
    ) -> Iterator[FileObject]:
        """Yield all files, newest first (`GET /files`)."""
        options = _ListOptions(limit, unreadable, MAX_FILES_PAGE_SIZE)
        return self._list(self._project, FileObject, FILES, options, {"purpose": purpose})

    def delete_file(self, file_id: str) -> None:
        """Delete a file with `DELETE /files/{id}`."""
        self._project.request("DELETE", _path(FILES, file_id))

    def create_job(self, body: Mapping[str, Any]) -> Job:
        """Create a job with `POST /fine_tuning/jobs`. This request costs money."""
        return _request(self._project, Job, "POST", JOBS, body=body, creates=True)

    def job(self, job_id: str) -> Job:
        """Return a job (`GET /fine_tuning/jobs/{id}`)."""
        path = _path(JOBS, job_id)
        return _request(self._project, Job, "GET", path, known_id=job_id, needs=("status",))

    def jobs(
        self,
        *,
        metadata: Mapping[str, str] | None = None,
        limit: int | None = None,
        unreadable: list[str] | None = None,
    ) -> Iterator[Job]:
        """Yield the jobs that have the given metadata, newest first (`GET /fine_tuning/jobs`)."""
        query = {f"metadata[{key}]": value for key, value in (metadata or {}).items()}
        return self._list(self._project, Job, JOBS, _ListOptions(limit, unreadable), query)

    def cancel_job(self, job_id: str) -> Job:
        """Cancel a job with `POST /fine_tuning/jobs/{id}/cancel`."""
        return self._act_on_job(job_id, "cancel")

    def pause_job(self, job_id: str) -> Job:
        """Pause a job with `POST /fine_tuning/jobs/{id}/pause`."""
        return self._act_on_job(job_id, "pause")

    def resume_job(self, job_id: str) -> Job:
        """Resume a job with `POST /fine_tuning/jobs/{id}/resume`."""
        return self._act_on_job(job_id, "resume")

    def events(
        self, job_id: str, *, limit: int | None = None, unreadable: list[str] | None = None
    ) -> Iterator[Event]:
        """Yield the events of a job, newest first (`GET /fine_tuning/jobs/{id}/events`)."""
        path = f"{_path(JOBS, job_id)}/events"
        return self._list(self._project, Event, path, _ListOptions(limit, unreadable))

    def checkpoints(
        self, job_id: str, *, limit: int | None = None, unreadable: list[str] | None = None
    ) -> Iterator[Checkpoint]:
        """Yield the checkpoints of a job, last step first (`GET /fine_tuning/jobs/{id}/checkpoints`).

        All of them are requested, because services order them differently.
        """
        path = f"{_path(JOBS, job_id)}/checkpoints"
        checkpoints = self._list(self._project, Checkpoint, path, _ListOptions(None, unreadable))
        return islice(sorted(checkpoints, key=_step, reverse=True), limit)

    def permissions(
        self, checkpoint: str, *, limit: int | None = None, unreadable: list[str] | None = None
    ) -> Iterator[Permission]:
        """Yield permissions with the admin key, newest first (`GET /fine_tuning/checkpoints/{name}/permissions`)."""
        path = _permissions(checkpoint)
        return self._list(self._admin, Permission, path, _ListOptions(limit, unreadable))

    def grant_permissions(self, checkpoint: str, project_ids: list[str]) -> list[Permission]:
        """Grant each project a permission with the admin key (`POST /fine_tuning/checkpoints/{name}/permissions`)."""
        body, read = {"project_ids": project_ids}, _page_reader(Permission, None)
        path = _permissions(checkpoint)
        page: Page[Permission] = self._admin.request("POST", path, read=read, body=body, creates=True)
        return page.items

    def revoke_permission(self, checkpoint: str, permission_id: str) -> None:
        """Revoke a permission with the admin key (`DELETE /fine_tuning/checkpoints/{name}/permissions/{id}`)."""
        self._admin.request("DELETE", _path(_permissions(checkpoint), permission_id))

    def model(self, model_id: str) -> Model:
        """Return a model (`GET /models/{id}`)."""
        return _request(self._project, Model, "GET", _path(MODELS, model_id), known_id=model_id)

    def models(self, *, unreadable: list[str] | None = None) -> Iterator[Model]:
        """Yield all models (`GET /models`, which is not paginated)."""
        page: Page[Model] = self._project.request("GET", MODELS, read=_page_reader(Model, unreadable))
        return iter(page.items)

    def delete_model(self, model_id: str) -> None:
        """Delete a fine-tuned model with `DELETE /models/{id}`."""
        self._project.request("DELETE", _path(MODELS, model_id))

    def _act_on_job(self, job_id: str, action: str) -> Job:
        path = f"{_path(JOBS, job_id)}/{action}"
        return _request(self._project, Job, "POST", path, known_id=job_id, needs=("status",))

    def _list(
        self,
        session: Session,
        kind: type[ItemT],
        path: str,
        options: _ListOptions,
        query: Mapping[str, Any] | None = None,
    ) -> Iterator[ItemT]:
        """Yield the items of a list, on pages that are as small as possible."""
        query = {**(query or {}), "limit": options.page_size}
        read = _page_reader(kind, options.unreadable)
        return islice(self._pages(session, path, read, query), options.limit)

    def _pages(
        self, session: Session, path: str, read: Callable[[Any], Page[ItemT]], query: Mapping[str, Any]
    ) -> Iterator[ItemT]:
        """Yield the items of all pages.

        A service that does not state whether the list continues is asked until a page is empty or repeats.
        """
        after, seen = None, set[str]()
        while True:
            page: Page[ItemT] = session.request("GET", path, read=read, params={**query, "after": after})
            ids = {item.id for item in page.items}
            if page.last_id == after or (ids and ids <= seen):  # the service ignores `after`
                return
            yield from page.items
            if page.has_more is False or page.last_id is None:
                return
            after = page.last_id
            seen |= ids


@dataclass(frozen=True)
class _ListOptions:
    """How to read a list.

    Attributes:
        limit: Maximum number of items, or None for all.
        unreadable: Collects the reasons why items cannot be read. If it is None, such an item is an error.
        max_page_size: Maximum number of items on a page.
    """

    limit: int | None
    unreadable: list[str] | None
    max_page_size: int = MAX_PAGE_SIZE

    @property
    def page_size(self) -> int:
        """Return the number of items to request."""
        return self.max_page_size if self.limit is None else max(1, min(self.limit, self.max_page_size))


_connected: dict[tuple[Settings, TimeSource], Client] = {}
_connecting = Lock()


def connect(settings: Settings, time: TimeSource = REAL_TIME) -> Client:
    """Return the client that this process shares for these settings and time source."""
    with _connecting:
        return _connected.setdefault((settings, time), Client(settings, time))


def _request(
    session: Session,
    kind: type[ObjectT],
    method: Method,
    path: str,
    *,
    known_id: str | None = None,
    needs: Sequence[str] = (),
    **options: Any,
) -> ObjectT:
    result: ObjectT = session.request(method, path, read=_reader(kind, known_id, needs), **options)
    return result


def _reader(kind: type[ObjectT], known_id: str | None, needs: Sequence[str]) -> Callable[[Any], ObjectT]:
    """Return a function that parses decoded JSON to an API object. Its errors do not contain the values.

    Args:
        kind: The class of the object.
        known_id: Id of the requested object, for a response that shows the object without its id.
        needs: Optional fields that the operation requires.
    """

    def read(decoded: Any) -> ObjectT:
        try:
            found = kind.model_validate(_with_id(kind, decoded, known_id))
        except ValidationError as error:
            raise ValueError(f"not a valid {kind.__name__}: {reasons(error)}") from None
        if missing := [name for name in needs if name not in found.model_fields_set]:
            raise ValueError(f"not a valid {kind.__name__}: {missing[0]}: Field required")
        return found

    return read


def _with_id(kind: type[APIObject], decoded: Any, known_id: str | None) -> Any:
    """Return a decoded object with its known id, if it has no readable id, but another field of its class."""
    if not isinstance(decoded, dict) or known_id is None or isinstance(identifier(decoded.get("id")), str):
        return decoded
    named = kind.model_fields.keys() - {"id", "object", "error"}
    is_object = any(decoded.get(name) is not None for name in named)
    return {**decoded, "id": known_id} if is_object else decoded


def _page_reader(kind: type[ItemT], unreadable: list[str] | None) -> Callable[[Any], Page[ItemT]]:
    """Return a function that parses decoded JSON to a page. It adds the reasons of unreadable items to `unreadable`.

    Without such a list, an unreadable item raises a ValueError.
    """

    def read(decoded: Any) -> Page[ItemT]:
        page = Page.read(kind, decoded)
        if page.unreadable and unreadable is None:
            raise ValueError(f"not a valid list of {kind.__name__} objects: {page.unreadable[0]}")
        if unreadable is not None:
            unreadable.extend(page.unreadable)
        return page

    return read


def _step(checkpoint: Checkpoint) -> int:
    return -1 if checkpoint.step_number is None else checkpoint.step_number


def _path(collection: str, object_id: str) -> str:
    """Return the path of an object. Reject ids that would address a different path: empty, `.` and `..`."""
    if object_id in INVALID_IDS:
        raise InputError(f"invalid id {object_id!r} for {collection}: pass the id of an existing object")
    return f"{collection}/{quote(object_id, safe=':')}"


def _permissions(checkpoint: str) -> str:
    return f"{_path('/fine_tuning/checkpoints', checkpoint)}/permissions"
