from __future__ import annotations

import pytest
from tests.fake_clock import FakeClock

from pulumi_openai_ft._provider.progress.job_progress import Throttle
from pulumi_openai_ft._provider.progress.transfers import ReadingProgress, UploadProgress

HOUR = 3600


@pytest.fixture
def time() -> FakeClock:
    return FakeClock(0.0)


@pytest.mark.parametrize(
    ("size", "sent", "seconds", "line"),
    [
        (28_600_000, 12_300_000, 3, "uploading 43 % · 12.3 of 28.6 MB · 4.1 MB/s"),
        (28_600_000, 65_536, 0.4, "uploading 0 % · 0.1 of 28.6 MB"),
        (28_600_000, 28_600_000, 10, "uploaded · 28.6 MB · 2.9 MB/s"),
        (3_000_000_000, 1_500_000_000, 1000, "uploading 50 % · 1.5 of 3.0 GB · 1.5 MB/s"),
        (2000, 1000, 1, "uploading 50 % · 1.0 of 2.0 kB · 1.0 kB/s"),
        (0, 0, 0, "uploaded · 0.0 kB"),
        (1000, 1200, 0, "uploaded · 1.0 kB"),
    ],
)
def test_an_upload_shows_percentage_amount_and_speed(
    size: int, sent: int, seconds: float, line: str, time: FakeClock
) -> None:
    progress = UploadProgress(size, time.time)
    progress.see(0)
    time.now = seconds
    progress.see(sent)

    assert progress.line() == line


def test_a_retried_upload_shows_the_speed_of_the_retry(time: FakeClock) -> None:
    progress = UploadProgress(20_000_000, time.time)
    for seconds, sent in [(0, 0), (100, 10_000_000), (200, 1000), (201, 5_000_000)]:
        time.now = seconds
        progress.see(sent)

    assert progress.line() == "uploading 25 % · 5.0 of 20.0 MB · 5.0 MB/s"


def test_bytes_of_an_earlier_run_do_not_affect_speed(time: FakeClock) -> None:
    progress = UploadProgress(20_000_000, time.time, done_before=10_000_000)
    for seconds, sent in [(0, 10_000_000), (10, 15_000_000)]:
        time.now = seconds
        progress.see(sent)

    assert progress.line() == "uploading 75 % · 15.0 of 20.0 MB · 500.0 kB/s"


def test_a_long_upload_prints_at_most_a_hundred_lines(time: FakeClock) -> None:
    progress, throttle = UploadProgress(HOUR * 10, time.time), Throttle(time.time)
    passed = []
    for tenth in range(HOUR * 10):
        time.now = tenth / 10
        progress.see(tenth + 1)
        if throttle.due(progress.stable_part(), progress.status):
            passed.append((time.now, progress.stable_part()))

    assert len(passed) <= 101
    assert passed[-1] == (HOUR - 0.1, "uploaded")


def test_an_upload_that_has_not_begun_shows_its_size(time: FakeClock) -> None:
    assert UploadProgress(2_000_000, time.time).line() == "uploading 0 % · 0.0 of 2.0 MB"


def test_reading_training_data_shows_the_same(time: FakeClock) -> None:
    progress = ReadingProgress(300_000_000, time.time)
    progress.see(0)
    time.now = 2
    progress.see(150_000_000)

    assert progress.line() == "reading training data 50 % · 150.0 of 300.0 MB · 75.0 MB/s"
    progress.see(300_000_000)
    assert progress.line() == "training data read · 300.0 MB · 150.0 MB/s"
