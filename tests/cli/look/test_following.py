from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.emulator.support import Api, connect
from tests.fake_clock import FakeClock
from tests.support import API_KEY

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._client.objects import Event, Job
from pulumi_openai_ft._provider.job.poller import MAX_OUTAGE
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.clock import TimeSource
from pulumi_openai_ft.cli.look.following import FIRST_PAUSE, JobFollower, Update, exit_code
from pulumi_openai_ft.errors import NotFoundError, ServerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi_openai_ft.emulator import Emulator

STEP = 7.0
"""Seconds that pass at the emulator with each pause of the follower."""


@dataclass
class Following:
    """A job at the emulator whose time moves with the pauses of its follower."""

    service: Emulator
    api: Api
    client: Client
    clock: FakeClock = field(default_factory=FakeClock)

    def follower(self, **request: Any) -> JobFollower:
        job_id = self.api.train(**request)["id"]
        return JobFollower(
            self.client, self.client.job(job_id), TimeSource(lambda: self.clock.now, self.sleep)
        )

    def sleep(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self.service.advance(STEP)


@pytest.fixture
def following(slow_service: Emulator) -> Iterator[Following]:
    settings = Settings(api_key=API_KEY, base_url=slow_service.url, max_retries=0)
    client = Client(settings)
    with connect(slow_service) as api:
        yield Following(slow_service, api, client)
    client.close()


def test_each_event_is_found_once_and_oldest_first(following: Following) -> None:
    follower = following.follower()

    updates = list(follower.updates())

    found = [event.id for update in updates for event in update.events]
    listed = [event.id for event in following.client.events(follower.job.id)]
    assert len(updates) > 5
    assert found == listed[::-1]
    assert [update.job.is_terminal for update in updates] == [False] * (len(updates) - 1) + [True]
    assert exit_code(follower.job) == 0


def test_an_outage_is_reported_and_following_continues(following: Following) -> None:
    follower = following.follower()
    updates = follower.updates()
    next(updates)
    following.service.fault("GET", "/fine_tuning/jobs/*", "status", times=2, status=503)

    outages = list(itertools.takewhile(lambda update: update.outage, updates))
    rest = list(updates)

    assert len(outages) == 2
    assert "503" in outages[0].outage
    assert rest[-1].job.status == "succeeded"
    assert "The job has successfully completed" in rest[-1].events[-1].message


def test_events_lost_in_an_outage_are_found_later(following: Following) -> None:
    follower = following.follower()
    updates = follower.updates()
    next(updates)
    following.service.fault("GET", "*/events", "drop_after", times=4)

    found = [event.id for update in updates for event in update.events]

    assert len(set(found)) == len(found)
    assert len(found) == len(list(following.client.events(follower.job.id))) - 2  # without the first two


def test_a_long_outage_ends_following(following: Following) -> None:
    updates = following.follower().updates()
    next(updates)
    following.service.fault("GET", "/fine_tuning/jobs/*", "status", times=None, status=503)

    began = following.clock.now
    with pytest.raises(ServerError):
        list(updates)

    assert MAX_OUTAGE <= following.clock.now - began < 2 * MAX_OUTAGE


def test_a_deleted_job_ends_following_at_once(following: Following) -> None:
    follower = following.follower()
    updates = follower.updates()
    next(updates)
    following.service.reset()

    with pytest.raises(NotFoundError):
        next(updates)


@pytest.mark.parametrize("status", [404, 405, 501])
def test_a_service_without_events_is_followed_by_status(following: Following, status: int) -> None:
    following.service.fault("GET", "*/events", "status", times=None, status=status)

    updates = list(following.follower().updates())

    assert {update.missing for update in updates} == {"the service 'openai' does not support job events"}
    assert updates[-1].job.status == "succeeded"
    assert len(following.service.journal(path="*/events")) == 1


def test_pauses_grow_while_nothing_changes(following: Following) -> None:
    follower = following.follower()
    follower.timing = TimeSource(
        lambda: following.clock.now, following.clock.sleep
    )  # the job makes no progress

    list(itertools.islice(follower.updates(), 40))

    pauses = following.clock.pauses
    assert pauses[0] == FIRST_PAUSE
    assert pauses == sorted(pauses)
    assert pauses[-1] == follower.api.settings.poll_interval


def test_a_cancelled_job_is_no_success(following: Following) -> None:
    follower = following.follower()
    following.api.post(f"/fine_tuning/jobs/{follower.job.id}/cancel").raise_for_status()

    updates = list(follower.updates())

    assert updates[-1].job.status == "cancelled"
    assert exit_code(follower.job) == 1


class ScriptedApi(Client):
    """A client whose events grow with each read. Those of the same second are listed in any order."""

    def __init__(self, batches: list[list[Event]], shuffle: st.DataObject) -> None:
        super().__init__(Settings())
        self.batches, self.shuffle, self.reads = batches, shuffle, 0

    def job(self, job_id: str) -> Job:
        has_ended = self.reads >= len(self.batches) - 1
        return Job(id=job_id, status="succeeded" if has_ended else "running")

    def events(self, job_id: str, **_options: object) -> Iterator[Event]:  # noqa: ARG002 - the base class's argument
        self.reads += 1
        present = [event for batch in self.batches[: self.reads] for event in batch]
        shuffled = self.shuffle.draw(st.permutations(present))
        yield from sorted(shuffled, key=lambda event: event.created_at or 0, reverse=True)


@given(st.data(), st.lists(st.lists(st.integers(0, 2), max_size=5), min_size=1, max_size=6))
def test_events_of_equal_seconds_are_found_once(data: st.DataObject, pauses: list[list[int]]) -> None:
    seconds, numbers = 0, itertools.count()
    batches: list[list[Event]] = []
    for batch in pauses:
        batches.append([])
        for pause in batch:
            seconds += pause
            batches[-1].append(Event(id=f"e{next(numbers)}", created_at=seconds))
    client = ScriptedApi(batches, data)
    timing = TimeSource(sleep=lambda _seconds: None)

    updates: list[Update] = list(JobFollower(client, Job(id="ftjob-1", status="running"), timing).updates())

    found = [event for update in updates for event in update.events]
    assert sorted(event.id for event in found) == sorted(event.id for batch in batches for event in batch)
    for update, expected in zip(updates, batches, strict=False):
        assert [event.created_at for event in update.events] == [event.created_at for event in expected]
