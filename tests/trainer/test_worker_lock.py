"""Workers that outlive their driver never write beside those of the next attempt."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from pulumi_openai_ft.trainer import command, worker_lock
from pulumi_openai_ft.trainer.errors import AttemptError
from pulumi_openai_ft.trainer.job_folder import JobFolder
from pulumi_openai_ft.trainer.stop import Stop, StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WORKER = """
import sys, time
from pathlib import Path
from pulumi_openai_ft.trainer.errors import AttemptError
from pulumi_openai_ft.trainer.job_folder import JobFolder

folder, driver, starts_after = JobFolder(Path(sys.argv[1])), sys.argv[2], float(sys.argv[3])
print("loaded", flush=True)
time.sleep(starts_after)
try:
    with folder.workers.shared(driver):
        print("trains", flush=True)
        while True:
            with (folder.path / "rows").open("a") as rows:
                rows.write(driver + "\\n")
            time.sleep(0.002)
except AttemptError as error:
    print(error, flush=True)
"""


@contextmanager
def worker(folder: Path, driver: str, starts_after: float = 0) -> Iterator[subprocess.Popen[str]]:
    """Run a worker, which writes the name of its driver until it is killed."""
    arguments = [sys.executable, "-c", WORKER, str(folder), driver, str(starts_after)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    try:
        assert line(process) == "loaded"
        yield process
    finally:
        process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def taken_over(folder: Path, stop: Stop | None = None) -> str:
    """Take over a folder as a driver, and return the driver's name."""
    job = JobFolder(folder)
    job.workers.take_over(stop or Stop())
    return job.workers.driver


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_lock, "LONGEST_WAIT_SECONDS", 0.3)


def test_workers_of_one_driver_run_together(tmp_path: Path) -> None:
    driver = taken_over(tmp_path)
    with worker(tmp_path, driver) as first, worker(tmp_path, driver) as second:
        assert [line(first), line(second)] == ["trains", "trains"]


def test_a_driver_waits_for_earlier_workers(tmp_path: Path) -> None:
    with worker(tmp_path, taken_over(tmp_path)) as earlier:
        assert line(earlier) == "trains"
        killer = subprocess.Popen(["/bin/sh", "-c", f"sleep 0.5; kill -9 {earlier.pid}"])
        taken_over(tmp_path)
        assert earlier.wait(5) == -signal.SIGKILL
        assert killer.wait(5) == 0


@pytest.mark.usefixtures("impatient")
def test_a_driver_waits_for_a_limited_time(tmp_path: Path) -> None:
    with worker(tmp_path, taken_over(tmp_path)) as earlier:
        assert line(earlier) == "trains"
        with pytest.raises(AttemptError, match=f"earlier attempt still run in {tmp_path}"):
            taken_over(tmp_path)


def test_a_stop_ends_the_wait(tmp_path: Path) -> None:
    stop = Stop()
    stop.request()
    with worker(tmp_path, taken_over(tmp_path)) as earlier:
        assert line(earlier) == "trains"
        with pytest.raises(StoppedError):
            taken_over(tmp_path, stop)


def test_a_worker_that_starts_too_late_is_refused(tmp_path: Path) -> None:
    earlier = taken_over(tmp_path)
    taken_over(tmp_path)
    with worker(tmp_path, earlier) as late:
        assert line(late) == f"A later attempt trains in {tmp_path}."


@pytest.mark.usefixtures("impatient")
def test_a_trainer_of_one_process_waits_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The operator may have changed the number of workers between two attempts."""
    (tmp_path / "request.json").write_text("{}")
    monkeypatch.setattr(sys, "argv", ["trainer", str(tmp_path)])
    with worker(tmp_path, taken_over(tmp_path)) as earlier:
        assert line(earlier) == "trains"
        assert command.run(Stop(), lambda *_: pytest.fail("must not train")) == command.ExitCode.CRASHED
    assert not (tmp_path / "process.json").exists()
    assert capfd.readouterr().err.startswith("Workers of an earlier attempt still run in ")


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 5))])
def test_attempts_never_mix_their_rows(tmp_path: Path, seed: int) -> None:
    """Five drivers in a row lose workers that run, start or end late."""
    chance, drivers = random.Random(seed), []  # noqa: S311
    workers: list[subprocess.Popen[bytes]] = []
    for _ in range(5):
        driver = taken_over(tmp_path)
        drivers.append(driver)
        for starts_after in (0.0, chance.uniform(0, 0.6)):
            lives = starts_after + chance.uniform(0.2, 1.2)
            program = ["timeout", "-s", "KILL", f"{lives + 0.3:.3f}", sys.executable, "-c", WORKER]
            workers.append(
                subprocess.Popen([*program, tmp_path, driver, f"{starts_after}"], stdout=subprocess.DEVNULL)
            )
        time.sleep(chance.uniform(0.3, 0.6))  # the driver is killed
    for process in workers:
        process.wait(30)
    rows = (tmp_path / "rows").read_text().split()
    changes = [rows[0], *(row for before, row in pairwise(rows) if row != before)]
    assert changes == [driver for driver in drivers if driver in changes]
    assert len(changes) > 1, "no attempt was followed by another one"
