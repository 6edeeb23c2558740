"""Creates jobs. This is the only module that sends a create request.

A create request costs money, so it is repeated at most once, and only after an error of the service itself (500 or 503
with the API's error object) for which no job appeared. After a lost response, nothing is sent again. Each request is
recorded on this machine before it is sent, because a service that does not store metadata shows no other trace of it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from threading import Lock
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._client.retries import LONGEST_RETRY_AFTER
from pulumi_openai_ft._provider.file_manager import FINGERPRINT_LENGTH
from pulumi_openai_ft._provider.job.create_records import CreateRecord, CreateRecordStore
from pulumi_openai_ft._provider.job.inputs import PROVIDER_INPUTS
from pulumi_openai_ft._provider.job.lookup import HIDDEN, OK
from pulumi_openai_ft._provider.job.matching import is_result_of
from pulumi_openai_ft._provider.lost_response import LOOKUP_SECONDS, poll_until_found
from pulumi_openai_ft._shared.state_names import JOB_TYPE, TOKEN_KEY
from pulumi_openai_ft.errors import (
    InvalidResponseError,
    NotFoundError,
    OpenAIFTError,
    RequestError,
    ServerError,
    ServiceConnectionError,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Job
    from pulumi_openai_ft._provider.host_interface import Host
    from pulumi_openai_ft._provider.job.idempotency import JobKeys
    from pulumi_openai_ft._provider.job.lookup import JobLookup

RESENDABLE_STATUSES = frozenset({500, 503})
"""HTTP statuses with which the service reports that it failed. With 502, 504 and 52x, a proxy reports it."""
_UNIQUE_NAME = re.compile(rf"-[0-9a-f]{{{FINGERPRINT_LENGTH}}}(\.[^.]*)?$")
"""End of the names of files that a resource `File` has uploaded without the input `filename`."""


@dataclass(slots=True)
class JobCreator:
    """A creator of jobs.

    Attributes:
        api: The client.
        host: The host, for messages, clock and sleep.
        search: The search for jobs by idempotency key.
        records: Records of the create requests.
    """

    api: Client
    host: Host
    search: JobLookup
    records: CreateRecordStore = field(init=False)
    _keeps_metadata: bool = False
    _turns: defaultdict[str, Lock] = field(default_factory=lambda: defaultdict(Lock))

    def __post_init__(self) -> None:
        self.records = CreateRecordStore(self.api.settings)

    @property
    def relies_on_metadata(self) -> bool:
        """Whether the service stores the metadata of jobs, as far as known."""
        return self.api.settings.profile.supports("metadata") and not self.records.drops_metadata

    def recorded(self, keys: JobKeys, inputs: Mapping[str, Any]) -> list[Job]:
        """Return the jobs of earlier create requests on this machine that no search by key can find.

        Args:
            keys: The keys of the job.
            inputs: The job's inputs.

        Raises:
            ServiceConnectionError: It is unknown whether an earlier request created a job.
        """
        records = [record for key in keys.of_resource if (record := self.records.find(key))]
        return [job for record in records if (job := self._recorded_job(record, keys, inputs))]

    @contextmanager
    def turn(self, inputs: Mapping[str, Any]) -> Iterator[None]:
        """Create the jobs on a training file one after another, until a created job has shown its metadata.

        Otherwise, the new job of one resource could be taken for a job of another resource with the same values.
        """
        with self._turns[str(inputs.get("training_file"))]:
            if not (self._keeps_metadata and self.relies_on_metadata):
                yield
                return
        yield

    def unidentified(self, keys: JobKeys, inputs: Mapping[str, Any]) -> list[Job]:
        """Return the jobs with the values of a job whose metadata the service does not show in its list.

        If a job shows metadata when it is requested by its id, it counts only if it has one of the resource's keys. Jobs that this
        machine recorded for other resources do not count.
        """
        if self.relies_on_metadata and not self.search.saw_unlabelled:
            return []
        body = self._body(keys, inputs)
        record = CreateRecord(keys.own, _digest(body), str(body.get("training_file")))
        taken = {other.job_id for other in self.records.others(record)}
        alike = [
            job
            for job in self.search.unlabelled(record.training_file, None)
            if job.id not in taken and not job.metadata and is_result_of(job, body, ignores_missing=True)
        ]
        complete = [self.api.job(job.id) for job in alike[:HIDDEN]] + alike[HIDDEN:]
        return [
            job for job in complete if not job.metadata or job.metadata.get(TOKEN_KEY) in keys.of_resource
        ]

    def forget(self, keys: Sequence[str]) -> None:
        """Delete the records of create requests, whose jobs a search by key has found."""
        for key in keys:
            self.records.forget(key)

    def _recorded_job(self, record: CreateRecord, keys: JobKeys, inputs: Mapping[str, Any]) -> Job | None:
        if record.job_id:
            return self._job_of(record.job_id, record)
        if self.relies_on_metadata and not self.search.unlabelled(record.training_file, record.since):
            self.records.forget(record.key)
            return None
        body = {**self._body(keys, inputs), "training_file": record.training_file}
        return self._adopt(record, body, "an earlier create request received no response")

    def _job_of(self, job_id: str, record: CreateRecord) -> Job:
        """Return a recorded job. A job that is not found may exist in another project, so nothing is created."""
        try:
            return self.api.job(job_id)
        except NotFoundError as error:
            raise ServiceConnectionError(
                f"job {job_id}, which an earlier command created for this resource, was not found: {error}. Nothing was "
                f"created. If the job was deleted, delete the record {self.records.file(record.key)} and run the command "
                f"again",
                may_have_acted=False,
            ) from error

    def create(self, keys: JobKeys, inputs: Mapping[str, Any], known: Collection[str]) -> Job:
        """Create a job, and search for it if the response does not show whether it was created.

        Args:
            keys: The keys of the job.
            inputs: The job's inputs.
            known: Ids of the jobs with these keys that existed before.

        Raises:
            ServiceError: The service refused the request, so that no job exists.
            ServiceConnectionError: It is unknown whether a job exists.
        """
        self.host.raise_if_interrupted()
        body = self._body(keys, inputs)
        record = self._record(keys.own, body)
        job = self._send(body, record, known)
        self._note_result(job, record)
        return job

    def _send(self, body: Mapping[str, Any], record: CreateRecord, known: Collection[str]) -> Job:
        try:
            return self._post(body, record)
        except RequestError as error:
            if not error.may_have_acted:
                raise
            lost = error
        try:
            return self._resolve_lost(body, record, known, lost)
        except RequestError as error:
            error.may_have_acted = True  # whatever failed since, the first request may still create a job
            raise

    def _resolve_lost(
        self, body: Mapping[str, Any], record: CreateRecord, known: Collection[str], lost: RequestError
    ) -> Job:
        """Return the job of a create request whose response was lost. Send the request again if that is safe."""
        if found := self._find_lost(body, record, known, lost):
            return found
        self._prepare_second_request(lost)
        try:
            return self.api.create_job(body)
        except RequestError as error:
            if not error.may_have_acted:  # the second request was refused
                raise
            if found := self._find_lost(body, record, known, error):
                return found
            raise _unresolved(error, "the create request was sent twice without a usable response") from error

    def _post(self, body: Mapping[str, Any], record: CreateRecord) -> Job:
        """Send the first create request. Delete its record if nothing was created."""
        try:
            return self.api.create_job(body)
        except RequestError as error:
            if not error.may_have_acted:
                self.records.forget(record.key)
            raise
        except (
            OpenAIFTError
        ):  # the command was interrupted, or the engine has ended, before the request was sent
            self.records.forget(record.key)
            raise

    def _body(self, keys: JobKeys, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body of the create request: the API's inputs and the keys."""
        body = {name: value for name, value in inputs.items() if name not in PROVIDER_INPUTS}
        if self.api.settings.profile.supports("metadata"):
            body["metadata"] = keys.metadata(inputs.get("metadata", {}))
        return {**body, **inputs.get("extra_body", {})}

    def _record(self, key: str, body: Mapping[str, Any]) -> CreateRecord:
        """Record a create request. Where metadata does not identify the job, first list the jobs that exist."""
        training_file, existing = str(body.get("training_file")), None
        if not self.relies_on_metadata:
            existing = [job.id for job in self.api.jobs() if job.training_file in (None, training_file)]
        record = CreateRecord(key, _digest(body), training_file, self.api.service_time, existing)
        self._write(record)
        return record

    def _write(self, record: CreateRecord) -> None:
        try:
            self.records.write(record)
        except OSError as error:
            self.host.warn(
                f"cannot record the create request in {self.records.folder} ({error}): if its response is lost, check at "
                f"the service whether the job was created before you run the command again"
            )

    def _note_result(self, job: Job, record: CreateRecord) -> None:
        """Check that the created job has its metadata. Otherwise, its id in the record identifies it from now on."""
        if self.relies_on_metadata and TOKEN_KEY not in (job.metadata or {}) and self._is_without_token(job):
            self.records.note_dropped_metadata()
            self.host.warn(
                f"{self.api.settings.base_url} returned job {job.id} without the metadata that was sent. Without it, this "
                f"package recognizes its jobs only by records on this machine ({self.records.folder}): list `metadata` in "
                f"openai-ft:unsupportedFeatures"
            )
        if self.relies_on_metadata:
            self._keeps_metadata |= TOKEN_KEY in (job.metadata or {})
            self.records.forget(record.key)
            return
        self._write(replace(record, job_id=job.id))

    def _is_without_token(self, job: Job) -> bool:
        """Return whether the complete job has no idempotency key either: the response to a create may be shorter."""
        try:
            return TOKEN_KEY not in (self.api.job(job.id).metadata or {})
        except RequestError:
            return False

    def _find_lost(
        self, body: Mapping[str, Any], record: CreateRecord, known: Collection[str], error: RequestError
    ) -> Job | None:
        """Return the job of a create request whose result is unknown, or None if no job appeared.

        Raises:
            ServiceConnectionError: A job appeared, but it is not certain to be the result; or the service does not
                store metadata.
        """
        problem = f"no response to the create request: {error}"
        if not self.relies_on_metadata:
            poll_until_found(lambda: self._new_jobs(record), self.host.time)
            return self._adopt(record, body, problem)
        found = poll_until_found(
            lambda: next((job for job in self.search.find(record.key) if job.id not in known), None),
            self.host.time,
        )
        if found:
            self.host.info(f"job {found.id} was created although the service's response was lost")
        elif self._new_jobs(record):
            return self._adopt(record, body, problem)
        return found

    def _new_jobs(self, record: CreateRecord) -> list[Job]:
        """Return the jobs that a recorded request may have created."""
        if record.existing is None:
            return self.search.unlabelled(record.training_file, record.since)
        return [
            job
            for job in self.api.jobs()
            if job.training_file in (None, record.training_file) and job.id not in record.existing
        ]

    def _adopt(self, record: CreateRecord, body: Mapping[str, Any], problem: str) -> Job:
        """Return the job of a recorded request if it is certain. Nothing is sent again in any other case.

        Raises:
            ServiceConnectionError: No job, or more than one, may be the result.
        """
        others = self.records.others(record)
        taken = {other.job_id for other in others}
        new = [job for job in self._new_jobs(record) if job.id not in taken]
        results = [job for job in new if is_result_of(job, body)]
        is_certain = (
            len(results) == 1
            and record.digest == _digest(body)
            and all(other.job_id for other in others)
            and all(job.training_file for job in new)
            and not self._was_used_before(record)
            and self._was_uploaded_by_us(record.training_file)
        )
        if is_certain:
            self.host.info(f"job {results[0].id} was created although the service's response was lost")
            self._write(replace(record, job_id=results[0].id))
            return results[0]
        names = (
            f"these jobs may be the result: {', '.join(job.id for job in new)}" if new else "no job appeared"
        )
        command = f"pulumi import {JOB_TYPE} NAME {new[0].id if new else 'JOB_ID'}"
        raise ServiceConnectionError(
            f"{problem}. The service does not store the metadata that identifies jobs, and {names}. Nothing was sent "
            f"again. Check at the service: if the job exists, run `{command}` with the name of the resource; otherwise "
            f"delete the record {self.records.file(record.key)} and run the command again",
            may_have_acted=True,
        )

    def _was_used_before(self, record: CreateRecord) -> bool:
        """Return whether a job on the training file existed before the request."""
        if record.existing is not None:
            return bool(record.existing)
        new = {job.id for job in self._new_jobs(record)}
        return any(job.training_file == record.training_file and job.id not in new for job in self.api.jobs())

    def _was_uploaded_by_us(self, file_id: str) -> bool:
        """Return whether the name of a file shows that a resource `File` uploaded it."""
        return bool(_UNIQUE_NAME.search(self.api.file(file_id).filename or ""))

    def _prepare_second_request(self, error: RequestError) -> None:
        """Wait as long as the service asks. Raise an error if the request must not be sent a second time."""
        if not _is_resendable(error):
            raise _unresolved(error, "no response to the create request") from error
        self.host.info(f"no job appeared within {LOOKUP_SECONDS:.0f} s: sending the create request again")
        self.host.time.sleep(max(0.0, (getattr(error, "retry_after", None) or 0.0) - LOOKUP_SECONDS))
        self.host.raise_if_interrupted()


def unclear_error(jobs: Sequence[Job]) -> InvalidResponseError:
    """Return the error for a create that stops because jobs with its values may belong to the resource."""
    names = ", ".join(f"{job.id} ({job.status})" for job in jobs)
    return InvalidResponseError(
        f"the service has a job with the same training file and values, but returns no metadata that would show whether "
        f"it belongs to this resource: {names}. Nothing was created. If it does, run `pulumi import {JOB_TYPE} NAME "
        f"{jobs[0].id}` with the name of the resource; to train another job, set a different `suffix` or `seed`, then run "
        f"the command again",
        status=OK,
        may_have_acted=False,
    )


def _digest(body: Mapping[str, Any]) -> str:
    """Return a SHA-256 of a create request without its metadata, which may be turned off after the request."""
    sent = {name: value for name, value in body.items() if name != "metadata"}
    return hashlib.sha256(json.dumps(sent, sort_keys=True).encode()).hexdigest()


def _is_resendable(error: RequestError) -> bool:
    return (
        isinstance(error, ServerError)
        and error.is_api_error
        and error.status in RESENDABLE_STATUSES
        and error.should_retry is not False
        and (error.retry_after or 0.0) <= LONGEST_RETRY_AFTER
    )


def _unresolved(error: RequestError, problem: str) -> ServiceConnectionError:
    return ServiceConnectionError(
        f"{problem}, and no matching job appeared within {LOOKUP_SECONDS:.0f} s: "
        f"{error}. Run the command again: if the job appears later, it is adopted and not created twice",
        may_have_acted=True,
    )
