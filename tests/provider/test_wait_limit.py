"""`custom_timeouts` end the waits of an operation, and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fake_host import FakeHost

from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._provider.wait_limit import timeout_in
from pulumi_openai_ft._shared.clock import TimeSource
from pulumi_openai_ft.errors import IncompleteResourceError, JobTimeoutError, ServiceError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pulumi.dynamic import CreateResult
    from tests.support import Configure

    from pulumi_openai_ft.emulator import Emulator

MODEL = "gpt-4o-mini-2024-07-18"
UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
JOB = "/fine_tuning/jobs/ftjob-*"


class RecordingHost(FakeHost):
    """A host that records an unfinished resource, as this package's host does."""

    def complete_create(self, _created: CreateResult, rest: Callable[[], CreateResult]) -> CreateResult:
        return rest()


@dataclass
class Time:
    """A clock that moves while the provider sleeps. The emulator's clock does not move."""

    service: Emulator
    now: float = 0.0
    started: float = field(init=False)

    def __post_init__(self) -> None:
        self.started = self.service.backend.clock.now()

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    @property
    def source(self) -> TimeSource:
        return TimeSource(clock=lambda: self.now, sleep=self.sleep, wall=lambda: self.started + self.now)


@pytest.fixture
def service(slow_service: Emulator) -> Emulator:
    """An emulator whose jobs make no progress while the provider sleeps."""
    return slow_service


@pytest.fixture
def time(service: Emulator) -> Time:
    return Time(service)


@pytest.fixture
def make(configure: Configure, time: Time) -> Callable[..., Any]:
    def made(kind: Any, **changes: str | None) -> Any:
        return configure(kind, RecordingHost(time=time.source), **{"pollInterval": "1", **changes})

    return made


@pytest.fixture
def inputs(make: Callable[..., Any], training_data: Path) -> dict[str, Any]:
    file = make(FileProvider).create({"file": str(training_data)})
    return {"__identity": "dev::job", "model": MODEL, "training_file": file.id}


@pytest.fixture
def processing_takes_days(service: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service.settings, "mode", "azure")
    monkeypatch.setattr(service.settings, "file_processing_seconds", 10**6)


def timeouts(**durations: str) -> dict[str, Any]:
    return {"__custom_timeouts": durations}


def test_a_create_stops_waiting_and_names_the_job(
    make: Callable[..., Any], inputs: dict[str, Any], service: Emulator, time: Time
) -> None:
    with pytest.raises(IncompleteResourceError) as failure:
        make(FineTuningJobProvider).create({**inputs, **timeouts(create="1m30s")})

    (job,) = service.jobs()
    assert str(failure.value) == (
        f"job {job['id']} is still running at the service (last known status: validating_files): waiting ended after the "
        f"time limit (90 s, custom_timeouts: create); the next `pulumi up` waits for it again, `pulumi destroy` "
        f"cancels it"
    )
    assert time.now == pytest.approx(90)
    assert service.journal(method="POST", path=f"{JOB}/cancel") == []


def test_the_next_update_continues_to_wait(
    make: Callable[..., Any], inputs: dict[str, Any], service: Emulator
) -> None:
    provider, props = make(FineTuningJobProvider), {**inputs, **timeouts(create="5s", update="7s")}
    with pytest.raises(IncompleteResourceError) as first:
        provider.create(props)
    job_id, olds = service.jobs()[0]["id"], first.value.outs

    assert provider.diff(job_id, olds, props).changes
    with pytest.raises(IncompleteResourceError, match=r"7 s, custom_timeouts: update"):
        provider.update(job_id, olds, props)
    service.advance(3600)

    assert provider.update(job_id, olds, props).outs["status"] == "succeeded"
    assert len(service.jobs()) == 1


@pytest.mark.parametrize(
    ("limit", "cancel_after", "status"),
    [("5s", 60, "validating_files"), ("60s", 5, "cancelled"), ("60s", 60, "cancelled")],
)
def test_the_earlier_of_both_deadlines_counts(
    make: Callable[..., Any], inputs: dict[str, Any], limit: str, cancel_after: int, status: str
) -> None:
    props = {**inputs, **timeouts(create=limit), "cancel_after_timeout": cancel_after}

    with pytest.raises(IncompleteResourceError) as failure:
        make(FineTuningJobProvider).create(props)

    assert failure.value.outs["status"] == status


@pytest.mark.parametrize("error", [86400, 40, -40, -86400])
def test_a_wrong_clock_does_not_move_the_deadline(
    make: Callable[..., Any], inputs: dict[str, Any], time: Time, error: int
) -> None:
    """A clock that is ahead by more than the deadline would cancel each job at once."""
    time.started += error

    with pytest.raises(IncompleteResourceError) as failure:
        make(FineTuningJobProvider).create({**inputs, "cancel_after_timeout": 60})

    assert failure.value.outs["status"] == "cancelled"
    assert abs(time.now - 60) < 10


@pytest.mark.parametrize(
    ("durations", "seconds"), [({}, 120), ({"delete": "3s"}, 3), ({"delete": "5m"}, 300)]
)
def test_a_delete_waits_that_long_for_the_cancellation(
    make: Callable[..., Any], inputs: dict[str, Any], time: Time, durations: dict[str, str], seconds: int
) -> None:
    provider = make(FineTuningJobProvider)
    created = provider.create({**inputs, **timeouts(**durations), "wait_for_completion": False})
    still_running = [{"path": "status", "value": "running"}]
    time.service.fault("POST", f"{JOB}/cancel", "edit", edits=still_running)
    time.service.fault("GET", JOB, "edit", times=None, edits=still_running)

    with pytest.raises(JobTimeoutError) as failure:
        provider.delete(created.id, created.outs)

    assert str(failure.value).startswith(
        f"job {created.id} still has the status 'running' although its cancellation was requested: waiting ended "
        f"after the time limit ({seconds} s"
    )
    assert time.now == pytest.approx(seconds)


@pytest.mark.usefixtures("processing_takes_days")
@pytest.mark.parametrize(("limit", "seconds"), [("40s", 40), ("1h", 3600)])
def test_a_file_waits_that_long_for_its_processing(
    make: Callable[..., Any], time: Time, training_data: Path, limit: str, seconds: int
) -> None:
    provider = make(FileProvider, service="azure", query="api-version=preview", pollInterval="20")

    with pytest.raises(IncompleteResourceError, match=rf"after {seconds} s, custom_timeouts: create: run"):
        provider.create({"file": str(training_data), **timeouts(create=limit)})

    assert time.now == pytest.approx(seconds, abs=20)


def test_a_job_waits_that_long_for_its_file(
    make: Callable[..., Any], inputs: dict[str, Any], service: Emulator, time: Time
) -> None:
    error = {"error": {"message": "file is still being processed", "param": "training_file"}}
    service.fault("POST", "/fine_tuning/jobs", "status", times=None, status=400, body=error)

    with pytest.raises(ServiceError, match="still being processed"):
        make(FineTuningJobProvider).create({**inputs, **timeouts(create="20s")})

    assert service.jobs() == []
    assert time.now == pytest.approx(20, abs=2)


@given(st.dictionaries(st.sampled_from(list(UNITS)), st.integers(0, 500), min_size=1))
def test_durations_are_read_as_go_writes_them(parts: dict[str, int]) -> None:
    duration = "".join(f"{number}{unit}" for unit, number in parts.items())

    seconds = timeout_in(timeouts(create=duration), "create")

    assert (seconds or 0) == pytest.approx(sum(number * UNITS[unit] for unit, number in parts.items()))
    assert timeout_in(timeouts(create=duration), "update") is None
