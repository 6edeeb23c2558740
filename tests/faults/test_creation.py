"""How often a create request is sent: a second time only after an error of the service itself, and never a third time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.faults.setups import endless_job

from pulumi_openai_ft.errors import RequestError, ServiceConnectionError, ServiceError

if TYPE_CHECKING:
    from tests.faults.harness import Harness
    from tests.faults.stack_resource import StackResource

JOBS = "/fine_tuning/jobs"
LOOKUP_SECONDS = 30.0


@pytest.fixture
def job(harness: Harness) -> StackResource:
    harness.reset()
    return endless_job(harness, wait_for_completion=False)


def fault(harness: Harness, status: int, times: int = 1, **options: Any) -> None:
    harness.service.fault("POST", JOBS, "status", times, status=status, **options)


def posts(harness: Harness) -> int:
    return len(harness.service.journal(method="POST", path=f"/v1{JOBS}"))


@pytest.mark.parametrize("status", [500, 503])
def test_a_service_failure_leads_to_one_more_request(
    harness: Harness, job: StackResource, status: int
) -> None:
    fault(harness, status)
    began = harness.clock.now

    job.up()

    assert posts(harness) == 2
    assert [found["id"] for found in harness.service.jobs()] == [job.id]
    assert harness.clock.now - began == pytest.approx(LOOKUP_SECONDS, abs=1)


@pytest.mark.parametrize("status", [500, 503])
def test_a_third_request_is_never_sent(harness: Harness, job: StackResource, status: int) -> None:
    fault(harness, status, times=9)
    began = harness.clock.now

    with pytest.raises(ServiceConnectionError, match="was sent twice"):
        job.up()

    assert posts(harness) == 2
    assert harness.clock.now - began == pytest.approx(2 * LOOKUP_SECONDS, abs=1)


@pytest.mark.parametrize("seconds", [0, 5, 20, 30])
def test_a_job_that_appears_late_is_the_only_one(harness: Harness, job: StackResource, seconds: int) -> None:
    fault(harness, 503, acts_after=seconds)

    job.up()

    assert posts(harness) == 1
    assert [found["id"] for found in harness.service.jobs()] == [job.id]


def test_one_of_two_jobs_is_cancelled(harness: Harness, job: StackResource) -> None:
    fault(harness, 503, acts_after=LOOKUP_SECONDS)
    harness.service.fault("GET", JOBS, "lag", times=9, seconds=60)

    job.up()

    statuses = {found["id"]: found["status"] for found in harness.service.jobs()}
    assert posts(harness) == len(statuses) == 2
    assert [id_ for id_, status in statuses.items() if status != "cancelled"] == [job.id]


@pytest.mark.parametrize(
    "options",
    [
        {"status": 502},
        {"status": 504},
        {"status": 520},
        {"status": 524},
        {"status": 408},
        {"status": 409},
        {"status": 499},
        {"status": 500, "body": ""},
        {"status": 500, "body": "<html><body>busy</body></html>"},
        {"status": 503, "body": {"detail": "Service Unavailable"}},
        {"status": 503, "body": {"message": "Service Unavailable"}},
        {"status": 503, "body": {"error": "Service Unavailable"}},
        {"status": 503, "headers": {"x-should-retry": "false"}},
        {"status": 503, "headers": {"retry-after": "3600"}},
        {"status": 400, "body": "bad request"},
    ],
    ids=str,
)
def test_a_lost_response_is_never_followed_by_another_request(
    harness: Harness, job: StackResource, options: dict[str, Any]
) -> None:
    harness.service.fault("POST", JOBS, "status", None, **options)
    began = harness.clock.now

    with pytest.raises(ServiceConnectionError, match="no response to the create request"):
        job.up()

    assert posts(harness) == 1
    assert harness.clock.now - began == pytest.approx(LOOKUP_SECONDS, abs=1)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 415, 422, 451])
@pytest.mark.parametrize(
    "body",
    [
        {"error": {"message": "the seed is wrong"}},
        {"error": "the seed is wrong"},
        {"detail": "the seed is wrong"},
        {"detail": [{"loc": ["body", "seed"], "msg": "the seed is wrong", "type": "x"}]},
        {"message": "the seed is wrong"},
    ],
    ids=str,
)
def test_a_refusal_is_reported_at_once(
    harness: Harness, job: StackResource, status: int, body: dict[str, Any]
) -> None:
    fault(harness, status, body=body)
    began = harness.clock.now

    with pytest.raises(ServiceError, match="the seed is wrong"):
        job.up()

    assert posts(harness) == 1
    assert harness.clock.now - began < 1


def test_second_request_waits_as_requested_by_the_service(harness: Harness, job: StackResource) -> None:
    fault(harness, 503, headers={"retry-after": "50"})
    began = harness.clock.now

    job.up()

    assert posts(harness) == 2
    assert harness.clock.now - began == pytest.approx(50, abs=1)


def test_a_failed_lookup_prevents_the_second_request(harness: Harness, job: StackResource) -> None:
    fault(harness, 500)
    harness.service.fault("GET", JOBS, "status", None, status=500, skip=2)

    with pytest.raises(RequestError):
        job.up()

    assert posts(harness) == 1


def test_a_job_without_its_metadata_prevents_the_second_request(harness: Harness, job: StackResource) -> None:
    harness.service.settings.mode = "gateway-without-metadata"
    fault(harness, 500, acts=True)

    job.up()

    assert posts(harness) == 1
    assert [found["id"] for found in harness.service.jobs()] == [job.id]
