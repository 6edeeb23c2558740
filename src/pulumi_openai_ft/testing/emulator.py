"""The emulator as a fixture: its stored objects and its requests, with types."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from pulumi_openai_ft._client.objects import FileObject, Job, Model, Permission
from pulumi_openai_ft._settings import SOURCES
from pulumi_openai_ft._shared.clock import TODAY_VARIABLE

if TYPE_CHECKING:
    from pulumi_openai_ft.emulator import Emulator

API_KEY = "sk-openai-ft-testing-made-up-key"
ADMIN_KEY = "sk-admin-openai-ft-testing-made-up-key"


class StoredFile(FileObject):
    """A file in the emulator."""

    project: str = Field(description="Project that owns the file, `proj_…`.")


class StoredJob(Job):
    """A fine-tuning job in the emulator."""

    project: str = Field(description="Project that owns the job, `proj_…`.")


class StoredModel(Model):
    """A fine-tuned model in the emulator."""

    project: str = Field(description="Project that owns the model, `proj_…`.")
    job: str = Field(description="Id of the job that trained the model.")


class StoredPermission(Permission):
    """A permission in the emulator."""

    checkpoint: str = Field(description="Name of the checkpoint that the project may use, `ft:…`.")


@dataclass(frozen=True)
class Request:
    """A request that the emulator received. It contains no API key.

    Attributes:
        method: HTTP method.
        path: Path of the URL, such as `/v1/files`.
        query: Query string.
        status: HTTP status of the response, or None if there was no response.
        body: JSON body of the request, or None. Uploaded content is not recorded.
    """

    method: str
    path: str
    query: str
    status: int | None
    body: Any


@dataclass(frozen=True)
class EmulatorFixture:
    """The value of the fixture `openai_ft_emulator`.

    Attributes:
        emulator: The running emulator, for everything that this class does not offer, such as its settings and keys.
    """

    emulator: Emulator

    @property
    def base_url(self) -> str:
        """Return the base URL for clients, `http://127.0.0.1:PORT/v1`."""
        return self.emulator.url

    def files(self, *, purpose: str | None = None) -> list[StoredFile]:
        """Return the stored files, oldest first.

        Args:
            purpose: Only return files with this purpose, such as `fine-tune`. The results of jobs are files too.
        """
        found = [StoredFile.model_validate(file) for file in self.emulator.files()]
        return [file for file in found if purpose in (None, file.purpose)]

    def jobs(self) -> list[StoredJob]:
        """Return the stored jobs, oldest first."""
        return [StoredJob.model_validate(job) for job in self.emulator.jobs()]

    def models(self) -> list[StoredModel]:
        """Return the fine-tuned models, oldest first."""
        return [StoredModel.model_validate(model) for model in self.emulator.models()]

    def permissions(self) -> list[StoredPermission]:
        """Return the stored permissions, oldest first."""
        return [StoredPermission.model_validate(permission) for permission in self.emulator.permissions()]

    def requests(self, method: str | None = None, path: str | None = None) -> list[Request]:
        """Return the requests so far, oldest first.

        Args:
            method: Only return requests with this HTTP method.
            path: Only return requests whose path matches this glob, such as `/v1/fine_tuning/jobs*`.
        """
        return [
            Request(entry.method, entry.path, entry.query, entry.status, entry.body)
            for entry in self.emulator.journal(method=method, path=path)
        ]

    def fault(self, method: str, path: str, action: str, times: int | None = 1, **options: Any) -> None:
        """Let the next matching requests fail.

        Args:
            method: HTTP method.
            path: Glob for the path, with or without `/v1`.
            action: Kind of the fault, such as `status` or `drop_after` (docs/emulator.md#faults).
            times: Number of requests to affect, or None for all of them.
            options: Options of the action, such as `status=429`.
        """
        self.emulator.fault(method, path, action, times, **options)

    def advance(self, seconds: float) -> None:
        """Move the emulator's clock forward by simulated seconds."""
        self.emulator.advance(seconds)

    def settings(self) -> dict[str, str]:
        """Return the settings with which this package uses the emulator, by name in `SOURCES`, with made-up keys."""
        return {"base_url": self.base_url, "api_key": API_KEY, "admin_key": ADMIN_KEY}

    def environment(self) -> dict[str, str]:
        """Return the environment variables with which programs use this emulator, with made-up keys."""
        return {
            **{SOURCES[name].environment[0]: value for name, value in self.settings().items()},
            TODAY_VARIABLE: str(self.emulator.settings.today),
        }
