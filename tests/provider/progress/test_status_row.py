from __future__ import annotations

import pytest
from tests.fake_clock import FakeClock
from tests.fake_host import FakeHost

from pulumi_openai_ft._provider.progress.status_row import LONG, ReadProgressReporter
from pulumi_openai_ft.errors import CommandInterruptedError

SIZE = 300_000_000


@pytest.fixture
def time() -> FakeClock:
    return FakeClock(0.0)


@pytest.fixture
def host(time: FakeClock) -> FakeHost:
    return FakeHost(time=time.time)


def read(host: FakeHost, time: FakeClock, seconds: float) -> list[str]:
    """Return the status lines of a file that is read within a number of seconds."""
    follower = ReadProgressReporter(host)
    for tenth in range(1, int(seconds * 10) + 1):
        time.now += 0.1
        follower(int(SIZE * tenth / (seconds * 10)), SIZE)
    return host.statuses


def test_a_quickly_read_file_shows_no_progress(host: FakeHost, time: FakeClock) -> None:
    assert read(host, time, LONG - 0.1) == []


def test_a_long_file_shows_progress_and_its_end(host: FakeHost, time: FakeClock) -> None:
    lines = read(host, time, 30)

    assert 10 <= len(lines) <= 40
    assert lines[0].startswith("reading training data 3 % · ")
    assert lines[-1].startswith("training data read · 300.0 MB · ")


def test_no_progress_is_written_without_a_viewer(
    host: FakeHost, time: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeHost, "shows_progress", False)

    assert read(host, time, 30) == []


def test_an_interruption_ends_reading(host: FakeHost, time: FakeClock) -> None:
    read(host, time, 1)
    host.is_interrupted = True

    with pytest.raises(CommandInterruptedError, match="interrupted while reading training data"):
        read(host, time, 1)
