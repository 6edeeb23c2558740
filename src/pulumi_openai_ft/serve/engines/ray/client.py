"""A client of the REST API of Ray Jobs.

Ray's own client would install Ray, 250 MB and about 30 packages, beside the service, only works with the cluster's
version, and has no timeout per call. The service needs seven calls. Source: Ray's documentation of the Ray Jobs REST API,
and its answers (tests/ray).
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 20.0
"""Maximum number of seconds between two parts of an answer. A busy head needs seconds for a submission."""
_REFUSED = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)
_STATUSES = frozenset({"PENDING", "RUNNING", "STOPPED", "SUCCEEDED", "FAILED"})
_EXISTS = "already exists"
_INVALID = "status code 400"
"""Part of the text of a 500 with which the head passes on the refusal of its job manager."""


class RayError(Exception):
    """The cluster cannot be used now. The message is a sentence for the events of jobs, without secrets."""


class InvalidSubmissionError(Exception):
    """The cluster refused a submission, and would refuse it again. The message is Ray's reason."""


@dataclass(frozen=True)
class Submission:
    """A submission as the cluster knows it.

    Attributes:
        status: PENDING, RUNNING, STOPPED, SUCCEEDED or FAILED.
        message: Ray's description of the status, which may contain output.
        error: Type of the error of a FAILED submission.
        exit_code: Exit code of the command, if it ended.
    """

    status: str
    message: str
    error: str | None
    exit_code: int | None

    @property
    def has_ended(self) -> bool:
        """Return whether the submission has ended."""
        return self.status not in ("PENDING", "RUNNING")


class RayClient:
    """Calls a cluster. Each call has its own timeout.

    Args:
        address: Base URL of the dashboard: https, or http with a loopback address.
        token: Returns the cluster's token, which is read again for each call, because it may be renewed.
    """

    def __init__(self, address: str, token: Callable[[], str]) -> None:
        self._token = token
        self._client = httpx.Client(
            base_url=address,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=CONNECT_SECONDS),
            trust_env=address.startswith("https:"),  # no proxy reaches a loopback address
        )

    def close(self) -> None:
        """Close all connections."""
        self._client.close()

    def version(self) -> str:
        """Return the version of Ray."""
        with _expected_form():
            return _text(self._call("GET", "/api/version").json()["ray_version"])

    def requires_token(self) -> bool:
        """Return whether the cluster refuses a request without a token."""
        response = self._send("GET", "/api/jobs/", {})
        if response.status_code in _REFUSED:
            return True
        if not response.is_success:
            raise _failed(response)
        with _expected_form():
            _list(response.json())  # a page to log in is no list
        return False

    def submissions(self) -> dict[str, Submission]:
        """Return all submissions that the cluster knows, by id."""
        with _expected_form():
            found = _list(self._call("GET", "/api/jobs/").json())
            return {
                _text(job["submission_id"]): _submission(job) for job in found if job.get("submission_id")
            }

    def submit(self, submission_id: str, request: Mapping[str, Any]) -> None:
        """Submit a command. Do nothing if the cluster knows the id, so that a lost response does not matter.

        Raises:
            InvalidSubmissionError: Ray refused the request.
        """
        response = self._authorized("POST", "/api/jobs/", {"submission_id": submission_id, **request})
        if response.is_success:
            with _expected_form():
                _text(response.json()["submission_id"])
            return
        if _EXISTS in response.text:
            return
        if response.status_code == HTTPStatus.BAD_REQUEST or _INVALID in response.text:
            raise InvalidSubmissionError(_reason(response.text))
        raise _failed(response)

    def stop(self, submission_id: str) -> None:
        """Send a submission SIGTERM. Do nothing if the cluster does not know it."""
        self._act("POST", f"/api/jobs/{submission_id}/stop", "stopped")

    def delete(self, submission_id: str) -> None:
        """Make the cluster forget a submission that has ended."""
        self._act("DELETE", f"/api/jobs/{submission_id}", "deleted")

    def usage(self) -> dict[str, tuple[float, float]]:
        """Return used and total amounts of the cluster's resources, or nothing if this version does not report them."""
        with _expected_form():
            status = self._call("GET", "/api/cluster_status").json()
            report = ((status.get("data") or {}).get("clusterStatus") or {}).get("loadMetricsReport") or {}
            usage = (report.get("usage") or {}).items()
            return {name: (float(used), float(total)) for name, (used, total) in usage}

    def _act(self, method: str, path: str, reported: str) -> None:
        """Call about a submission that the cluster may not know. `reported` is the name in the response to a success."""
        response = self._authorized(method, path)
        if response.status_code == HTTPStatus.NOT_FOUND:
            return
        if not response.is_success:
            raise _failed(response)
        with _expected_form():
            bool(response.json()[reported])

    def _call(self, method: str, path: str) -> httpx.Response:
        response = self._authorized(method, path)
        if not response.is_success:
            raise _failed(response)
        return response

    def _authorized(self, method: str, path: str, json: Any = None) -> httpx.Response:
        response = self._send(method, path, {"authorization": f"Bearer {self._token()}"}, json)
        if response.status_code in _REFUSED:
            raise RayError("The Ray cluster refuses the token of the service.")
        return response

    def _send(self, method: str, path: str, headers: Mapping[str, str], json: Any = None) -> httpx.Response:
        try:
            return self._client.request(method, path, headers=headers, json=json)
        except httpx.HTTPError:  # its text is technical, and may contain the address
            raise RayError("The Ray cluster does not respond.") from None


@contextmanager
def _expected_form() -> Iterator[None]:
    try:
        yield
    except (ValueError, TypeError, LookupError, AttributeError, RecursionError):
        raise RayError("The server at the address of the Ray cluster does not respond like Ray.") from None


def _submission(job: Mapping[str, Any]) -> Submission:
    """Return a submission. Raise ValueError for an unknown status, with which nobody knows whether it has ended."""
    if job["status"] not in _STATUSES:
        raise ValueError(job["status"])
    code = job.get("driver_exit_code")
    return Submission(
        job["status"],
        str(job.get("message") or ""),
        job.get("error_type"),
        None if code is None else int(code),
    )


def _list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(value)
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(value)
    return value


def _failed(response: httpx.Response) -> RayError:
    return RayError(f"The Ray cluster responds with an error ({response.status_code}).")


def _reason(text: str) -> str:
    """Return the last sentence of a traceback, which is Ray's form of an error."""
    lines = [line.strip() for line in text.splitlines() if line.strip(" .")]
    return lines[-1].partition("Error: ")[2] or lines[-1] if lines else "no reason"
