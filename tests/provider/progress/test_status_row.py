from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import pytest
from tests.fake_clock import FakeClock

from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._provider.progress.status_row import LONG, ReadProgressReporter
from pulumi_openai_ft.errors import CommandInterruptedError

SIZE = 300_000_000


@dataclass
class Showing(Host):
    """A host that shows what it is given, until it is interrupted."""

    shows_progress: ClassVar[bool] = True

    lines: list[str] = field(default_factory=list)
    is_interrupted: bool = False

    def set_status(self, line: str) -> None:
        self.lines.append(line)


@pytest.fixture
def time() -> FakeClock:
    return FakeClock(0.0)


@pytest.fixture
def host(time: FakeClock) -> Showing:
    return Showing(time.time)


def read(host: Showing, time: FakeClock, seconds: float) -> list[str]:
    """What is shown of a file that is read within so many seconds."""
    follower = ReadProgressReporter(host)
    for tenth in range(1, int(seconds * 10) + 1):
        time.now += 0.1
        follower(int(SIZE * tenth / (seconds * 10)), SIZE)
    return host.lines


def test_a_quickly_read_file_shows_no_progress(host: Showing, time: FakeClock) -> None:
    assert read(host, time, LONG - 0.1) == []


def test_a_long_file_shows_progress_and_its_end(host: Showing, time: FakeClock) -> None:
    lines = read(host, time, 30)

    assert 10 <= len(lines) <= 40
    assert lines[0].startswith("reading training data 3 % · ")
    assert lines[-1].startswith("training data is read · 300.0 MB · ")


def test_no_progress_is_written_without_a_viewer(
    host: Showing, time: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Showing, "shows_progress", False)

    assert read(host, time, 30) == []


def test_an_interruption_ends_reading(host: Showing, time: FakeClock) -> None:
    read(host, time, 1)
    host.is_interrupted = True

    with pytest.raises(CommandInterruptedError, match="interrupted while training data was read"):
        read(host, time, 1)
