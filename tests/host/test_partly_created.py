"""After any failure with an existing job, its id is recorded with a single reason, and the next `up`
continues from it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2
from pulumi.runtime.proto.provider_pb2 import DiffResponse
from tests.host.support import (
    FILE,
    IDENTITY,
    JOB,
    LONGEST_WAIT,
    MODEL,
    PERMISSION,
    TYPE_PREFIX,
    eventually,
    failed,
    refusal,
    struct,
    to_dict,
    upload,
    urn,
)
from tests.support import write_training_data

from pulumi_openai_ft.host import _operations

if TYPE_CHECKING:
    from concurrent.futures import Future
    from pathlib import Path

    from tests.host.support import Failed, Host, HostProcess

    from pulumi_openai_ft.emulator import Emulator

END_LIMIT = 2.0
"""Seconds within which all running calls end after Ctrl-C."""
JOBS, ONE_JOB = "/fine_tuning/jobs", "/fine_tuning/jobs/ftjob-*"
TRAINING = 10_000.0


STATE = struct({"model": MODEL, "training_file": "file-1", "status": "running"})
HANGING = {
    "Check": provider_pb2.CheckRequest(
        urn=urn(JOB), news=struct({"model": MODEL, "training_file": "file-1"})
    ),
    "Read": provider_pb2.ReadRequest(urn=urn(JOB), id="ftjob-1", properties=STATE),
    "Delete": provider_pb2.DeleteRequest(urn=urn(JOB), id="ftjob-1", properties=STATE),
    "Invoke": provider_pb2.InvokeRequest(
        tok=f"{TYPE_PREFIX}getFineTuningJob", args=struct({"fine_tuning_job_id": "ftjob-1"})
    ),
}
"""Calls that send requests to the service and create nothing."""


def outcome(call: Future[Any]) -> Failed:
    """Return the error of a running call, which must fail."""
    try:
        given = call.result(LONGEST_WAIT)
    except grpc.RpcError as error:
        return failed(error)
    raise AssertionError(f"it did not fail: {given}")


def was_requested(service: Emulator, method: str, path: str) -> bool:
    return bool(service.journal(method=method, path=f"/v1{path}"))


def create_requests(service: Emulator) -> int:
    """Return the number of requests to create a job."""
    return len(service.journal(method="POST", path=f"/v1{JOBS}"))


def is_saved(found: Failed, service: Emulator, inputs: dict[str, Any]) -> bool:
    """Return whether the only job is recorded, with its inputs and a single reason."""
    (job,) = service.jobs()
    assert found.left
    assert list(found.left.reasons) == [found.reason]
    assert "\n" not in found.reason
    assert to_dict(found.left.inputs) == inputs
    assert found.left.properties["__provider"] == found.left.inputs["__provider"] != ""
    return bool(found.left.id == job["id"])


@pytest.fixture
def failing_inputs(host: Host, tmp_path: Path) -> dict[str, Any]:
    """Return inputs of a job that fails because of too few examples."""
    file_id = upload(host, write_training_data(tmp_path / "few.jsonl", rows=3))
    return {**IDENTITY, "model": MODEL, "training_file": file_id}


class TestFailures:
    """Failures of jobs and of the service."""

    def test_a_failed_job_is_recorded(
        self, host: Host, service: Emulator, failing_inputs: dict[str, Any]
    ) -> None:
        found = refusal(host.create, JOB, failing_inputs)

        assert is_saved(found, service, failing_inputs)
        assert found.left
        assert to_dict(found.left.properties)["status"] == "failed"
        assert found.reason.startswith(f"job {found.left.id} failed: ")

    def test_the_next_up_repeats_the_message_and_creates_nothing(
        self, host: Host, service: Emulator, failing_inputs: dict[str, Any]
    ) -> None:
        first = refusal(host.create, JOB, failing_inputs)
        assert first.left
        olds = to_dict(first.left.properties)

        assert host.diff(JOB, first.left.id, olds, failing_inputs).changes == DiffResponse.DIFF_SOME
        again = refusal(host.update, JOB, first.left.id, olds, failing_inputs)

        assert again == first
        assert create_requests(service) == 1

    def test_a_failed_job_is_recreated_only_on_request(
        self, host: Host, failing_inputs: dict[str, Any]
    ) -> None:
        first = refusal(host.create, JOB, failing_inputs)
        assert first.left
        olds = to_dict(first.left.properties)

        again = host.diff(JOB, first.left.id, olds, {**failing_inputs, "recreate_on_failure": True})

        assert list(again.replaces) == ["recreate_on_failure"]
        assert list(host.diff(JOB, first.left.id, olds, failing_inputs).replaces) == []

    def test_an_error_while_waiting_records_the_job(
        self, slow_host: Host, slow_service: Emulator, slow_job_inputs: dict[str, Any]
    ) -> None:
        slow_service.fault("GET", ONE_JOB, "status", times=None, status=401)

        found = refusal(slow_host.create, JOB, slow_job_inputs)

        assert is_saved(found, slow_service, slow_job_inputs)
        assert "is still running at the service" in found.reason
        assert "`pulumi up` waits for it again" in found.reason

    def test_a_job_that_has_succeeded_since_is_complete(
        self, slow_host: Host, slow_service: Emulator, slow_job_inputs: dict[str, Any]
    ) -> None:
        slow_service.fault("GET", ONE_JOB, "status", status=401)
        found = refusal(slow_host.create, JOB, slow_job_inputs)
        assert found.left
        slow_service.advance(TRAINING)

        updated = slow_host.update(JOB, found.left.id, to_dict(found.left.properties), slow_job_inputs)

        assert to_dict(updated.properties)["status"] == "succeeded"
        assert create_requests(slow_service) == 1

    def test_the_next_up_waits_for_a_running_job(
        self, slow_host: Host, slow_service: Emulator, slow_job_inputs: dict[str, Any]
    ) -> None:
        slow_service.fault("GET", ONE_JOB, "status", status=401)
        found = refusal(slow_host.create, JOB, slow_job_inputs)
        assert found.left

        resumed = slow_host.updating(JOB, found.left.id, to_dict(found.left.properties), slow_job_inputs)
        eventually(lambda: len(slow_service.journal(method="GET", path=f"/v1{ONE_JOB}")) > 3)
        assert not resumed.done()
        slow_service.advance(TRAINING)

        assert to_dict(resumed.result(LONGEST_WAIT).properties)["status"] == "succeeded"
        assert create_requests(slow_service) == 1

    def test_a_refresh_in_between_has_no_effect(
        self, slow_host: Host, slow_service: Emulator, slow_job_inputs: dict[str, Any]
    ) -> None:
        slow_service.fault("GET", ONE_JOB, "status", status=401)
        found = refusal(slow_host.create, JOB, slow_job_inputs)
        assert found.left

        olds = to_dict(slow_host.read(JOB, found.left.id, to_dict(found.left.properties)).properties)
        differs = slow_host.diff(JOB, found.left.id, olds, slow_job_inputs)
        slow_service.advance(TRAINING)
        updated = slow_host.update(JOB, found.left.id, olds, slow_job_inputs)

        assert (differs.changes, list(differs.replaces)) == (DiffResponse.DIFF_SOME, [])
        assert to_dict(updated.properties)["status"] == "succeeded"

    def test_a_job_past_its_deadline_is_recorded(
        self, slow_host: Host, slow_service: Emulator, slow_job_inputs: dict[str, Any]
    ) -> None:
        """The clock of the service stopped some time ago, so the deadline of its job has already passed."""
        inputs = {**slow_job_inputs, "cancel_after_timeout": 1}

        found = refusal(slow_host.create, JOB, inputs)

        assert is_saved(found, slow_service, inputs)
        assert found.left
        assert to_dict(found.left.properties)["status"] == "cancelled"

    def test_a_failed_update_records_the_current_job(
        self, slow_host: Host, slow_service: Emulator, slow_job_inputs: dict[str, Any]
    ) -> None:
        created = slow_host.create(JOB, {**slow_job_inputs, "wait_for_completion": False})
        slow_service.fault("GET", ONE_JOB, "status", times=None, skip=1, status=401)

        found = refusal(slow_host.update, JOB, created.id, to_dict(created.properties), slow_job_inputs)

        assert is_saved(found, slow_service, slow_job_inputs)

    def test_a_failure_before_creation_records_nothing(
        self, host: Host, service: Emulator, job_inputs: dict[str, Any]
    ) -> None:
        service.fault("POST", JOBS, "status", status=400)

        found = refusal(host.create, JOB, job_inputs)

        assert found.left is None
        assert service.jobs() == []


class Interrupted:
    """A host that the test interrupts, and its running calls.

    Args:
        host: The host.
        service: The service that it uses.
    """

    def __init__(self, host: Host, service: Emulator) -> None:
        self.host, self.service = host, service

    def creating(self, inputs: dict[str, Any], name: str = "support") -> Future[Any]:
        """Start a create, and wait until its job exists."""
        call = self.host.creating(JOB, inputs, name)
        self.host.engine.await_log("created job")
        return call

    def waiting(self, inputs: dict[str, Any]) -> Future[Any]:
        """Start a create, and wait until it polls its job."""
        call = self.creating(inputs)
        eventually(lambda: was_requested(self.service, "GET", ONE_JOB))
        return call

    def cancelled(self, call: Future[Any]) -> Failed:
        """Cancel the host as on Ctrl-C, and return the error of a running call."""
        began = time.monotonic()
        self.host.cancel()
        found = outcome(call)
        assert time.monotonic() - began < END_LIMIT
        return found


@pytest.fixture
def interrupted(own_host: Host, slow_service: Emulator) -> Interrupted:
    return Interrupted(own_host, slow_service)


@pytest.fixture
def _short_grace_period(monkeypatch: pytest.MonkeyPatch) -> None:
    """Abandon hanging operations sooner."""
    monkeypatch.setattr(_operations, "GRACE_PERIOD", 0.1)


class TestSigint:
    """SIGINT, which a terminal sends, to a separate process."""

    @pytest.mark.parametrize("hangs", [False, True], ids=["responding", "hanging"])
    def test_waiting_ends_and_then_the_process(
        self,
        own_process: tuple[Host, HostProcess],
        slow_service: Emulator,
        slow_job_inputs: dict[str, Any],
        hangs: bool,  # noqa: FBT001 - a parameter
    ) -> None:
        host, process = own_process
        if hangs:
            slow_service.fault("GET", ONE_JOB, "hang", times=None, seconds=60)
        call = Interrupted(host, slow_service).waiting(slow_job_inputs)
        began = time.monotonic()

        process.interrupt()

        assert is_saved(outcome(call), slow_service, slow_job_inputs)
        assert process.wait() == 0
        assert time.monotonic() - began < END_LIMIT
        assert process.stderr == ""


class TestCancel:
    """The `Cancel` call, which the engine sends when the user presses Ctrl-C."""

    def test_waiting_ends_and_the_next_up_resumes(
        self,
        interrupted: Interrupted,
        slow_host: Host,
        slow_service: Emulator,
        slow_job_inputs: dict[str, Any],
    ) -> None:
        found = interrupted.cancelled(interrupted.waiting(slow_job_inputs))

        assert is_saved(found, slow_service, slow_job_inputs)
        assert "is still running at the service" in found.reason
        assert "`pulumi up` waits for it again, `pulumi destroy` cancels it" in found.reason
        slow_service.advance(TRAINING)
        assert found.left
        updated = slow_host.update(JOB, found.left.id, to_dict(found.left.properties), slow_job_inputs)
        assert to_dict(updated.properties)["status"] == "succeeded"
        assert create_requests(slow_service) == 1

    @pytest.mark.usefixtures("_short_grace_period")
    def test_a_request_that_hangs_while_waiting_is_abandoned(
        self, interrupted: Interrupted, slow_service: Emulator, slow_job_inputs: dict[str, Any]
    ) -> None:
        slow_service.fault("GET", ONE_JOB, "hang", times=None, seconds=60)

        found = interrupted.cancelled(interrupted.waiting(slow_job_inputs))

        assert is_saved(found, slow_service, slow_job_inputs)

    def test_waiting_for_a_service_that_fails_ends_too(
        self, interrupted: Interrupted, slow_service: Emulator, slow_job_inputs: dict[str, Any]
    ) -> None:
        """The last response requested a long pause."""
        slow_service.fault("GET", ONE_JOB, "status", times=None, status=503, headers={"retry-after": "60"})

        found = interrupted.cancelled(interrupted.waiting(slow_job_inputs))

        assert is_saved(found, slow_service, slow_job_inputs)

    @pytest.mark.usefixtures("_short_grace_period")
    @pytest.mark.parametrize(
        "fault",
        [
            {"action": "hang", "seconds": 60},
            {"action": "status", "status": 503, "headers": {"retry-after": "60"}},
        ],
        ids=["hangs", "fails"],
    )
    def test_a_failed_duplicate_check_does_not_lose_the_job(
        self,
        interrupted: Interrupted,
        slow_service: Emulator,
        slow_job_inputs: dict[str, Any],
        fault: dict[str, Any],
    ) -> None:
        """After the create, the jobs are listed again."""
        slow_service.fault("GET", JOBS, skip=2, times=None, **fault)
        call = interrupted.creating(slow_job_inputs)
        eventually(lambda: len(slow_service.journal(method="GET", path=f"/v1{JOBS}")) == 3)

        found = interrupted.cancelled(call)

        assert is_saved(found, slow_service, slow_job_inputs)

    def test_cancel_waits_for_a_create_in_progress(
        self, interrupted: Interrupted, slow_service: Emulator, slow_job_inputs: dict[str, Any]
    ) -> None:
        slow_service.fault("POST", JOBS, "hang", seconds=0.5, acts=True)
        call = interrupted.host.creating(JOB, slow_job_inputs)
        eventually(lambda: was_requested(slow_service, "POST", JOBS))

        found = interrupted.cancelled(call)

        assert is_saved(found, slow_service, slow_job_inputs)

    @pytest.mark.usefixtures("_short_grace_period")
    def test_a_lookup_hanging_before_the_create_is_abandoned(
        self, interrupted: Interrupted, slow_service: Emulator, slow_job_inputs: dict[str, Any]
    ) -> None:
        slow_service.fault("GET", JOBS, "hang", times=None, seconds=60)
        call = interrupted.host.creating(JOB, slow_job_inputs)
        eventually(lambda: was_requested(slow_service, "GET", JOBS))

        found = interrupted.cancelled(call)

        assert found.left is None
        assert "interrupted" in found.reason
        assert create_requests(slow_service) == 0

    @pytest.mark.parametrize(("method", "tries"), [("GET", 0), ("POST", 1)], ids=["before", "within"])
    def test_a_create_that_waits_to_retry_is_abandoned(
        self,
        interrupted: Interrupted,
        slow_service: Emulator,
        slow_job_inputs: dict[str, Any],
        method: str,
        tries: int,
    ) -> None:
        slow_service.fault(method, JOBS, "status", times=None, status=429, headers={"retry-after": "60"})
        call = interrupted.host.creating(JOB, slow_job_inputs)
        eventually(lambda: was_requested(slow_service, method, JOBS))

        found = interrupted.cancelled(call)

        assert found.left is None
        assert "interrupted" in found.reason
        assert create_requests(slow_service) == tries
        assert slow_service.jobs() == []

    def test_a_waiting_update_ends_too(
        self, interrupted: Interrupted, slow_service: Emulator, slow_job_inputs: dict[str, Any]
    ) -> None:
        host = interrupted.host
        created = host.create(JOB, {**slow_job_inputs, "wait_for_completion": False})
        call = host.updating(JOB, created.id, to_dict(created.properties), slow_job_inputs)
        eventually(lambda: was_requested(slow_service, "GET", ONE_JOB))

        found = interrupted.cancelled(call)

        assert is_saved(found, slow_service, slow_job_inputs)

    @pytest.mark.usefixtures("_short_grace_period")
    def test_a_hanging_update_is_abandoned(
        self, interrupted: Interrupted, slow_service: Emulator, slow_job_inputs: dict[str, Any]
    ) -> None:
        """The job's state is unknown, so its record does not change."""
        host = interrupted.host
        created = host.create(JOB, {**slow_job_inputs, "wait_for_completion": False})
        slow_service.fault("GET", ONE_JOB, "hang", times=None, seconds=60)
        call = host.updating(JOB, created.id, to_dict(created.properties), slow_job_inputs)
        eventually(lambda: was_requested(slow_service, "GET", ONE_JOB))

        assert "interrupted" in interrupted.cancelled(call).reason

    @pytest.mark.usefixtures("_short_grace_period")
    @pytest.mark.parametrize("method", HANGING)
    def test_other_hanging_operations_are_abandoned_too(
        self, interrupted: Interrupted, slow_service: Emulator, method: str
    ) -> None:
        slow_service.fault("*", "*", "hang", times=None, seconds=60)
        call = getattr(interrupted.host.stub, method).future(HANGING[method])
        eventually(slow_service.journal)
        began = time.monotonic()
        interrupted.host.cancel()

        with suppress(grpc.RpcError):  # a failed function returns a response
            call.result(LONGEST_WAIT)

        assert time.monotonic() - began < END_LIMIT

    def test_nothing_is_created_afterwards(
        self, interrupted: Interrupted, slow_service: Emulator, slow_host: Host, training_data: Path
    ) -> None:
        file_id = upload(slow_host, training_data)
        inputs: dict[str, dict[str, Any]] = {
            FILE: {"file": str(training_data)},
            JOB: {"model": MODEL, "training_file": file_id},
            PERMISSION: {"checkpoint_id": "ft:a", "project_ids": ["proj_b"]},
        }
        interrupted.host.cancel()

        found = {kind: refusal(interrupted.host.create, kind, inputs[kind]) for kind in inputs}

        assert all(each.reason.startswith("the command was interrupted") for each in found.values())
        assert [each.left for each in found.values()] == [None, None, None]
        assert [entry.path for entry in slow_service.journal(method="POST")] == ["/v1/files"]
        assert [file["id"] for file in slow_service.files()] == [file_id]

    def test_all_waiting_creates_end(
        self, interrupted: Interrupted, slow_service: Emulator, slow_job_inputs: dict[str, Any]
    ) -> None:
        calls = [
            interrupted.host.creating(JOB, {**slow_job_inputs, "suffix": f"s{n}"}, f"job-{n}")
            for n in range(20)
        ]
        eventually(lambda: len(slow_service.jobs()) == len(calls))
        eventually(lambda: len(interrupted.host.engine.logs) >= len(calls))
        began = time.monotonic()
        interrupted.host.cancel()

        found = [outcome(call) for call in calls]

        assert time.monotonic() - began < END_LIMIT
        assert {each.left.id for each in found if each.left} == {job["id"] for job in slow_service.jobs()}
