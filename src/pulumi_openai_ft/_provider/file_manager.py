"""What is done with files at the service: find a lost upload, upload, delete."""

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
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._provider.lost_response import LOOKUP_DELAYS, poll_until_found
from pulumi_openai_ft._provider.progress.status_row import Row
from pulumi_openai_ft._provider.progress.transfers import UploadProgress
from pulumi_openai_ft._provider.upload.multipart import MultipartUpload, NotOfferedError
from pulumi_openai_ft._provider.upload.reader import FileSnapshot, VerifiedReader
from pulumi_openai_ft._provider.upload.request import MAX_SINGLE_UPLOAD, UploadRequest, size_error, too_large
from pulumi_openai_ft._provider.upload.resume_store import ResumeStore, UploadRecord
from pulumi_openai_ft.errors import (
    InputError,
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
"""Seconds by which the service's clock and ours may differ."""
RECENT_JOBS_TTL = 5.0
"""Seconds for which the list of recent jobs is used again."""
TOKEN_LENGTH = 10


@dataclass(slots=True)
class FileManager:
    """The files of one service.

    Attributes:
        api: The service.
        host: The process: where things are told, clock and sleep.
        adopted: Files that a new resource found instead of uploading them.
        ledger: What this machine remembers of uploads that no state may know.
    """

    api: Client
    host: Host = field(default_factory=Host)
    adopted: AdoptedIds = field(default_factory=AdoptedIds)
    ledger: ResumeStore = field(default_factory=ResumeStore)
    _lock: Lock = field(default_factory=Lock)
    _before: dict[str, FileObject] | None = None
    _claimed: set[str] = field(default_factory=set)
    _recent: _RecentJobs | None = None

    def get_or_upload(self, upload: UploadRequest, content: BufferedReader) -> FileObject:
        """The file, uploaded unless an earlier run that broke off has done so."""
        file = self._find_previous_upload(upload) or self._upload(upload, content)
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
        with suppress(NotFoundError):
            self.api.delete_file(file_id)
        self._claimed.add(file_id)  # it is still among those that were there before

    def _find_previous_upload(self, upload: UploadRequest) -> FileObject | None:
        """The upload of an earlier run that was cut off before it could record it."""
        entry = self.ledger.find(upload.key(self.api.settings), self.host.time.wall())
        is_its_own = self._is_of(entry, upload)
        for file in self._files_before().values():
            if (
                upload.matches(file)
                and file.id not in self._claimed
                and (upload.has_unique_name or is_its_own(file))
            ):
                self.host.info(f"adopted file {file.id} ({file.filename}): this resource uploaded it before")
                self.adopted.add(file.id)
                return file
        return None

    def _is_of(self, entry: UploadRecord | None, upload: UploadRequest) -> Callable[[FileObject], bool]:
        """Tells whether a file that looks like it is what an earlier run has uploaded, as this machine remembers."""
        if entry is None:
            return lambda _file: False
        if entry.file_id:
            return lambda file: file.id == entry.file_id
        others = self.ledger.files_of_others(upload.key(self.api.settings)).union(entry.before)
        return lambda file: file.id not in others and file.created_at >= entry.began - CLOCK_SKEW

    def _upload(self, upload: UploadRequest, content: BufferedReader) -> FileObject:
        self.ledger.drop_old(self.host.time.wall())
        if not upload.is_multipart(self.api.settings):
            return self._in_one_piece(upload, content)
        try:
            return self._in_parts(upload, content)
        except NotOfferedError as error:
            if problem := size_error(upload.size, MAX_SINGLE_UPLOAD):
                raise InputError(f"file: {error}; {problem}") from error
            self.host.info(f"{error}; {upload.filename} is sent in one piece")
        return self._in_one_piece(upload, content)

    def _in_parts(self, upload: UploadRequest, content: BufferedReader) -> FileObject:
        now, look_alikes = self.host.time.wall(), self._matching_file_ids(upload)
        broken_off = self.ledger.find(upload.key(self.api.settings), now)
        started = broken_off.began if broken_off else now

        def find() -> FileObject | None:
            return self._new_file(upload, started)

        file = MultipartUpload(upload, content, self.api, self.host, self.ledger, find, look_alikes).send()
        self._remember(upload, UploadRecord(started, look_alikes, file_id=file.id))
        return file

    def _in_one_piece(self, upload: UploadRequest, content: BufferedReader) -> FileObject:
        entry = UploadRecord(self.host.time.wall(), self._matching_file_ids(upload))
        self.host.raise_if_interrupted()
        self._remember(upload, entry)
        try:
            file = self._post_file(upload, content, entry.began)
        except (InputError, RequestError) as error:
            if isinstance(error, InputError) or not error.may_have_acted:
                self.ledger.forget(upload.key(self.api.settings))
            raise
        self._remember(upload, replace(entry, file_id=file.id))
        return file

    def _remember(self, upload: UploadRequest, entry: UploadRecord) -> None:
        """Remembers what the service cannot tell: whose upload it is that has a name which a program chose."""
        key = upload.key(self.api.settings)
        if upload.has_unique_name:
            self.ledger.forget(key)
        else:
            self.ledger.write(key, entry)

    def _matching_file_ids(self, upload: UploadRequest) -> list[str]:
        return [file.id for file in self._files_before().values() if upload.matches(file)]

    def _post_file(self, upload: UploadRequest, content: BufferedReader, started: float) -> FileObject:
        try:
            with VerifiedReader(FileSnapshot.of(content, upload), self._shown(upload.size)) as whole:
                return self.api.upload_file(
                    upload.filename, whole, purpose=upload.purpose, expires_after=upload.expires_after
                )
        except RequestError as error:
            if not error.may_have_acted:
                raise
            return self._uploaded_unanswered(upload, started, error)

    def _shown(self, size: int) -> Callable[[int], None]:
        """Shows the content on its way to the service where anybody sees that."""
        if not self.host.shows_progress:
            return lambda _sent: None
        row, progress = Row(self.host), UploadProgress(size, self.host.time)

        def see(sent: int) -> None:
            progress.see(sent)
            row.show(progress)

        return see

    def _files_before(self) -> dict[str, FileObject]:
        """The files that were there before this process uploaded any, asked for once."""
        with self._lock:
            if self._before is None:
                self._before = {file.id: file for file in self.api.files()}
            return self._before

    def _uploaded_unanswered(self, upload: UploadRequest, started: float, error: RequestError) -> FileObject:
        """The file whose upload was not answered, if the service took it: by name, size and time."""
        found = poll_until_found(lambda: self._new_file(upload, started), self.host.time)
        if found is None:
            raise ServiceConnectionError(
                f"uploading {upload.filename} was not answered, and for {sum(LOOKUP_DELAYS):.0f} s no such file appeared: "
                f"{error}. Run the command again",
                may_have_acted=True,
            ) from error
        return found

    def _new_file(self, upload: UploadRequest, started: float) -> FileObject | None:
        for file in self.api.files(purpose=upload.purpose):
            is_known = file.id in self._files_before() or file.id in self._claimed
            if not is_known and upload.matches(file) and file.created_at >= started - CLOCK_SKEW:
                return file
        return None

    def _jobs_since(self, created_at: int) -> list[Job]:
        """The jobs that were created since then. None older can need a file of that age."""
        with self._lock:
            now = self.host.time.clock()
            if self._recent is None or now - self._recent.asked_at > RECENT_JOBS_TTL:
                self._recent = _RecentJobs(now, self.api.jobs())
            return self._recent.since(created_at)


@dataclass(slots=True)
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


def unique_filename(filename: str, recipe: Mapping[str, Any]) -> str:
    """A file's name that no other resource, and no other content of this one, gives to its upload.

    Files have no metadata that could carry a token, so the name does.
    """
    token = fingerprint(recipe)[:TOKEN_LENGTH]
    name = PurePath(re.sub(r'["\x00-\x1f]', "_", filename))  # forms do not carry these unchanged
    return f"{name.stem}-{token}{name.suffix}"


def fingerprint(recipe: Mapping[str, Any]) -> str:
    """What tells a resource and its content from all others."""
    return hashlib.sha256(json.dumps(recipe, sort_keys=True).encode()).hexdigest()


def size_problems(path: Any, purpose: Any, profile: Profile) -> list[str]:
    """Says where a local file that can be read is too large for the service; nothing where it is not known yet."""
    if not isinstance(path, str) or not isinstance(purpose, str):
        return []
    problem = too_large(os.path.getsize(path), purpose, profile)  # noqa: PTH202 - a path as the program wrote it
    return [f"file: {path!r}: {problem}"] if problem else []
