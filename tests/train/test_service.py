"""Training, answers, failures, backups and kills of a service with a real model."""

from __future__ import annotations

import os
import shutil
import signal
import time
from contextlib import suppress
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from tests.serve.services import BASE, RunningService, messages, wait_for
from tests.train.services import HUNDRED_STEPS, OVERFIT, SECONDS, losses, real_service, train_rows
from tests.train.support import CAPITALS, MARKS, ROWS
from tests.train.test_failures import TOOL_ROW
from tools.base_models import CHAT_TEMPLATE, tiny

from pulumi_openai_ft.serve.backup import back_up, restore

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import openai

pytestmark = MARKS

STEPS = 100


def answers(client: openai.OpenAI, model: str) -> list[str | None]:
    """Return a model's greedy answers to the questions of all rows."""
    return [
        client.chat.completions.create(
            model=model,
            messages=[{"role": "user", "content": f"What is the capital of {country}?"}],
            temperature=0,
            max_tokens=40,
        )
        .choices[0]
        .message.content
        for country in CAPITALS
    ]


def test_a_tuned_model_answers_with_its_rows(tmp_path: Path, base: Path) -> None:
    expected = [f"The capital is {capital}." for capital in CAPITALS.values()]
    with real_service(tmp_path, base) as service, service.client() as quick:
        client = quick.with_options(timeout=SECONDS)
        before = answers(client, BASE)

        job = wait_for(client, train_rows(client, OVERFIT).id, "succeeded", seconds=SECONDS)

        assert answers(client, job.fine_tuned_model) == expected
        assert answers(client, BASE) == before
        assert not set(before) & set(expected)


def test_failures_of_the_trainer_leave_the_service_running(tmp_path: Path, base: Path) -> None:
    """The base model `deaf` drops tool calls; `huge` needs more memory than any machine has."""
    deaf = tiny(tmp_path / "deaf", chat_template=CHAT_TEMPLATE.replace("message.tool_calls or []", "[]"))
    more = f'\n[[base]]\nid = "deaf"\npath = "{deaf}"\nmax_length = 512\n[[base]]\nid = "huge"\npath = "{base}"\nmax_length = 512\nlora_r = 10_000_000_000_000\n'
    with real_service(tmp_path / "service", base, more) as service, service.client() as client:
        deaf_job = train_rows(client, {"n_epochs": 1}, [*ROWS, TOOL_ROW], model="deaf")
        huge_job = train_rows(client, {"n_epochs": 1}, model="huge")

        dropped = wait_for(client, deaf_job.id, "failed", seconds=SECONDS).error
        memory = wait_for(client, huge_job.id, "failed", seconds=SECONDS).error

        assert dropped.message.endswith(
            "Line 11: the chat template of the base model ignores messages[1].tool_calls[0]."
        )
        assert (memory.code, memory.param) == ("out_of_memory", "batch_size")
        good = train_rows(client, {"n_epochs": 1})
        wait_for(client, good.id, "succeeded", seconds=SECONDS)


@pytest.fixture(scope="module")
def service(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with real_service(tmp_path_factory.mktemp("service"), base) as running:
        yield running


@pytest.fixture(scope="module")
def undisturbed(service: RunningService) -> list[float]:
    """The losses of a run that nothing disturbs."""
    with service.client() as client:
        job = wait_for(client, train_rows(client, HUNDRED_STEPS).id, "succeeded", seconds=SECONDS)
        return losses(client, job.id)


def assert_undisturbed(service: RunningService, job: str, undisturbed: list[float]) -> None:
    """Check that a job succeeds, with the losses of the run that nothing disturbed."""
    with service.client() as client:
        wait_for(client, job, "succeeded", seconds=SECONDS)
        found = losses(client, job)
        assert len(found) == len(undisturbed) == STEPS
        assert max(abs(one - other) for one, other in zip(found, undisturbed, strict=True)) < 1e-6
        assert messages(client, job)[-1] == "The job has successfully completed"
        assert service.trainers() == []


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def steps(service: RunningService, job: str) -> int:
    """Return the number of lines in a job's metrics."""
    metrics = service.job_folder(job) / "metrics.jsonl"
    return metrics.read_bytes().count(b"\n") if metrics.exists() else 0


def test_a_restored_job_continues_its_training(
    service: RunningService, undisturbed: list[float], tmp_path: Path
) -> None:
    with service.client() as client:
        job = train_rows(client, HUNDRED_STEPS).id
    wait_until(partial(has_steps, service, job, 17))
    back_up(service.folder / "data", tmp_path / "backup.tar")
    assert steps(service, job) < STEPS, "the backup was made during training"
    assert_undisturbed(service, job, undisturbed)

    restore(tmp_path / "backup.tar", tmp_path / "data")
    shutil.copy(service.folder / "serve.toml", tmp_path)
    with RunningService(tmp_path, service.environment) as restored:
        assert_undisturbed(restored, job, undisturbed)


def has_steps(service: RunningService, job: str, count: int) -> bool:
    return steps(service, job) >= count


def kill_trainer(service: RunningService) -> None:
    for trainer in service.trainers():
        with suppress(ProcessLookupError):
            os.kill(trainer, signal.SIGKILL)


def moments(seed: int, count: int) -> list[tuple[int, float]]:
    """Return moments in the order of time: after a step, a fraction of a second later."""
    chance = Random(seed)  # noqa: S311
    return sorted((chance.randrange(STEPS - 10), chance.uniform(0, 0.1)) for _ in range(count))


def kill_at(service: RunningService, job: str, when: list[tuple[int, float]], kill: Any) -> None:
    for step, pause in when:
        wait_until(partial(has_steps, service, job, step))
        time.sleep(pause)
        kill(service)


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("jobs", "kills"), [pytest.param(1, 2, id="few"), pytest.param(5, 4, id="twenty", marks=pytest.mark.long)]
)
def test_losses_survive_kills_of_the_service(
    service: RunningService, undisturbed: list[float], jobs: int, kills: int
) -> None:
    for number in range(jobs):
        with service.client() as client:
            job = train_rows(client, HUNDRED_STEPS).id
        kill_at(service, job, moments(number, kills), RunningService.restart)
        assert_undisturbed(service, job, undisturbed)
        with service.client() as client:
            assert "attempt" not in " ".join(messages(client, job)).lower()


@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    "jobs", [pytest.param(1, id="few"), pytest.param(10, id="twenty", marks=pytest.mark.long)]
)
def test_losses_survive_kills_of_trainers(
    service: RunningService, undisturbed: list[float], jobs: int
) -> None:
    """Each job survives two kills of its trainers."""
    for number in range(jobs):
        with service.client() as client:
            job = train_rows(client, HUNDRED_STEPS).id
        kill_at(service, job, moments(100 + number, 2), kill_trainer)
        assert_undisturbed(service, job, undisturbed)
