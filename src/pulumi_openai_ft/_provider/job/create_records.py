"""Records, on this machine, of create requests: the only trace of a job whose response and metadata are lost.

A record is written before the request is sent, and it stays until the result is known. Unlike other records of this
package, it never expires: forgetting it could create the same job twice.
"""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from functools import cache
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from pulumi_openai_ft._shared.cache_dir import cache_dir, write_cache_file
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pulumi_openai_ft._settings import Settings

DROPS_METADATA = "drops-metadata"


@dataclass(frozen=True, slots=True)
class CreateRecord:
    """A record of a create request.

    Attributes:
        key: Idempotency key of the job.
        digest: SHA-256 of the body of the request, without its metadata.
        training_file: Id of the training file.
        since: The service's time before the request, in Unix seconds; None if the service sends no time.
        existing: Ids of the jobs on the training file before the request; None if they were not listed.
        job_id: Id of the created job; None while the result is unknown.
    """

    key: str
    digest: str
    training_file: str
    since: float | None = None
    existing: list[str] | None = None
    job_id: str | None = None


@dataclass(slots=True)
class CreateRecordStore:
    """A store of the create requests to a service, each in a separate file.

    Attributes:
        settings: The service, organization and project.
        root: Directory of the records of all services. Defaults to the user's cache directory.
    """

    settings: Settings
    root: Path = field(default_factory=lambda: cache_dir("jobs"))

    @property
    def folder(self) -> Path:
        """Directory of the records of the service."""
        account = (self.settings.base_url, self.settings.organization, self.settings.project)
        return self.root / hashlib.sha256(json.dumps(account).encode()).hexdigest()[:40]

    def file(self, key: str) -> Path:
        """Return the file of a record."""
        return self.folder / f"{key}.json"

    def find(self, key: str) -> CreateRecord | None:
        """Return the record of a job, or None if there is none.

        Raises:
            InputError: The record cannot be read, so that it is unknown whether a job was created.
        """
        try:
            return _record_adapter().validate_json(self.file(key).read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise InputError(
                f"the record {self.file(key)} of an earlier create request cannot be read: check at the service whether "
                f"the job exists, then delete the record and run the command again"
            ) from error

    def others(self, record: CreateRecord) -> list[CreateRecord]:
        """Return the readable records of other jobs on the same training file."""
        return [
            found
            for found in self._all()
            if found.key != record.key and found.training_file == record.training_file
        ]

    def write(self, record: CreateRecord) -> None:
        """Write a record atomically. Raise `OSError` on failure."""
        write_cache_file(self.file(record.key), json.dumps(asdict(record)).encode())

    def forget(self, key: str) -> None:
        """Delete a record."""
        with suppress(OSError):
            self.file(key).unlink(missing_ok=True)

    @property
    def drops_metadata(self) -> bool:
        """Whether the service returned a job without the metadata that was sent."""
        with suppress(OSError):
            return (self.folder / DROPS_METADATA).exists()
        return False

    def note_dropped_metadata(self) -> None:
        """Record that the service returned a job without the metadata that was sent."""
        with suppress(OSError):
            write_cache_file(self.folder / DROPS_METADATA, b"")

    def _all(self) -> Iterator[CreateRecord]:
        with suppress(OSError):
            for file in list(self.folder.glob("*.json")):
                with suppress(OSError, ValueError):
                    yield _record_adapter().validate_json(file.read_bytes())


@cache
def _record_adapter() -> TypeAdapter[CreateRecord]:
    return TypeAdapter(CreateRecord)
