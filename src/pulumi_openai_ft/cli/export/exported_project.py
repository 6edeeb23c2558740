"""The files of an exported project: its program, and a list of the jobs and files for other tools."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._provider.resource_import import job_inputs
from pulumi_openai_ft._shared.cache_dir import atomic_write
from pulumi_openai_ft._shared.state_names import OWN_METADATA
from pulumi_openai_ft.cli.imports.names import identifier, unique_names
from pulumi_openai_ft.cli.imports.program_source import ProgramResource, Reference, program_source
from pulumi_openai_ft.cli.new import PROGRAM, SAMPLE_DATA, default_name, write_template

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pulumi_openai_ft._client.objects import Job
    from pulumi_openai_ft._service_profiles import Profile
    from pulumi_openai_ft.cli.export.account import DataFile

MANIFEST = "export.json"
DESCRIPTION = "Fine-tuning jobs that openai-ft export read from another service"
_SUMMARY = "Train exported jobs again."
_MODE = 0o644
_RECORDED = (
    *("id", "status", "model", "training_file", "validation_file", "method", "hyperparameters", "seed"),
    *("integrations", "fine_tuned_model", "trained_tokens", "created_at", "finished_at"),
)
"""Fields of a job that the list contains as the service returns them."""


class ExportedProject:
    """A project that trains jobs again.

    Args:
        jobs: The jobs, each after the job whose model it continues to train.
        files: The files of the jobs.
        profile: Profile of the service of the jobs.
        missing: Reason by id of each file without content.
    """

    def __init__(
        self, jobs: Sequence[Job], files: Sequence[DataFile], profile: Profile, missing: Mapping[str, str]
    ) -> None:
        self.jobs, self.files, self.profile, self.missing = jobs, files, profile, missing
        self._file_names = unique_names((file.id, identifier(_stem(file.path), "file")) for file in files)
        self._job_names = unique_names(
            (job.id, identifier(job.requested_suffix or job.id, "job")) for job in jobs
        )

    def write(self, folder: Path, digests: Mapping[str, str]) -> None:
        """Write the project. `Pulumi.yaml` comes last, because it makes the folder a project.

        Args:
            folder: Folder of the project.
            digests: SHA-256 by id of each file with content.
        """
        atomic_write(folder / MANIFEST, self.manifest(digests).encode(), _MODE)
        atomic_write(folder / PROGRAM, self.program().encode(), _MODE)
        write_template(folder, default_name(folder), DESCRIPTION, without={PROGRAM, SAMPLE_DATA})

    def program(self) -> str:
        """Return the source of the program."""
        return program_source([*map(self._file, self.files), *map(self._job, self.jobs)], _SUMMARY)

    def manifest(self, digests: Mapping[str, str]) -> str:
        """Return the list of jobs and files, as JSON."""
        files = [
            {
                "id": file.id,
                "filename": file.filename,
                "bytes": file.size,
                "path": file.path,
                "sha256": digests.get(file.id),
                "missing": self.missing.get(file.id),
            }
            for file in self.files
        ]
        jobs = [{"resource": self._job_names[job.id], **_recorded(job)} for job in self.jobs]
        return json.dumps({"service": self.profile.name, "jobs": jobs, "files": files}, indent=2) + "\n"

    def notes(self) -> list[str]:
        """Return facts about the jobs that matter for training them again."""
        models = {job.fine_tuned_model for job in self.jobs}
        notes = [
            f"{job.id} continues to train {job.model}, which only this service has: export the job of that model, too, or "
            f"choose another `model` in {PROGRAM}"
            for job in self.jobs
            if str(job.model).startswith("ft:") and job.model not in models
        ]
        return notes + [
            f"{job.id} has the status {job.status}, and no model: `pulumi up` would train it"
            for job in self.jobs
            if not job.fine_tuned_model
        ]

    def _file(self, file: DataFile) -> ProgramResource:
        reason = self.missing.get(file.id)
        comments = [f"Exported from {file.description}."]
        if reason:
            comments.append(f"Its content is missing: {reason}. Copy it to {file.path} before `pulumi up`.")
        return ProgramResource("File", self._file_names[file.id], {"file": file.path}, tuple(comments))

    def _job(self, job: Job) -> ProgramResource:
        inputs = job_inputs(job, self.profile)
        inputs.pop("paused", None)
        files = {
            name: Reference("File", self._file_names[inputs[name]])
            for name in inputs
            if name.endswith("_file")
        }
        name = self._job_names[job.id]
        return ProgramResource(
            "FineTuningJob",
            name,
            {**inputs, **files, **self._base_model(job)},
            (f"Exported from {job.id}.",),
            exported=((name, "fine_tuned_model"),),
        )

    def _base_model(self, job: Job) -> dict[str, Reference]:
        """Return a reference to the exported job whose model a job continues to train."""
        parents = [other for other in self.jobs if other.fine_tuned_model == job.model and other.id != job.id]
        return (
            {"model": Reference("FineTuningJob", self._job_names[parents[0].id], "fine_tuned_model")}
            if parents
            else {}
        )


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


def _recorded(job: Job) -> dict[str, Any]:
    fields = job.model_dump(mode="json")
    metadata = {name: value for name, value in (job.metadata or {}).items() if name not in OWN_METADATA}
    return {
        **{name: fields[name] for name in _RECORDED},
        "suffix": job.requested_suffix,
        "metadata": metadata,
    }
