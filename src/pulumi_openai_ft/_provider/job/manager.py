"""What is done with jobs at the service: adopt, buy, wait, pause, cancel.

Whatever creates a job is here, and nowhere else.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from threading import Lock
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._provider.adoption import AdoptedIds
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._provider.job.inputs import PROVIDER_INPUTS
from pulumi_openai_ft._provider.job.lookup import TOKEN_KEY, JobLookup
from pulumi_openai_ft._provider.job.poller import Poller
from pulumi_openai_ft._provider.lost_response import LOOKUP_DELAYS, poll_until_found
from pulumi_openai_ft._provider.progress.status_row import JobProgressReporter
from pulumi_openai_ft.errors import (
    CommandInterruptedError,
    JobTimeoutError,
    NotFoundError,
    RequestError,
    ServiceConnectionError,
    ServiceError,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Job

FAILED = frozenset({"failed", "cancelled"})
UNSUPPORTED_STATUSES = frozenset({404, 405, 501})
"""How services answer what they do not offer."""
MODEL_LIST_TTL = 30.0
"""Seconds for which the list of models is used again."""
LAST_EVENTS = 20
"""Events of a job that are looked at when it has come to its end: checkpoints, moderation and the model are the last."""
CANCEL_TIMEOUT = 120.0
"""Seconds that a cancelled job may take to come to its end."""


@dataclass(slots=True)
class JobManager:
    """The jobs of one service.

    Attributes:
        api: The service.
        host: The process: where things are told, clock and sleep.
        adopted: Jobs that a new resource found instead of buying them.
    """

    api: Client
    host: Host = field(default_factory=Host)
    adopted: AdoptedIds = field(default_factory=AdoptedIds)
    _bought: dict[str, tuple[str, set[str]]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)
    _models: set[str] | None = None
    _models_asked_at: float = float("-inf")
    _poller: Poller = field(init=False)
    _search: JobLookup = field(init=False)

    def __post_init__(self) -> None:
        self._poller = Poller(self.api, self.host.time)
        self._search = JobLookup(self.api, self.host.time)

    def find(self, job_id: str) -> Job:
        """The job as it is now.

        Raises:
            NotFoundError: The service does not show it. Jobs cannot be deleted, so it is not gone: the key, the
                project or the base URL is another one.
        """
        try:
            return self.api.job(job_id)
        except NotFoundError as error:
            raise NotFoundError(
                f"job {job_id} is not found: {error}. Jobs cannot be deleted, so this stack is asking another project "
                f"or service than the one that has it: check the key, openai-ft:project and openai-ft:baseUrl. "
                f"To make Pulumi forget the job, run `pulumi state delete` with its URN",
                status=error.status,
                code=error.code,
                param=error.param,
                request_id=error.request_id,
            ) from error

    def get_or_create(self, tokens: Sequence[str], inputs: Mapping[str, Any]) -> Job:
        """The job that carries one of the tokens, and only where there is none that will do, a new one.

        Args:
            tokens: The token that a new job gets, then those of the resource's former names.
            inputs: What the job is to be.
        """
        known = [job for token in tokens for job in self._search.find_before_create(token)]
        if job := next((job for job in known if self._is_adoptable(job, inputs)), None):
            age = timedelta(seconds=max(0, int(self.host.time.wall() - job.created_at)))
            self.host.info(
                f"adopted job {job.id} ({job.status}, {age} old): these inputs asked for it before"
            )
            self.adopted.add(job.id)
            return job
        return self._create(tokens[0], inputs, {job.id for job in known})

    def resolve_duplicate(self, job: Job) -> Job:
        """Of two that bought at the same moment, the second cancels its job and takes the first one's.

        The other one may be the host of an engine that was killed while its request was on the way. Both see the jobs
        in the service's order, newest first, so they agree on who was first.
        """
        if job.id not in self._bought:
            return job
        token, known = self._bought.pop(job.id)
        try:
            bought = [found for found in self._search.find_created_with(job, token) if found.id not in known]
            first = [job, *(found for found in bought if found.status not in FAILED)][-1]
            if first.id != job.id:
                self.host.info(f"job {first.id} was bought at the same moment: cancelling {job.id}")
                self.cancel(job)
        except (CommandInterruptedError, RequestError, JobTimeoutError) as error:
            self.host.info(f"cannot tell whether somebody else bought the same job as {job.id}: {error}")
            return job
        return first

    def reconcile(self, job: Job, inputs: Mapping[str, Any], *, resume: bool = False) -> Job:
        """Brings a job to where the inputs want it: paused, resumed, waited for.

        Raises:
            ServiceError: Or another failure on the way; the job goes on.
        """
        pause = bool(inputs.get("paused"))
        if resume and job.status == "paused":
            job = self.api.resume_job(job.id)
        if not inputs.get("wait_for_completion", True):
            return self._pause(job) if pause else job
        return self._wait(job, pause=pause, seconds=inputs.get("cancel_after_timeout"))

    def last_seen(self, job_id: str) -> Job | None:
        """Return a job as this process saw it last while waiting, None if it never waited for it."""
        return self._poller.last_seen(job_id)

    def cancel(self, job: Job) -> Job:
        """Cancels a job unless it is finished, and waits until that has happened."""
        if job.is_terminal:
            return job
        job = self._act(self.api.cancel_job, job)
        return self._poller.wait(
            job, lambda seen: seen.is_terminal, deadline=self.host.time.wall() + CANCEL_TIMEOUT
        )

    def delete_model(self, model: str) -> None:
        """Deletes a fine-tuned model. One that is gone is fine, and so is one of a service that deletes none."""
        if not self.api.settings.profile.supports("models"):
            return
        try:
            self.api.delete_model(model)
        except NotFoundError:
            return

    def _list_models(self) -> set[str] | None:
        """The names of all models, or None where the service does not list them."""
        try:
            return {model.id for model in self.api.models()}
        except ServiceError as error:
            if error.status in UNSUPPORTED_STATUSES:
                return None
            raise

    def _is_adoptable(self, job: Job, inputs: Mapping[str, Any]) -> bool:
        if job.status == "succeeded":
            return self.has_model(job)
        if job.status in FAILED and inputs.get("recreate_on_failure"):
            return False
        return job.status != "cancelled" or self._was_cancelled_by_deadline(
            job, inputs.get("cancel_after_timeout")
        )

    def _was_cancelled_by_deadline(self, job: Job, seconds: float | None) -> bool:
        """Whether a cancelled job was cancelled for its deadline, by an `up` that was cut off before it said so."""
        if seconds is None or not self.api.settings.profile.supports("events"):
            return False
        last = next(self.api.events(job.id, limit=1), None)
        return last is not None and last.created_at >= job.created_at + seconds

    def has_model(self, job: Job) -> bool:
        """Whether the model of a job that succeeded is still there. Where nobody can tell, it is."""
        if not job.fine_tuned_model or not self.api.settings.profile.supports("models"):
            return bool(job.fine_tuned_model)
        try:
            return bool(self.api.model(job.fine_tuned_model))
        except NotFoundError:
            return False

    def model_is_listed(self, job: Job) -> bool:
        """The same from the list of all models, which is asked for once in a while, however many jobs are read."""
        if not self.api.settings.profile.supports("models"):
            return True
        with self._lock:
            now = self.host.time.clock()
            if now - self._models_asked_at > MODEL_LIST_TTL:
                self._models, self._models_asked_at = self._list_models(), now
            return self._models is None or job.fine_tuned_model in self._models

    def _create(self, token: str, inputs: Mapping[str, Any], known: set[str]) -> Job:
        self.host.raise_if_interrupted()
        try:
            job = self.api.create_job(self._body(token, inputs))
        except RequestError as error:
            if not error.may_have_acted:
                raise
            return self._recover_lost_create(token, known, error)
        self.host.info(f"created job {job.id}")
        self._bought[job.id] = token, known
        return job

    def _body(self, token: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """The body of the create call: what the program gave, and the token."""
        body = {name: value for name, value in inputs.items() if name not in PROVIDER_INPUTS}
        if self.api.settings.profile.supports("metadata"):
            body["metadata"] = {**inputs.get("metadata", {}), TOKEN_KEY: token}
        return {**body, **inputs.get("extra_body", {})}

    def _recover_lost_create(self, token: str, known: set[str], error: RequestError) -> Job:
        """The job whose creation was not answered, if the service acted. Creating is never just tried again."""
        if not self.api.settings.profile.supports("metadata"):
            raise ServiceConnectionError(
                f"creating the job was not answered, and the service keeps no metadata by which to find it: {error}. "
                f"Look there whether it was created, before you run the command again",
                may_have_acted=True,
            ) from error
        found = poll_until_found(
            lambda: next((job for job in self._search.find(token) if job.id not in known), None),
            self.host.time,
        )
        if found is None:
            raise ServiceConnectionError(
                f"creating the job was not answered, and for {sum(LOOKUP_DELAYS):.0f} s no such job appeared: {error}. "
                f"Run the command again: a job that appears later is found then, and not bought twice",
                may_have_acted=True,
            ) from error
        self.host.info(f"job {found.id} was created although the service's answer was lost")
        return found

    def _wait(self, job: Job, *, pause: bool, seconds: float | None) -> Job:
        def done(seen: Job) -> bool:
            return seen.is_terminal or seen.status == "paused"

        deadline = None if seconds is None else job.created_at + seconds
        try:
            if pause:
                job = self._wait_with_progress(
                    job, lambda seen: done(seen) or seen.status == "running", deadline
                )
                job = self._pause(job)
            return self._wait_with_progress(job, done, deadline)
        except JobTimeoutError:
            self.host.info(f"job {job.id} is not done {seconds} s after its creation: cancelling it")
            return self.cancel(job)

    def _wait_with_progress(self, job: Job, done: Callable[[Job], bool], deadline: float | None) -> Job:
        """Waits and shows how far the job is, its last events included, where anybody sees that."""
        if done(job) or not (self.host.shows_progress and self.api.settings.profile.supports("events")):
            return self._poller.wait(job, done, deadline=deadline)
        follower = JobProgressReporter.of(job, self.host)
        job = self._poller.wait(job, done, deadline=deadline, follow=follower.update)
        with suppress(RequestError):
            follower.update(job, list(self.api.events(job.id, limit=LAST_EVENTS)))
        return job

    def _pause(self, job: Job) -> Job:
        """Pauses a running job. One that does not run yet cannot be paused yet."""
        return self._act(self.api.pause_job, job) if job.status == "running" else job

    def _act(self, action: Any, job: Job) -> Job:
        """Acts on a job that may come to its end at the same moment."""
        try:
            acted: Job = action(job.id)
        except RequestError as error:
            seen = self.api.job(job.id)
            if seen.is_terminal:
                return seen
            raise error from None
        return acted
