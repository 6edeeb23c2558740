"""Fixtures of the tests with Ray. `make test-ray` runs them in a network namespace with loopback only."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.ray.heads import Head
from tests.ray.trainers import ONE_PROCESS, ROOT, Trainers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.train.support import TrainingJob

collect_ignore_glob = [] if "OPENAI_FT_RAY_PYTHON" in os.environ else ["test_*.py"]


@pytest.fixture(scope="session")
def ray_python() -> Path:
    """Return the Python of the Ray environment."""
    return Path(os.environ["OPENAI_FT_RAY_PYTHON"])


@pytest.fixture(scope="session")
def head(ray_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Head]:
    """Return a running head. A test that ends it must start it again."""
    with Head(ray_python.with_name("ray"), tmp_path_factory.mktemp("r")) as running:
        yield running


@pytest.fixture(scope="session")
def trainers(ray_python: Path, head: Head, tmp_path_factory: pytest.TempPathFactory) -> Trainers:
    """Return what starts trainers of a model with random weights."""
    folder = tmp_path_factory.mktemp("tiny")
    program = (
        f"from pathlib import Path; from tools.base_models import tiny; print(tiny(Path({str(folder)!r})))"
    )
    done = subprocess.run([ray_python, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True)
    return Trainers(ray_python, Path(done.stdout.splitlines()[-1]), head)


@pytest.fixture(scope="session")
def expected(trainers: Trainers, tmp_path_factory: pytest.TempPathFactory) -> TrainingJob:
    """Return the job of one process."""
    job = trainers.new_job(tmp_path_factory.mktemp("one") / "job")
    assert trainers.run(job, ONE_PROCESS) == 0, job.log.read_text()[-2000:]
    return job
