"""Waiting for the processing of uploaded files. Some services, such as Azure, process a file before a job can use it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._provider.wait_limit import current_limit
from pulumi_openai_ft._shared.time_limits import FILE_PROCESSING_SECONDS
from pulumi_openai_ft.errors import InputError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import FileObject

SHORTEST_PAUSE, FIRST_PAUSE, PAUSE_GROWTH = 0.01, 0.25, 1.5
REJECTED_STATUSES = frozenset({"error", "failed"})
_UNPROCESSED_STATUSES = frozenset({"pending", "notRunning", "running", "processing"})
UNFINISHED_STATUSES = REJECTED_STATUSES | _UNPROCESSED_STATUSES
"""Statuses of files that the next `pulumi up` waits for or reports again."""
_STATUS_AFTER_UPLOAD = "uploaded"
"""At services other than Azure, files can keep this status forever."""
_REFUSALS = frozenset({400, 422, 425})
_STILL_PROCESSING = re.compile(
    r"\bbeing processed\b|\bstill processing\b|\bnot (?:yet )?(?:been )?(?:fully )?processed\b"
    r"|\bnot (?:yet )?ready\b|\bpending\b",
    re.IGNORECASE,
)
_FILE = re.compile(r"\bfiles?\b|\bfile-|training_file|validation_file", re.IGNORECASE)
_DEFAULT_LIMIT = f"{FILE_PROCESSING_SECONDS:.0f} s"
Created = TypeVar("Created")


def is_unprocessed(status: str | None, service: str) -> bool:
    """Return whether a service will still change the status of a file."""
    return status in _UNPROCESSED_STATUSES or (service == "azure" and status == _STATUS_AFTER_UPLOAD)


@dataclass(slots=True)
class FileProcessing:
    """The processing of uploaded files by a service.

    Attributes:
        api: Client of the service.
        host: Host process: clock, sleep and status row.
    """

    api: Client
    host: Host = field(default_factory=Host)

    def wait(self, file: FileObject) -> FileObject:
        """Wait until a file is processed or rejected, or for the maximum time. Display this in the status row."""
        for waited in self._pauses():
            if not is_unprocessed(file.status, self.api.settings.profile.name):
                break
            self._show(waited)
            file = self.api.file(file.id)
        return file

    def problem(self, file: FileObject) -> str | None:
        """Return a message if a file was rejected or is still unprocessed; otherwise None."""
        if file.status in REJECTED_STATUSES:
            return rejected_message(file, "file")
        if not is_unprocessed(file.status, self.api.settings.profile.name):
            return None
        return (
            f"file {file.id} still has the status {file.status!r} after {current_limit() or _DEFAULT_LIMIT}: run "
            f"`pulumi up` again to continue to wait, or look for the file at the service"
        )

    def create_when_processed(
        self, create: Callable[[], Created], files: Mapping[str, str | None]
    ) -> Created:
        """Create a job. If the service refuses it because a file is not processed yet, wait and try again.

        Args:
            create: Sends the request. A refused request created nothing.
            files: Ids of the job's files, by input.

        Raises:
            InputError: The service rejected the content of a file.
            ServiceError: The service refused the job for another reason, or for longer than the time limit.
        """
        refusal: ServiceError | None = None
        for waited in self._pauses():
            try:
                return create()
            except ServiceError as error:
                if not _is_still_processing(error):
                    raise
                refusal = error
            self._show(waited)
            for name, file_id in files.items():
                if file_id and (file := self.api.file(file_id)).status in REJECTED_STATUSES:
                    raise InputError(rejected_message(file, name)) from refusal
        assert refusal is not None
        raise refusal

    def _pauses(self) -> Iterator[float]:
        """Yield the seconds since the first call, until the time limit. Sleep between the calls."""
        time, pause, limit = self.host.time, FIRST_PAUSE, current_limit()
        start = time.clock()
        longest = max(0.0, limit.ends_at - time.wall()) if limit else FILE_PROCESSING_SECONDS
        while (waited := time.clock() - start) <= longest:
            yield waited
            time.sleep(min(pause, max(self.api.settings.poll_interval, SHORTEST_PAUSE)))
            pause *= PAUSE_GROWTH

    def _show(self, waited: float) -> None:
        if self.host.shows_progress:
            self.host.set_status(f"the service processes the file · {waited:.0f} s")


def rejected_message(file: FileObject, name: str) -> str:
    """Return a message that the service rejected the content of the file of an input, with the reason."""
    reason = file.status_details or "the service gives no reason"
    return (
        f"{name}: the service could not process {file.filename or file.id} ({file.id}, status {file.status!r}): "
        f"{reason}: correct the content of the file, then run `pulumi up` again"
    )


def _is_still_processing(error: ServiceError) -> bool:
    text = str(error)
    return (
        error.status in _REFUSALS
        and not error.may_have_acted
        and bool(_STILL_PROCESSING.search(text) and _FILE.search(f"{text} {error.param}"))
    )
