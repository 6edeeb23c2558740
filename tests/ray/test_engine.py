"""The engine in the process of the test, with a real Ray head."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest
from tests.ray.heads import ADDRESS
from tests.ray.services import stand_in_python
from tests.serve.services import rows, write_base_model
from tests.serve.test_kills import wait_until

from pulumi_openai_ft.serve.engines.interface import Attempt
from pulumi_openai_ft.serve.engines.ray import engine as engine_module
from pulumi_openai_ft.serve.engines.ray.client import InvalidSubmissionError, RayClient
from pulumi_openai_ft.serve.engines.ray.engine import RayEngine
from pulumi_openai_ft.serve.engines.ray.shared_folder import SharedFolderCheck
from pulumi_openai_ft.serve.engines.ray.submission import Command, Resources
from pulumi_openai_ft.serve.job_folder import JobFolder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.ray.heads import Head

pytestmark = [pytest.mark.ray, pytest.mark.timeout(300)]
PATIENCE = 120
REQUEST = {
    "attempt": 1,
    "seed": 7,
    "hyperparameters": {"batch_size": 4, "n_epochs": 1},
    "keep_checkpoints": 3,
}


@pytest.fixture
def client(head: Head) -> Iterator[RayClient]:
    made = RayClient(ADDRESS, lambda: head.token)
    yield made
    made.close()


@pytest.fixture
def attempt(tmp_path: Path) -> Attempt:
    """An attempt of the stand-in trainer, whose job takes a moment."""
    folder = JobFolder(tmp_path / "data" / "jobs" / f"ftjob-{tmp_path.name}")
    (tmp_path / "rows").write_bytes(rows())
    folder.prepare(training=tmp_path / "rows", validation=None, adapter=None)
    folder.write_request(REQUEST)
    return Attempt(folder, 1)


def new_engine(client: RayClient, folder: Path, resources: Resources | None = None) -> RayEngine:
    command = Command(str(stand_in_python(folder)), resources or Resources())
    model = folder / "model"
    if not model.exists():
        write_base_model(model)
    check = SharedFolderCheck(client, command, folder / "data", [model])
    return RayEngine(client, command, check, seconds=0.1)


def has_ended(engine: RayEngine, attempt: Attempt) -> bool:
    return engine.state(attempt).end is not None


def test_a_repeated_submission_finds_itself(client: RayClient, attempt: Attempt, tmp_path: Path) -> None:
    """Two engines start the same attempt, as if the server had crashed before it learned of the submission."""
    name = f"{attempt.folder.path.name}-1"
    engines = [new_engine(RayClient(ADDRESS, client._token), tmp_path) for _ in range(2)]
    for engine in engines:
        engine.open()
        engine.start(attempt, {})
    for engine in engines:
        wait_until(partial(has_ended, engine, attempt), PATIENCE)
        engine.close()
    assert (attempt.folder.path / "attempts").read_text() == "1\n"
    assert [found for found in client.submissions() if found.startswith(name)] == [name]


def test_the_cluster_forgets_submissions_that_ended(
    client: RayClient, attempt: Attempt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "SECONDS_UNTIL_DELETED", 2)
    engine = new_engine(RayClient(ADDRESS, client._token), tmp_path)
    engine.open()
    engine.start(attempt, {})
    wait_until(lambda: engine.state(attempt).end is not None, PATIENCE)
    assert attempt.folder.result() is not None
    name = f"{attempt.folder.path.name}-1"
    assert name in client.submissions()
    wait_until(lambda: name not in client.submissions(), PATIENCE)
    engine.close()


def test_a_wait_for_absent_resources_is_explained(
    client: RayClient, attempt: Attempt, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "SECONDS_UNTIL_EXPLAINED", 0)
    engine = new_engine(RayClient(ADDRESS, client._token), tmp_path, Resources(gpus=3, accelerator="A100"))
    engine.open()
    engine.start(attempt, {})
    wait_until(lambda: engine.state(attempt).notice != "", PATIENCE)
    state = engine.state(attempt)
    engine.stop(attempt)
    assert (state.waits, state.level, state.end) == (True, "warn", None)
    assert state.notice == (
        "The job waits for 3 GPUs and an accelerator of type A100, which the Ray cluster does not have now"
    )
    wait_until(lambda: engine.state(attempt).end is not None, PATIENCE)
    engine.close()


def test_an_invalid_submission_is_refused_with_rays_reason(client: RayClient) -> None:
    with pytest.raises(InvalidSubmissionError, match="entrypoint must be a string"):
        client.submit("invalid-1", {"entrypoint": 7})
    assert "invalid-1" not in client.submissions()
