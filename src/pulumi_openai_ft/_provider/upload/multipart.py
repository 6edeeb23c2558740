"""Multipart upload (`POST /uploads`): parts are sent in parallel and retried separately; the upload can be resumed.

Each request can be repeated even if an earlier try may have succeeded. A part sent twice becomes two parts, of which
the complete request names only one. An upload that was created twice is empty and expires. Completing an upload twice
creates a single file.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pulumi_openai_ft._client.retries import NOT_OFFERED_STATUSES
from pulumi_openai_ft._provider.lost_response import poll_until_found
from pulumi_openai_ft._provider.progress.status_row import Row
from pulumi_openai_ft._provider.progress.transfers import UploadProgress
from pulumi_openai_ft._provider.upload.reader import FileSnapshot, Section
from pulumi_openai_ft._provider.upload.resume_store import UploadRecord
from pulumi_openai_ft._provider.upload.worker_pool import WorkerPool
from pulumi_openai_ft._shared.api_limits import LIMITS
from pulumi_openai_ft.errors import (
    CommandInterruptedError,
    EngineDisconnectedError,
    InputError,
    OpenAIFTError,
    RateLimitError,
    RequestError,
    ServiceConnectionError,
    ServiceError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from io import BufferedReader

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import FileObject
    from pulumi_openai_ft._provider.host_interface import Host
    from pulumi_openai_ft._provider.upload.request import UploadRequest
    from pulumi_openai_ft._provider.upload.resume_store import ResumeStore

AT_A_TIME = 4
LIFETIME, MARGIN = LIMITS["upload_lifetime"], 60.0
"""Default lifetime of an upload, and minimum remaining lifetime for resuming it, in seconds."""
GONE_STATUSES = frozenset({400, 404, 409, 410})
"""HTTP statuses for an upload that has expired, or that was cancelled or completed."""
ABSENT_STATUSES = NOT_OFFERED_STATUSES | {404}


class NotOfferedError(InputError):
    """The service does not support multipart uploads."""

    def __init__(self, response: ServiceError) -> None:
        super().__init__(
            f"the service does not support multipart uploads (status {response.status}): "
            f"add `uploads` to openai-ft:unsupportedFeatures"
        )


@dataclass(slots=True)
class MultipartUpload:
    """A multipart upload of a file.

    Attributes:
        upload: The upload to perform.
        content: The open local file.
        api: The client.
        host: The host.
        resume_store: Store of upload records.
        find: Searches for the file at the service if the response to the complete request was lost.
        before: Ids of the matching files that existed before the upload.
        key: Key of the upload's record.
    """

    upload: UploadRequest
    content: BufferedReader
    api: Client
    host: Host
    resume_store: ResumeStore
    find: Callable[[], FileObject | None]
    before: list[str]
    key: str | None = field(init=False)

    def __post_init__(self) -> None:
        self.key = self.upload.key(self.api.settings)

    def send(self) -> FileObject:
        """Send the missing parts, complete the upload, and return the file.

        Raises:
            ServiceConnectionError, CommandInterruptedError, EngineDisconnectedError: The upload was interrupted. The
                next run resumes it.
            ServiceError: The service returned an error. The upload is cancelled.
            InputError: The local file has changed. The upload is cancelled.
        """
        if resumable := self._resumable():
            return self._resume(resumable)
        return self._send_and_complete(self._begin())

    def _resumable(self) -> UploadRecord | None:
        now = self.host.time.wall()
        record = self.resume_store.find(self.key, now)
        return record if record and record.upload_id and record.expires_at - MARGIN > now else None

    def _resume(self, record: UploadRecord) -> FileObject:
        may_be_complete = len(record.parts) == self._count(record)
        self.host.info(
            f"resuming the interrupted upload of {self.upload.filename}: "
            f"{len(record.parts)} of {self._count(record)} parts already uploaded"
        )
        try:
            return self._send_and_complete(record)
        except ServiceError as error:
            if error.status not in GONE_STATUSES:
                raise
        if may_be_complete and (file := poll_until_found(self.find, self.host.time)):
            return file
        return self._send_and_complete(self._begin())

    def _begin(self) -> UploadRecord:
        self.host.raise_if_interrupted()
        upload, now = self.upload, self.host.time.wall()
        try:
            created = self.api.begin_upload(
                upload.filename,
                purpose=upload.purpose,
                size=upload.size,
                mime_type=upload.mime_type,
                expires_after=upload.expires_after,
            )
        except ServiceError as error:
            if error.status in ABSENT_STATUSES:
                raise NotOfferedError(error) from error
            raise
        part_size = upload.part_size(self.api.settings)
        record = UploadRecord(now, self.before, created.id, created.expires_at or now + LIFETIME, part_size)
        self.resume_store.write(self.key, record)
        return record

    def _send_and_complete(self, record: UploadRecord) -> FileObject:
        try:
            with self._sending(record) as sending:
                md5 = sending.run()
            file = self._complete(record, md5)
            self._check(file)
        except (ServiceConnectionError, CommandInterruptedError, EngineDisconnectedError) as error:
            self._keep_for_resume(record, error)
            raise
        except OpenAIFTError:
            self._abort(record)
            raise
        return file

    @contextmanager
    def _sending(self, record: UploadRecord) -> Iterator[_Sending]:
        sending = _Sending(self, record, FileSnapshot.of(self.content, self.upload))
        try:
            yield sending
        finally:
            sending.pool.stop()

    def _complete(self, record: UploadRecord, md5: str) -> FileObject:
        self.host.raise_if_interrupted()
        assert record.upload_id
        part_ids = [record.parts[number] for number in range(self._count(record))]
        try:
            file, reason = self.api.complete_upload(record.upload_id, part_ids, md5).file, ""
        except RequestError as error:
            if not _may_be_complete(error):
                raise
            file, reason = None, f" ({error})"
        file = file or poll_until_found(self.find, self.host.time)
        if file is None:
            raise ServiceConnectionError(
                f"the service may have completed the upload of {self.upload.filename}, but the file was not "
                f"found{reason}: run the command again",
                may_have_acted=True,
            )
        return file

    def _check(self, file: FileObject) -> None:
        """Check that the service received the complete file."""
        if file.bytes not in (None, self.upload.size):
            self.api.delete_file(file.id)
            raise InputError(
                f"file: {self.upload.filename} has {file.bytes} bytes at the service instead of {self.upload.size}, "
                f"so the uploaded file was deleted: run the command again"
            )

    def _keep_for_resume(self, record: UploadRecord, error: OpenAIFTError) -> None:
        """Keep the upload for the next run, or cancel it if it has no record from which to resume."""
        if self.resume_store.find(self.key, self.host.time.wall()) is None:
            self._abort(record)
        elif isinstance(error, CommandInterruptedError) and len(record.parts) < self._count(record):
            sent = f"{len(record.parts)} of {self._count(record)} parts of {self.upload.filename} were sent"
            error.args = (f"{error}; {sent}: run `pulumi up` again within one hour to send the rest",)

    def _abort(self, record: UploadRecord) -> None:
        self.resume_store.forget(self.key)
        assert record.upload_id
        with suppress(RequestError, CommandInterruptedError):  # it expires within one hour
            self.api.cancel_upload(record.upload_id)

    def _count(self, record: UploadRecord) -> int:
        return -(-self.upload.size // record.part_size)


class _Sending:
    """Parallel sending of the missing parts of an upload."""

    def __init__(self, multipart: MultipartUpload, record: UploadRecord, snapshot: FileSnapshot) -> None:
        self._multipart, self._record, self._snapshot = multipart, record, snapshot
        count = -(-multipart.upload.size // record.part_size)
        self._missing = deque(number for number in range(count) if number not in record.parts)
        self._sent = [self._size(number) if number in record.parts else 0 for number in range(count)]
        self._file = os.dup(multipart.content.fileno())
        threads = max(min(AT_A_TIME, len(self._missing)), 1)
        self.pool = WorkerPool(self._send, threads, lambda: os.close(self._file))
        self._row = Row(multipart.host)
        self._progress = UploadProgress(multipart.upload.size, multipart.host.time, sum(self._sent))

    def run(self) -> str:
        """Send the parts, and return the MD5 of the whole file."""
        self.pool.start()
        md5 = self._snapshot.md5(self._follow)
        self.pool.wait(self._report_progress)
        self._show()
        self._snapshot.require_same()
        return md5

    def _follow(self, hashed: int) -> None:
        """Send the parts that have been hashed, while the operating system still caches them.

        The upload cannot be completed before the hash, so sending parts earlier would not save time.
        """
        while self._missing and self._start(self._missing[0]) + self._size(self._missing[0]) <= hashed:
            self.pool.add(self._missing.popleft())
        self._report_progress()

    def _report_progress(self) -> None:
        """Display the progress, and raise the error of a failed part or of an interrupt."""
        self.pool.raise_error()
        self._multipart.host.raise_if_interrupted()
        self._show()

    def _show(self) -> None:
        if self._multipart.host.shows_progress:
            self._progress.see(sum(self._sent))
            self._row.show(self._progress)

    def _send(self, number: int) -> None:
        def report(sent: int) -> None:
            self.pool.raise_if_stopped()
            self._sent[number] = max(self._sent[number], sent)

        size = self._size(number)
        section = Section(self._file, self._start(number), size, report, self._snapshot.name)
        assert self._record.upload_id
        part = self._multipart.api.add_part(self._record.upload_id, section)
        self._sent[number] = size
        self.pool.record(lambda: self._add_part(number, part.id))

    def _add_part(self, number: int, part_id: str) -> None:
        self._record.parts[number] = part_id
        self._multipart.resume_store.write(self._multipart.key, self._record)

    def _start(self, number: int) -> int:
        return number * self._record.part_size

    def _size(self, number: int) -> int:
        return min(self._record.part_size, self._multipart.upload.size - self._start(number))


def _may_be_complete(error: RequestError) -> bool:
    """Return whether an earlier try may have completed the upload although the last one failed."""
    return error.may_have_acted or (error.tries > 1 and not isinstance(error, RateLimitError))
