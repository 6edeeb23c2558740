"""The engine `ray`. A thread of its own calls the cluster, so that a cluster that does not respond holds up nothing."""

from __future__ import annotations

import json
import logging
import time
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import TYPE_CHECKING

from pulumi_openai_ft.serve.engines.interface import Attempt, Cause, End, Engine, State, end_of
from pulumi_openai_ft.serve.engines.ray.client import InvalidSubmissionError, RayError
from pulumi_openai_ft.serve.engines.ray.submission import (
    CLUSTER_FILE,
    MARKER,
    NO_FOLDER,
    explain_wait,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft.serve.engines.ray.client import RayClient, Submission
    from pulumi_openai_ft.serve.engines.ray.shared_folder import SharedFolderCheck
    from pulumi_openai_ft.serve.engines.ray.submission import Command
    from pulumi_openai_ft.serve.job_folder import JobFolder

SECONDS_FOR_RESULT = 60.0
"""Seconds in which the result of a trainer that exited must become visible. A shared file system may delay it."""
SECONDS_UNTIL_EXPLAINED = 10.0
"""Seconds after which an event explains why a submission waits. Ray needs a few for each."""
SECONDS_UNTIL_DELETED = 3600.0
"""Seconds after which the cluster forgets a submission that ended and about which the loop no longer asks."""
_RESULT_CODES = (0, 1)
"""Exit codes of a trainer that wrote its result."""
_log = logging.getLogger(__name__)


@dataclass
class Knowledge:
    """The latest answers of the cluster. The lock of the engine protects it.

    Attributes:
        submissions: All submissions. None before the first answer.
        usage: Used and total amounts of resources.
        trouble: A sentence, if the cluster cannot be used now.
        orders: Folders of the submissions that the cluster has not confirmed, by id.
        refused: Ray's reasons, by the ids of refused submissions.
        stops: Submissions to stop.
        waiting_since: Monotonic time since which a submission is known to wait.
        ended_since: Monotonic time since which a submission is known to have ended.
        asked_at: Monotonic time of the last question about a submission.
    """

    submissions: Mapping[str, Submission] | None = None
    usage: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    trouble: str = ""
    orders: dict[str, JobFolder] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    stops: set[str] = field(default_factory=set)
    waiting_since: dict[str, float] = field(default_factory=dict)
    ended_since: dict[str, float] = field(default_factory=dict)
    asked_at: dict[str, float] = field(default_factory=dict)


class RayEngine(Engine):
    """Runs trainers as submissions of Ray Jobs, whose ids consist of the job and the attempt.

    A repeated submission therefore finds itself, and a later server finds the submissions again.

    Args:
        client: The cluster.
        command: How the cluster runs trainers.
        check: Checks the shared folder. Nothing is submitted before it has passed.
        seconds: Seconds between two rounds of calls.
    """

    def __init__(
        self, client: RayClient, command: Command, check: SharedFolderCheck, *, seconds: float = 1.0
    ) -> None:
        self._client = client
        self._command = command
        self._check = check
        self._seconds = seconds
        self._known = Knowledge()
        self._lock = Lock()
        self._closed = Event()
        self._thread = Thread(target=self._work, name="ray", daemon=True)

    def open(self) -> None:
        """Start the thread."""
        self._check.remove_leftovers()
        self._thread.start()

    def close(self) -> None:
        """Stop the thread, unless it waits for the cluster: then it ends with the process."""
        self._closed.set()
        self._thread.join(timeout=self._seconds + 1)
        if not self._thread.is_alive():
            self._check.reset()
            self._client.close()

    def start(self, attempt: Attempt, environment: Mapping[str, str]) -> None:  # noqa: ARG002
        """Order a submission. `environment` is not passed on, because everyone with the token could read it.

        Raises:
            OSError: The job's folder is not writable.
        """
        folder, submission_id = attempt.folder, _id(attempt)
        if (cluster := self._command.cluster()) is not None:
            (folder.path / CLUSTER_FILE).write_text(json.dumps(cluster), "utf-8")
        (folder.path / MARKER).write_text(submission_id, "utf-8")
        with self._lock:
            self._known.orders[submission_id] = folder

    def state(self, attempt: Attempt) -> State:
        """Return the state according to the latest answers of the cluster and the job's folder."""
        submission_id = _id(attempt)
        with self._lock:
            self._known.asked_at[submission_id] = time.monotonic()
            return self._state(attempt, submission_id)

    def stop(self, attempt: Attempt, *, kill: bool = False) -> None:  # noqa: ARG002
        """Order a stop. Ray kills a trainer that does not exit, therefore `kill` makes no difference."""
        submission_id = _id(attempt)
        with self._lock:
            if not attempt.folder.has_begun(attempt.number):
                (attempt.folder.path / MARKER).unlink(missing_ok=True)
            self._known.orders.pop(submission_id, None)
            self._known.stops.add(submission_id)

    # State

    def _state(self, attempt: Attempt, submission_id: str) -> State:
        known, has_begun = self._known, attempt.folder.has_begun(attempt.number)
        found = (known.submissions or {}).get(submission_id)
        if not has_begun and _is_withdrawn(attempt) and (found is None or found.status == "PENDING"):
            return State(End(Cause.UNKNOWN))
        if (reason := known.refused.get(submission_id)) is not None:
            return State(End(Cause.CRASHED, detail=f"Ray refused the submission: {reason}"))
        if problem := known.trouble or (self._check.problem if submission_id in known.orders else ""):
            return self._state_in_trouble(attempt, problem)
        if submission_id in known.orders or known.submissions is None:
            return State(waits=not has_begun)
        if found is None:
            return State(_lost(has_begun=has_begun))
        if found.has_ended:
            return self._ended(attempt, submission_id, found)
        return self._waiting(submission_id) if found.status == "PENDING" else State()

    def _state_in_trouble(self, attempt: Attempt, problem: str) -> State:
        """Return the state of an attempt of which the cluster reports nothing. The folder may have its result."""
        if attempt.folder.result() is not None and not attempt.folder.is_locked():
            return State(End(Cause.UNKNOWN))
        if attempt.folder.has_begun(attempt.number):
            return State(notice=f"{problem} Training that still runs continues", level="warn")
        return State(waits=True, notice=f"{problem} The job starts when this is solved", level="warn")

    def _waiting(self, submission_id: str) -> State:
        since = self._known.waiting_since.get(submission_id)
        if since is None or time.monotonic() - since < SECONDS_UNTIL_EXPLAINED:
            return State(waits=True)
        notice, level = explain_wait(self._command.resources, self._known.usage)
        return State(waits=True, notice=notice, level=level)

    def _ended(self, attempt: Attempt, submission_id: str, found: Submission) -> State:
        promises_result = found.status == "SUCCEEDED" or found.exit_code in _RESULT_CODES
        since = self._known.ended_since.get(submission_id, time.monotonic())
        if (
            promises_result
            and attempt.folder.result() is None
            and time.monotonic() - since < SECONDS_FOR_RESULT
        ):
            return State()
        return State(_end(found))

    # Calls

    def _work(self) -> None:
        while not self._closed.is_set():
            try:
                self._perform_calls()
            except RayError as error:
                self._note_trouble(str(error))
            except Exception:  # noqa: BLE001  # a fault in one round must not end all training
                _log.exception("The Ray cluster could not be used; the service tries again.")
                self._note_trouble(
                    "The Ray cluster cannot be used. The service's operator finds the reason in the log."
                )
            self._closed.wait(self._seconds)

    def _note_trouble(self, trouble: str) -> None:
        with self._lock:
            if trouble != self._known.trouble:
                _log.warning("%s", trouble)
            self._known.trouble = trouble
        self._check.reset()

    def _perform_calls(self) -> None:
        self._deliver_stops()
        delivered = self._deliver_orders() if self._check.passed else set()
        submissions = self._client.submissions()
        waits = any(found.status == "PENDING" for found in submissions.values())
        usage = self._client.usage() if waits else {}
        self._advance_check(submissions)
        with self._lock:
            self._learn(submissions, usage, delivered)
            forgotten = self._forget()
        for submission_id in forgotten:
            self._client.delete(submission_id)

    def _deliver_stops(self) -> None:
        with self._lock:
            stops = tuple(self._known.stops)
        for submission_id in stops:
            self._client.stop(submission_id)
            with self._lock:
                self._known.stops.discard(submission_id)

    def _deliver_orders(self) -> set[str]:
        """Submit, and return the ids that the next list must contain."""
        with self._lock:
            orders = dict(self._known.orders)
        for submission_id, folder in orders.items():
            try:
                self._client.submit(submission_id, self._command.request(submission_id, folder.path))
            except InvalidSubmissionError as error:
                with self._lock:
                    self._known.refused[submission_id] = str(error)
        return set(orders)

    def _advance_check(self, submissions: Mapping[str, Submission]) -> None:
        before = self._check.problem
        self._check.advance(submissions)
        if self._check.problem != before:
            _log.error("%s", self._check.problem)

    def _learn(
        self,
        submissions: Mapping[str, Submission],
        usage: Mapping[str, tuple[float, float]],
        delivered: set[str],
    ) -> None:
        known, now = self._known, time.monotonic()
        if known.trouble:
            _log.info("The Ray cluster responds again.")
        known.submissions, known.usage, known.trouble = submissions, usage, ""
        for submission_id in delivered:
            known.orders.pop(submission_id, None)
        waiting = {name for name, found in submissions.items() if found.status == "PENDING"}
        ended = {name for name, found in submissions.items() if found.has_ended}
        known.waiting_since = {name: known.waiting_since.get(name, now) for name in waiting}
        known.ended_since = {name: known.ended_since.get(name, now) for name in ended}

    def _forget(self) -> list[str]:
        """Forget submissions that are no longer needed, and return those that the cluster still lists."""
        known, oldest = self._known, time.monotonic() - SECONDS_UNTIL_DELETED
        found = [
            name for name, asked in known.asked_at.items() if asked < oldest and name not in known.orders
        ]
        for name in found:
            del known.asked_at[name]
            known.refused.pop(name, None)
        return [name for name in found if name in known.ended_since]


def _id(attempt: Attempt) -> str:
    return f"{attempt.folder.path.name}-{attempt.number}"


def _is_withdrawn(attempt: Attempt) -> bool:
    """Return whether the submission may no longer train."""
    try:
        return (attempt.folder.path / MARKER).read_text("utf-8") != _id(attempt)
    except FileNotFoundError:
        return True


def _lost(*, has_begun: bool) -> End:
    """Return the end of an attempt that the cluster does not know: it never arrived, or its head was replaced."""
    if not has_begun:
        return End(Cause.UNKNOWN)
    return End(
        Cause.CRASHED, detail="The Ray cluster no longer knows the training run: its head was replaced."
    )


def _end(found: Submission) -> End:
    if found.status == "STOPPED":
        return End(Cause.STOPPED)
    if found.error == "JOB_SUPERVISOR_ACTOR_START_TIMEOUT":
        return End(Cause.NOT_STARTED)
    if found.exit_code is None:
        return End(Cause.CRASHED, detail=_FAULTS.get(str(found.error), "Ray lost the training run."))
    detail = (
        "A machine of the Ray cluster does not see the job's folder." if found.exit_code == NO_FOLDER else ""
    )
    return end_of(found.exit_code, detail)


_FAULTS = {
    "RUNTIME_ENV_SETUP_FAILURE": "Ray could not set up the runtime environment. The dashboard shows the reason.",
    "JOB_SUPERVISOR_ACTOR_DIED": "The machine of the Ray cluster that trained was lost.",
    "JOB_SUPERVISOR_ACTOR_UNSCHEDULABLE": "The Ray cluster cannot schedule the training run.",
}
