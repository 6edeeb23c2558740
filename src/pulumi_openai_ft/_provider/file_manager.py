"""Operations on files at the service: find the upload of an interrupted run, upload, delete."""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from threading import Lock
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._provider.adoption import AdoptedIds
from pulumi_openai_ft._provider.file_processing import REJECTED_STATUSES
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._provider.lost_response import LOOKUP_SECONDS, poll_until_found
from pulumi_openai_ft._provider.progress.status_row import Row
from pulumi_openai_ft._provider.progress.transfers import UploadProgress
from pulumi_openai_ft._provider.upload.multipart import MultipartUpload, NotOfferedError
from pulumi_openai_ft._provider.upload.reader import FileSnapshot, VerifiedReader
from pulumi_openai_ft._provider.upload.request import MAX_SINGLE_UPLOAD, UploadRequest, size_error, too_large
from pulumi_openai_ft._provider.upload.resume_store import ResumeStore, UploadRecord
from pulumi_openai_ft.errors import (
    InputError,
    InvalidResponseError,
    NotFoundError,
    RequestError,
    ServiceConnectionError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from io import BufferedReader

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import FileObject, Job
    from pulumi_openai_ft._service_profiles import Profile

CLOCK_SKEW = 120.0
"""Maximum difference between the clocks of the service and of this machine, in seconds."""
OK = 200
RECENT_JOBS_TTL = 5.0
"""Seconds for which the list of recent jobs is cached."""
FINGERPRINT_LENGTH = 10
"""Number of characters of the fingerprint that are part of a file name."""


@dataclass(slots=True)
class FileManager:
    """The files of one service.

    Attributes:
        api: Client of the service.
        host: Host process: messages, clock and sleep.
        adopted: Ids of files that a new resource adopted instead of uploading them.
        resume_store: Records, on this machine, of uploads that may be missing from the state.
    """

    api: Client
    host: Host = field(default_factory=Host)
    adopted: AdoptedIds = field(default_factory=AdoptedIds)
    resume_store: ResumeStore = field(default_factory=ResumeStore)
    _lock: Lock = field(default_factory=Lock)
    _initial_files: dict[str, FileObject] | None = None
    _unreadable_files: list[str] = field(default_factory=list)
    _claimed: set[str] = field(default_factory=set)
    _recent: _RecentJobs | None = None

    def get_or_upload(self, upload: UploadRequest, content: BufferedReader) -> FileObject:
        """Return the file. Upload it unless an earlier, interrupted run already did."""
        file = self._find_previous_upload(upload) or self._upload(upload, content)
        self._claimed.add(file.id)
        return file

    def delete(self, file_id: str, created_at: int | None) -> None:
        """Delete a file. Succeeds if the file no longer exists.

        Args:
            file_id: Id of the file.
            created_at: Time at which the file was created, in Unix seconds. Older jobs cannot need the file.

        Raises:
            InputError: An unfinished job needs the file.
            InvalidResponseError: The list has a job that cannot be read, and that may need the file.
        """
        jobs, unreadable = self._jobs_since(created_at)
        if unreadable:
            raise self._undecided(file_id, unreadable[0])
        for listed in jobs:
            if listed.is_terminal or not _may_need(listed, file_id):
                continue
            job = self.api.job(listed.id)  # the cached list may be older than a cancellation, and sparser
            if job.is_terminal or not _may_need(job, file_id):
                continue
            if file_id not in (job.training_file, job.validation_file):
                raise self._undecided(file_id, f"job {job.id} without its files")
            raise InputError(
                f"{file_id} cannot be deleted: job {job.id} is {job.status} and needs it; "
                f"wait until the job ends, or cancel it, then run the command again"
            )
        with suppress(NotFoundError):
            self.api.delete_file(file_id)
        self._claimed.add(file_id)  # so that it is not adopted: the cached list still contains it

    def _undecided(self, file_id: str, reason: str) -> InvalidResponseError:
        return InvalidResponseError(
            f"{file_id} was not deleted: the service's jobs cannot all be read ({reason}), so it is not known whether an "
            f"unfinished job needs the file: run the command again when the service's jobs have ended, or delete the "
            f"file at the service",
            status=OK,
            may_have_acted=False,
        )

    def _find_previous_upload(self, upload: UploadRequest) -> FileObject | None:
        """Return the file that an earlier run uploaded before it was interrupted, or None."""
        record = self.resume_store.find(upload.key(self.api.settings), self.host.time.wall())
        is_recorded = self._record_matcher(record, upload)
        for file in self._files_before().values():
            if (
                upload.matches(file)
                and file.id not in self._claimed
                and file.status not in REJECTED_STATUSES
                and (upload.has_unique_name or is_recorded(file))
            ):
                self.host.info(
                    f"adopted file {file.id} ({file.filename}): an earlier run uploaded it for this resource"
                )
                self.adopted.add(file.id)
                return file
        if self._unreadable_files:
            raise InvalidResponseError(
                f"the list of files from {self.api.settings.base_url} has a file that cannot be read "
                f"({self._unreadable_files[0]}), so it is not known whether an earlier run uploaded {upload.filename}: "
                f"look for it at the service, and report the response to the service's support; nothing was uploaded",
                status=OK,
                may_have_acted=False,
            )
        return None

    def _record_matcher(
        self, record: UploadRecord | None, upload: UploadRequest
    ) -> Callable[[FileObject], bool]:
        """Return a function that tests whether a matching file is the upload in this machine's record."""
        if record is None:
            return lambda _file: False
        if record.file_id:
            return lambda file: file.id == record.file_id
        others = self.resume_store.files_of_others(upload.key(self.api.settings)).union(record.before)
        return lambda file: file.id not in others and self._is_since(file, record.began)

    def _upload(self, upload: UploadRequest, content: BufferedReader) -> FileObject:
        self.resume_store.drop_old(self.host.time.wall())
        if not upload.is_multipart(self.api.settings):
            return self._upload_single(upload, content)
        try:
            return self._upload_multipart(upload, content)
        except NotOfferedError as error:
            if problem := size_error(upload.size, MAX_SINGLE_UPLOAD):
                raise InputError(f"file: {error}; {problem}") from error
            self.host.info(f"{error}; sending {upload.filename} in a single request instead")
        return self._upload_single(upload, content)

    def _upload_multipart(self, upload: UploadRequest, content: BufferedReader) -> FileObject:
        now, matching = self.host.time.wall(), self._matching_file_ids(upload)
        interrupted = self.resume_store.find(upload.key(self.api.settings), now)
        started = interrupted.began if interrupted else now

        def find() -> FileObject | None:
            return self._new_file(upload, started)

        file = MultipartUpload(upload, content, self.api, self.host, self.resume_store, find, matching).send()
        self._record(upload, UploadRecord(started, matching, file_id=file.id))
        return file

    def _upload_single(self, upload: UploadRequest, content: BufferedReader) -> FileObject:
        record = UploadRecord(self.host.time.wall(), self._matching_file_ids(upload))
        self.host.raise_if_interrupted()
        self._record(upload, record)
        try:
            file = self._post_file(upload, content, record.began)
        except (InputError, RequestError) as error:
            if isinstance(error, InputError) or not error.may_have_acted:
                self.resume_store.forget(upload.key(self.api.settings))
            raise
        self._record(upload, replace(record, file_id=file.id))
        return file

    def _record(self, upload: UploadRequest, record: UploadRecord) -> None:
        """Record which resource uploads a file whose name does not identify the resource."""
        key = upload.key(self.api.settings)
        if upload.has_unique_name:
            self.resume_store.forget(key)
        else:
            self.resume_store.write(key, record)

    def _matching_file_ids(self, upload: UploadRequest) -> list[str]:
        return [file.id for file in self._files_before().values() if upload.matches(file)]

    def _post_file(self, upload: UploadRequest, content: BufferedReader, started: float) -> FileObject:
        try:
            with VerifiedReader(
                FileSnapshot.of(content, upload), self._progress_callback(upload.size)
            ) as reader:
                return self.api.upload_file(
                    upload.filename, reader, purpose=upload.purpose, expires_after=upload.expires_after
                )
        except RequestError as error:
            if not error.may_have_acted:
                raise
            return self._recover_lost_upload(upload, started, error)

    def _progress_callback(self, size: int) -> Callable[[int], None]:
        """Return a function that takes the number of bytes sent and displays the progress, if the host displays any."""
        if not self.host.shows_progress:
            return lambda _sent: None
        row, progress = Row(self.host), UploadProgress(size, self.host.time)

        def update(sent: int) -> None:
            progress.see(sent)
            row.show(progress)

        return update

    def _files_before(self) -> dict[str, FileObject]:
        """Return the files that existed before this process uploaded any. They are listed only once."""
        with self._lock:
            if self._initial_files is None:
                unreadable: list[str] = []
                files = {file.id: file for file in self.api.files(unreadable=unreadable)}
                self._initial_files, self._unreadable_files = files, unreadable
            return self._initial_files

    def _recover_lost_upload(self, upload: UploadRequest, started: float, error: RequestError) -> FileObject:
        """Return the file of an upload whose response was lost. Identify it by name, size and time."""
        found = poll_until_found(lambda: self._new_file(upload, started), self.host.time)
        if found is None:
            raise ServiceConnectionError(
                f"no response to the upload of {upload.filename}, and no matching file appeared within "
                f"{LOOKUP_SECONDS:.0f} s: {error}. Run the command again",
                may_have_acted=True,
            ) from error
        return found

    def _new_file(self, upload: UploadRequest, started: float) -> FileObject | None:
        for file in self.api.files(purpose=upload.purpose, unreadable=[]):
            is_known = file.id in self._files_before() or file.id in self._claimed
            if not is_known and upload.matches(file) and self._is_since(file, started):
                return file
        return None

    def _is_since(self, file: FileObject, began: float) -> bool:
        """Return whether a file may have been created since a time. It may if the service does not return its time."""
        return file.created_at is None or self.api.local_time(file.created_at) >= began - CLOCK_SKEW

    def _jobs_since(self, created_at: int | None) -> tuple[list[Job], list[str]]:
        """Return the jobs created since a time, and why others cannot be read.

        Older jobs cannot need a file that was created then.
        """
        with self._lock:
            now = self.host.time.clock()
            if self._recent is None or now - self._recent.listed_at > RECENT_JOBS_TTL:
                unreadable: list[str] = []
                self._recent = _RecentJobs(now, self.api.jobs(unreadable=unreadable), unreadable)
            return self._recent.since(created_at), self._recent.unreadable


@dataclass(slots=True)
class _RecentJobs:
    """The service's jobs, newest first. Pages are requested only as far back as needed."""

    listed_at: float
    rest: Iterator[Job]
    unreadable: list[str]
    read: list[Job] = field(default_factory=list)

    def since(self, created_at: int | None) -> list[Job]:
        while not self.read or not _is_older(self.read[-1], created_at):
            job = next(self.rest, None)
            if job is None:
                break
            self.read.append(job)
        return [job for job in self.read if not _is_older(job, created_at)]


def _is_older(job: Job, created_at: int | None) -> bool:
    """Return whether a job is certainly older than a time. It is not if either time is unknown."""
    return job.created_at is not None and created_at is not None and job.created_at < created_at


def _may_need(job: Job, file_id: str) -> bool:
    """Return whether a job may need a file: it names the file, or its files cannot be read."""
    names_file = file_id in (job.training_file, job.validation_file)
    return names_file or job.training_file is None or "validation_file" in job.unreadable


def unique_filename(filename: str, recipe: Mapping[str, Any]) -> str:
    """Return a file name that is unique to a resource and its content.

    Files have no metadata for an idempotency key, so the name contains it.
    """
    name = PurePath(re.sub(r'["\x00-\x1f]', "_", filename))  # forms do not transmit these unchanged
    return f"{name.stem}-{fingerprint(recipe)[:FINGERPRINT_LENGTH]}{name.suffix}"


def fingerprint(recipe: Mapping[str, Any]) -> str:
    """Return a SHA-256 that identifies a resource and its content."""
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


def size_problems(path: Any, purpose: Any, profile: Profile) -> list[str]:
    """Return a problem if the local file is too large for the service. An unknown path or purpose is not checked."""
    if not isinstance(path, str) or not isinstance(purpose, str):
        return []
    problem = too_large(os.path.getsize(path), purpose, profile)  # noqa: PTH202 - the path as the program wrote it
    return [f"file: {path!r}: {problem}"] if problem else []
