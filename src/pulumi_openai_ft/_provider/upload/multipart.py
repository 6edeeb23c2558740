"""A file on its way in parts (`POST /uploads`): several at a time, each tried again by itself, resumed after a break.

Each of these requests may be repeated although it may have acted. A part that arrives twice is two parts, of which the
end names one; an upload that is begun twice holds nothing and expires; one that is completed twice is a file once.
"""

from __future__ import annotations

import os
from collections import deque
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pulumi_openai_ft._client.retries import NOT_OFFERED_STATUSES
from pulumi_openai_ft._provider.lost_response import poll_until_found
from pulumi_openai_ft._provider.progress.status_row import Row
from pulumi_openai_ft._provider.progress.transfers import UploadProgress
from pulumi_openai_ft._provider.upload.reader import FileSnapshot, Section
from pulumi_openai_ft._provider.upload.resume_store import UploadRecord
from pulumi_openai_ft._provider.upload.worker_pool import WorkerPool
from pulumi_openai_ft._shared.api_limits import LIMITS
from pulumi_openai_ft._shared.locked_property import locked_cached_property
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
"""Seconds that an upload waits for its parts where the service does not say, and before that end nothing is resumed."""
GONE_STATUSES = frozenset({400, 404, 409, 410})
"""How a service may refuse an upload that it has dropped, cancelled or completed."""
ABSENT_STATUSES = NOT_OFFERED_STATUSES | {404}


class NotOfferedError(InputError):
    """The service takes no uploads in parts."""

    def __init__(self, refusal: ServiceError) -> None:
        super().__init__(
            f"the service takes no uploads in parts (status {refusal.status}): name `uploads` in openai-ft:unsupportedFeatures"
        )


@dataclass
class MultipartUpload:
    """The sending of one file in parts.

    Attributes:
        upload: What the file is to be.
        content: The local file.
        api: The service.
        host: The process.
        ledger: Where the upload is remembered.
        find: Looks for the file at the service, of which nobody knows whether it is there.
        before: Files that looked like it before.
    """

    upload: UploadRequest
    content: BufferedReader
    api: Client
    host: Host
    ledger: ResumeStore
    find: Callable[[], FileObject | None]
    before: list[str]

    def send(self) -> FileObject:
        """Sends what is not there yet, and makes a file of it.

        Raises:
            ServiceConnectionError, CommandInterruptedError, EngineDisconnectedError: The next run goes on from there.
            ServiceError: The service refuses; what it has is cancelled.
            InputError: The local file has been written to; likewise.
        """
        if resumable := self._resumable():
            return self._resume(resumable)
        return self._send_and_complete(self._begin())

    def _resumable(self) -> UploadRecord | None:
        now = self.host.time.wall()
        entry = self.ledger.find(self.key, now)
        return entry if entry and entry.upload_id and entry.expires_at - MARGIN > now else None

    def _resume(self, entry: UploadRecord) -> FileObject:
        told = f"{len(entry.parts)} of {self._count(entry)} parts are at the service"
        may_be_a_file = len(entry.parts) == self._count(entry)
        self.host.info(f"going on with the upload of {self.upload.filename} that broke off: {told}")
        try:
            return self._send_and_complete(entry)
        except ServiceError as error:
            if error.status not in GONE_STATUSES:
                raise
        if may_be_a_file and (file := poll_until_found(self.find, self.host.time)):
            return file
        return self._send_and_complete(self._begin())

    def _begin(self) -> UploadRecord:
        self.host.raise_if_interrupted()
        upload, now = self.upload, self.host.time.wall()
        try:
            begun = self.api.begin_upload(
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
        entry = UploadRecord(now, self.before, begun.id, begun.expires_at or now + LIFETIME, part_size)
        self.ledger.write(self.key, entry)
        return entry

    def _send_and_complete(self, entry: UploadRecord) -> FileObject:
        try:
            with self._sending(entry) as sending:
                md5 = sending.run()
            file = self._complete(entry, md5)
            self._check(file)
        except (ServiceConnectionError, CommandInterruptedError, EngineDisconnectedError) as error:
            self._keep_for_resume(entry, error)
            raise
        except OpenAIFTError:
            self._abort(entry)
            raise
        return file

    @contextmanager
    def _sending(self, entry: UploadRecord) -> Iterator[_Sending]:
        sending = _Sending(self, entry, FileSnapshot.of(self.content, self.upload))
        try:
            yield sending
        finally:
            sending.crew.stop()

    def _complete(self, entry: UploadRecord, md5: str) -> FileObject:
        self.host.raise_if_interrupted()
        assert entry.upload_id
        part_ids = [entry.parts[number] for number in range(self._count(entry))]
        try:
            file, told = self.api.complete_upload(entry.upload_id, part_ids, md5).file, ""
        except RequestError as error:
            if not _may_be_complete(error):
                raise
            file, told = None, f" ({error})"
        file = file or poll_until_found(self.find, self.host.time)
        if file is None:
            raise ServiceConnectionError(
                f"the service may have completed the upload of {self.upload.filename} and shows no file of it{told}: "
                f"run the command again",
                may_have_acted=True,
            )
        return file

    def _check(self, file: FileObject) -> None:
        """Makes sure that all of it has arrived."""
        if file.bytes not in (None, self.upload.size):
            self.api.delete_file(file.id)
            raise InputError(
                f"file: {self.upload.filename} has {file.bytes} bytes at the service instead of {self.upload.size}, "
                f"so it was deleted there: run the command again"
            )

    def _keep_for_resume(self, entry: UploadRecord, error: OpenAIFTError) -> None:
        """Leaves the upload for the next run to go on with; where that would not know of it, it is cancelled."""
        if self.ledger.find(self.key, self.host.time.wall()) is None:
            self._abort(entry)
        elif isinstance(error, CommandInterruptedError) and len(entry.parts) < self._count(entry):
            told = f"{len(entry.parts)} of {self._count(entry)} parts of {self.upload.filename} were sent"
            error.args = (f"{error}; {told}: run `pulumi up` again within the hour, which sends the rest",)

    def _abort(self, entry: UploadRecord) -> None:
        self.ledger.forget(self.key)
        assert entry.upload_id
        with suppress(RequestError, CommandInterruptedError):  # it expires within the hour
            self.api.cancel_upload(entry.upload_id)

    def _count(self, entry: UploadRecord) -> int:
        return -(-self.upload.size // entry.part_size)

    @locked_cached_property
    def key(self) -> str | None:
        """Under what the upload is remembered."""
        return self.upload.key(self.api.settings)


class _Sending:
    """The parts of one upload that are not at the service yet, on their way."""

    def __init__(self, whole: MultipartUpload, entry: UploadRecord, picture: FileSnapshot) -> None:
        self._whole, self._entry, self._picture = whole, entry, picture
        count = -(-whole.upload.size // entry.part_size)
        self._missing = deque(number for number in range(count) if number not in entry.parts)
        self._sent = [self._size(number) if number in entry.parts else 0 for number in range(count)]
        self._file = os.dup(whole.content.fileno())
        threads = max(min(AT_A_TIME, len(self._missing)), 1)
        self.crew = WorkerPool(self._send, threads, lambda: os.close(self._file))
        self._row = Row(whole.host)
        self._progress = UploadProgress(whole.upload.size, whole.host.time, sum(self._sent))

    def run(self) -> str:
        """Sends them, and gives the MD5 of all."""
        self.crew.start()
        md5 = self._picture.md5(self._follow)
        self.crew.wait(self._report_progress)
        self._show()
        self._picture.require_same()
        return md5

    def _follow(self, hashed: int) -> None:
        """Lets those go that have been hashed: the end waits for the hash, and they lie in memory still."""
        while self._missing and self._start(self._missing[0]) + self._size(self._missing[0]) <= hashed:
            self.crew.add(self._missing.popleft())
        self._report_progress()

    def _report_progress(self) -> None:
        """What is done besides, again and again: fails as soon as a part has, or the user wants no more."""
        self.crew.raise_error()
        self._whole.host.raise_if_interrupted()
        self._show()

    def _show(self) -> None:
        if self._whole.host.shows_progress:
            self._progress.see(sum(self._sent))
            self._row.show(self._progress)

    def _send(self, number: int) -> None:
        def see(sent: int) -> None:
            self.crew.raise_if_stopped()
            self._sent[number] = max(self._sent[number], sent)

        size = self._size(number)
        section = Section(self._file, self._start(number), size, see, self._picture.name)
        assert self._entry.upload_id
        part = self._whole.api.add_part(self._entry.upload_id, section)
        self._sent[number] = size
        self.crew.record(lambda: self._record(number, part.id))

    def _record(self, number: int, part_id: str) -> None:
        self._entry.parts[number] = part_id
        self._whole.ledger.write(self._whole.key, self._entry)

    def _start(self, number: int) -> int:
        return number * self._entry.part_size

    def _size(self, number: int) -> int:
        return min(self._entry.part_size, self._whole.upload.size - self._start(number))


def _may_be_complete(error: RequestError) -> bool:
    """Whether the upload may be a file although completing it failed: perhaps an earlier try did it."""
    return error.may_have_acted or (error.tries > 1 and not isinstance(error, RateLimitError))
