"""What is done with files at the service: find a lost upload, upload, delete."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import PurePath
from threading import Lock
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._adopted import Adopted
from pulumi_openai_ft._host import Host
from pulumi_openai_ft._late import PAUSES, look_for
from pulumi_openai_ft._progress.lines import UploadProgress
from pulumi_openai_ft._progress.rows import Row
from pulumi_openai_ft._progress.watched import Watched
from pulumi_openai_ft.errors import InputError, NotFoundError, RequestError, ServiceConnectionError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import BufferedReader

    from pulumi_openai_ft._service.api import Api
    from pulumi_openai_ft._service.objects import FileObject, Job

CLOCKS_DIFFER_BY = 120.0
"""Seconds by which the service's clock and ours may differ."""
RECENT_STAYS_TRUE = 5.0
"""Seconds for which the list of recent jobs is used again."""
TOKEN_LENGTH = 10


@dataclass(frozen=True)
class Upload:
    """A file as it is to be uploaded.

    Attributes:
        filename: Name at the service.
        purpose: What the service may use the file for.
        size: Bytes.
        expires_after: When the service deletes it, in the API's form.
        is_ours: Whether the name tells that nobody else can have uploaded it.
    """

    filename: str
    purpose: str
    size: int
    expires_after: Mapping[str, Any] | None = None
    is_ours: bool = False

    def is_like(self, file: FileObject) -> bool:
        """Whether a file at the service may be this one."""
        return (file.filename, file.bytes, file.purpose) == (self.filename, self.size, self.purpose)


@dataclass
class Files:
    """The files of one service.

    Attributes:
        api: The service.
        host: The process: where things are told, clock and sleep.
        adopted: Files that a new resource found instead of uploading them.
    """

    api: Api
    host: Host = field(default_factory=Host)
    adopted: Adopted = field(default_factory=Adopted)
    _lock: Lock = field(default_factory=Lock)
    _before: dict[str, FileObject] | None = None
    _claimed: set[str] = field(default_factory=set)
    _recent: _RecentJobs | None = None

    def obtain(self, upload: Upload, content: BufferedReader) -> FileObject:
        """The file, uploaded unless an earlier run that broke off has done so."""
        file = self._leftover(upload) or self._upload(upload, content)
        self._claimed.add(file.id)
        return file

    def delete(self, file_id: str, created_at: int) -> None:
        """Deletes a file that was created then. One that is gone is fine.

        Raises:
            InputError: A job that is not finished needs it.
        """
        for listed in self._jobs_since(created_at):
            if listed.is_terminal or file_id not in (listed.training_file, listed.validation_file):
                continue
            job = self.api.job(listed.id)  # it may have been cancelled since it was listed
            if not job.is_terminal:
                raise InputError(
                    f"{file_id} cannot be deleted: job {job.id} is {job.status} and needs it; "
                    f"wait until the job is done, or cancel it, then run the command again"
                )
        try:
            self.api.delete_file(file_id)
        except NotFoundError:
            return

    def _leftover(self, upload: Upload) -> FileObject | None:
        """The upload of an earlier run that was cut off before it could record it."""
        before = self._files_before()
        for file in before.values():
            if upload.is_ours and upload.is_like(file):
                self.host.say(f"adopted file {file.id} ({file.filename}): this resource uploaded it before")
                self.adopted.add(file.id)
                return file
        return None

    def _upload(self, upload: Upload, content: BufferedReader) -> FileObject:
        started = self.host.time.wall()
        self.host.require_consent()
        try:
            return self.api.upload_file(
                upload.filename,
                self._watched(content, upload.size),
                purpose=upload.purpose,
                expires_after=upload.expires_after,
            )
        except RequestError as error:
            if not error.may_have_acted:
                raise
            return self._uploaded_unanswered(upload, started, error)

    def _watched(self, content: BufferedReader, size: int) -> BufferedReader:
        """The content, shown on its way to the service where anybody sees that."""
        if not self.host.shows_progress:
            return content
        row, progress = Row(self.host), UploadProgress(size, self.host.time)

        def see(sent: int) -> None:
            progress.see(sent)
            row.show(progress)

        return Watched(content, see)

    def _files_before(self) -> dict[str, FileObject]:
        """The files that were there before this process uploaded any, asked for once."""
        with self._lock:
            if self._before is None:
                self._before = {file.id: file for file in self.api.files()}
            return self._before

    def _uploaded_unanswered(self, upload: Upload, started: float, error: RequestError) -> FileObject:
        """The file whose upload was not answered, if the service took it: by name, size and time."""
        found = look_for(lambda: self._new_file(upload, started), self.host.time)
        if found is None:
            raise ServiceConnectionError(
                f"uploading {upload.filename} was not answered, and for {sum(PAUSES):.0f} s no such file appeared: "
                f"{error}. Run the command again",
                may_have_acted=True,
            ) from error
        return found

    def _new_file(self, upload: Upload, started: float) -> FileObject | None:
        for file in self.api.files(purpose=upload.purpose):
            is_known = file.id in self._files_before() or file.id in self._claimed
            if not is_known and upload.is_like(file) and file.created_at >= started - CLOCKS_DIFFER_BY:
                return file
        return None

    def _jobs_since(self, created_at: int) -> list[Job]:
        """The jobs that were created since then. None older can need a file of that age."""
        with self._lock:
            now = self.host.time.clock()
            if self._recent is None or now - self._recent.asked_at > RECENT_STAYS_TRUE:
                self._recent = _RecentJobs(now, self.api.jobs())
            return self._recent.since(created_at)


@dataclass
class _RecentJobs:
    """The service's list of jobs, newest first, read no further than somebody has asked for."""

    asked_at: float
    rest: Iterator[Job]
    read: list[Job] = field(default_factory=list)

    def since(self, created_at: int) -> list[Job]:
        while not self.read or self.read[-1].created_at >= created_at:
            job = next(self.rest, None)
            if job is None:
                break
            self.read.append(job)
        return [job for job in self.read if job.created_at >= created_at]


def own_filename(filename: str, recipe: Mapping[str, Any]) -> str:
    """A file's name that no other resource, and no other content of this one, gives to its upload.

    Files have no metadata that could carry a token, so the name does.
    """
    token = hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()[:TOKEN_LENGTH]
    name = PurePath(re.sub(r'["\x00-\x1f]', "_", filename))  # forms do not carry these unchanged
    return f"{name.stem}-{token}{name.suffix}"
