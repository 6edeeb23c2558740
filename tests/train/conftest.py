"""Tests that train the tiny model. They run in the training environment: `make test-train`."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.train.support import TrainingJob

collect_ignore_glob = [] if find_spec("torch") else ["test_*.py"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the times of training runs."""
    if find_spec("torch"):
        from tests.train.support import TIMES  # noqa: PLC0415  # imports torch

        for name, (wall, cpu) in TIMES.items():
            terminalreporter.write_line(f"training run {name}: {wall:.1f} s, {cpu:.1f} CPU-s")


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny model."""
    from tools.base_models import tiny  # noqa: PLC0415  # imports torch

    return tiny(tmp_path_factory.mktemp("tiny"))


@pytest.fixture
def new_job(base: Path, tmp_path: Path) -> Iterator[Callable[..., TrainingJob]]:
    """Return a function that makes a job folder. Trainers that still run at the end of the test are killed."""
    from tests.train.support import TrainingJob  # noqa: PLC0415  # imports torch

    made: list[TrainingJob] = []

    def make(name: str = "job", **request: Any) -> TrainingJob:
        job = TrainingJob.create(tmp_path / name, **{"base": str(base), **request})
        made.append(job)
        return job

    yield make
    for job in made:
        job.kill()
