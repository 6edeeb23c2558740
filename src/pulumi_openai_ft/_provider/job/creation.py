"""Creates jobs. This is the only module that sends a create request.

A create request costs money, so it is repeated at most once, and only after an error of the service itself (500 or 503
with the API's error object) for which no job appeared. After a lost response, nothing is sent again.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._client.retries import LONGEST_RETRY_AFTER
from pulumi_openai_ft._provider.job.inputs import PROVIDER_INPUTS
from pulumi_openai_ft._provider.job.lookup import TOKEN_KEY
from pulumi_openai_ft._provider.lost_response import LOOKUP_DELAYS, poll_until_found
from pulumi_openai_ft.errors import RequestError, ServerError, ServiceConnectionError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import Job
    from pulumi_openai_ft._provider.host_interface import Host
    from pulumi_openai_ft._provider.job.lookup import JobLookup

RESENDABLE_STATUSES = frozenset({500, 503})
"""HTTP statuses with which the service reports that it failed. With 502, 504 and 52x, a proxy reports it."""


@dataclass(slots=True)
class JobCreator:
    """A creator of jobs.

    Attributes:
        api: The client.
        host: The host, for messages, clock and sleep.
        search: The search for jobs by idempotency key.
    """

    api: Client
    host: Host
    search: JobLookup

    def create(self, key: str, inputs: Mapping[str, Any], known: Collection[str]) -> Job:
        """Create a job, and search for it if the response does not show whether it was created.

        Args:
            key: The idempotency key of the job.
            inputs: The job's inputs.
            known: Ids of the jobs with this key that existed before.

        Raises:
            ServiceError: The service refused the request, so that no job exists.
            ServiceConnectionError: It is unknown whether a job exists.
        """
        self.host.raise_if_interrupted()
        body, since = self._body(key, inputs), self.api.service_time
        try:
            return self.api.create_job(body)
        except RequestError as error:
            if found := self._find_lost(key, known, error):
                return found
            self._prepare_second_request(body, since, error)
        try:
            return self.api.create_job(body)
        except RequestError as error:
            if found := self._find_lost(key, known, error):
                return found
            raise _unresolved(error, "the create request was sent twice without a usable response") from error

    def _body(self, key: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the body of the create request: the API's inputs and the idempotency key."""
        body = {name: value for name, value in inputs.items() if name not in PROVIDER_INPUTS}
        if self.api.settings.profile.supports("metadata"):
            body["metadata"] = {**inputs.get("metadata", {}), TOKEN_KEY: key}
        return {**body, **inputs.get("extra_body", {})}

    def _find_lost(self, key: str, known: Collection[str], error: RequestError) -> Job | None:
        """Return the job of a create request whose result is unknown, or None. Raise the error if there is no job."""
        if not error.may_have_acted:
            raise error
        if not self.api.settings.profile.supports("metadata"):
            raise ServiceConnectionError(
                f"no response to the create request, and the service does not store the metadata needed to find the "
                f"job: {error}. Check at the service whether the job was created before you run the command again",
                may_have_acted=True,
            ) from error
        found = poll_until_found(
            lambda: next((job for job in self.search.find(key) if job.id not in known), None),
            self.host.time,
        )
        if found:
            self.host.info(f"job {found.id} was created although the service's response was lost")
        return found

    def _prepare_second_request(
        self, body: Mapping[str, Any], since: float | None, error: RequestError
    ) -> None:
        """Check that a second create request can not create a second job. Otherwise, raise an error."""
        if not _is_resendable(error):
            raise _unresolved(error, "no response to the create request") from error
        if unlabelled := self.search.unlabelled(str(body.get("training_file")), since):
            raise ServiceConnectionError(
                f"the service failed to create the job: {error}. It may have created it without the metadata that "
                f"identifies it: check {', '.join(job.id for job in unlabelled)}. To use such a job, run `pulumi import` "
                f"with its id",
                may_have_acted=True,
            ) from error
        self.host.info(f"no job appeared within {_lookup_seconds():.0f} s: sending the create request again")
        self.host.time.sleep(max(0.0, (getattr(error, "retry_after", None) or 0.0) - _lookup_seconds()))
        self.host.raise_if_interrupted()


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
        f"{problem}, and no matching job appeared within {_lookup_seconds():.0f} s: "
        f"{error}. Run the command again: if the job appears later, it is adopted and not created twice",
        may_have_acted=True,
    )


def _lookup_seconds() -> float:
    return sum(LOOKUP_DELAYS)
