"""Jobs of every service that the emulator emulates."""

from __future__ import annotations

import io
from contextlib import closing

import pytest
from tests.emulator.support import MODEL, rows
from tests.fake_clock import FakeClock
from tests.support import API_KEY, TODAY

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._service_profiles import PROFILES
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.clock import TimeSource
from pulumi_openai_ft.cli.look.following import JobFollower, exit_code
from pulumi_openai_ft.cli.look.snapshot import History
from pulumi_openai_ft.emulator import Clock, Emulator
from pulumi_openai_ft.emulator.service_modes import MODES

SETTINGS = {"azure": {"openai-ft:query": "api-version=2025-03-01-preview"}}
PROFILE_OF_GATEWAYS = "generic"
"""Profile of a service without events. Without it, the missing endpoint shows that there are none."""
CASES = [
    *((mode, mode) for mode in MODES if mode in PROFILES),
    *(
        (mode, profile)
        for mode in MODES
        if mode not in PROFILES
        for profile in ("openai", PROFILE_OF_GATEWAYS)
    ),
]


@pytest.mark.parametrize(("mode", "profile"), CASES)
def test_a_job_is_followed_to_its_end(mode: str, profile: str) -> None:
    has_events = mode in PROFILES
    clock = FakeClock()
    with Emulator(today=TODAY, clock=Clock.manual(), mode=mode) as emulator:

        def sleep(seconds: float) -> None:
            clock.sleep(seconds)
            emulator.advance(20)

        timing = TimeSource(lambda: clock.now, sleep, lambda: clock.now)
        config = {
            "openai-ft:service": profile,
            "openai-ft:baseUrl": emulator.url,
            "openai-ft:apiKey": API_KEY,
            **SETTINGS.get(mode, {}),
        }
        with closing(Client(Settings.resolve(config.get, {}))) as client:
            file = client.upload_file("data.jsonl", io.BytesIO(rows()), purpose="fine-tune")
            emulator.advance(20)  # some services process files first
            job = client.create_job({"model": MODEL, "training_file": file.id})
            history, follower = History.of(client, job, timing), JobFollower(client, job, timing)
            snapshots = [history.add(update) for update in follower.updates()]

    last = snapshots[-1]
    assert exit_code(last.job) == 0
    steps = [row.step for row in last.rows]
    assert len(steps) in (20, 100)  # a gateway chooses another batch size
    assert steps == list(range(1, len(steps) + 1))
    assert (last.position is not None) == has_events
    notes = [note for snapshot in snapshots for note in snapshot.notes]
    assert any("does not support job events" in note for note in notes) != has_events
