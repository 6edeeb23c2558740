"""The outputs about a job's validation, which its result file gives."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.support import write_training_data

from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft._shared.clock import TimeSource
from pulumi_openai_ft._shared.state_names import VALIDATION_LOSSES
from pulumi_openai_ft.errors import CommandInterruptedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pulumi.dynamic import CreateResult
    from tests.support import Configure

    from pulumi_openai_ft.emulator import Emulator

CONTENT = "/files/*/content"


class FailingHost(Host):
    """A host whose command fails if anything fails after the job was created, as this package's host does."""

    def complete_create(self, _created: CreateResult, rest: Callable[[], CreateResult]) -> CreateResult:
        return rest()


@pytest.fixture
def provider(configure: Configure) -> FineTuningJobProvider:
    return configure(FineTuningJobProvider)


@pytest.fixture
def inputs(configure: Configure, training_data: Path, tmp_path: Path) -> dict[str, Any]:
    """The inputs of a job with validation, which overfits."""
    checks = write_training_data(tmp_path / "checks.jsonl", answer="Ask the support.")
    files = configure(FileProvider)
    return {
        "model": "gpt-4o-mini-2024-07-18",
        "training_file": files.create({"file": str(training_data)}).id,
        "validation_file": files.create({"file": str(checks)}).id,
        "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 10.0}}},
    }


def losses(outs: dict[str, Any] | None) -> list[float | None]:
    return [(outs or {}).get(name) for name in VALIDATION_LOSSES]


def content_requests(service: Emulator) -> int:
    return len(service.journal(method="GET", path="/v1/files/*/content"))


def test_first_best_and_final_loss_are_recorded(
    provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
) -> None:
    created = provider.create(inputs)

    first, best, final = losses(created.outs)
    assert first is not None
    assert best is not None
    assert final is not None
    assert best < final < first
    assert content_requests(service) == 1


def test_the_losses_are_read_only_once(
    provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
) -> None:
    created = provider.create(inputs)

    read = provider.read(created.id, created.outs or {}).outs
    updated = provider.update(created.id, read or {}, {**inputs, "cancel_after_timeout": 60.0}).outs

    assert losses(created.outs) == losses(read) == losses(updated)
    assert content_requests(service) == 1


def test_an_adopted_job_has_the_same_losses(
    configure: Configure, provider: FineTuningJobProvider, inputs: dict[str, Any]
) -> None:
    identity = {"__identity": "organization::dev::shop::FineTuningJob::support"}
    created = provider.create({**inputs, **identity})

    adopted = configure(FineTuningJobProvider).create({**inputs, **identity})

    assert adopted.id == created.id
    assert losses(adopted.outs) == losses(created.outs)


def test_a_job_without_validation_sends_no_request(
    provider: FineTuningJobProvider, inputs: dict[str, Any], service: Emulator
) -> None:
    del inputs["validation_file"]

    assert losses(provider.create(inputs).outs) == [None] * 3
    assert content_requests(service) == 0


@pytest.mark.parametrize(
    "fault",
    [
        {"action": "status", "status": 400},
        {"action": "status", "status": 404},
        {"action": "status", "status": 500},
        {"action": "html"},
        {"action": "status", "status": 200, "body": "step,train_loss\n1,0.5\n"},
        {"action": "drop_before"},
    ],
    ids=repr,
)
def test_an_unreadable_result_file_does_not_fail_the_job(
    fault: dict[str, Any], configure: Configure, inputs: dict[str, Any], service: Emulator
) -> None:
    service.fault("GET", CONTENT, times=None, **fault)

    created = configure(FineTuningJobProvider, FailingHost(), maxRetries="0").create(inputs)

    assert losses(created.outs) == [None] * 3
    assert (created.outs or {})["status"] == "succeeded"


def test_ctrl_c_while_losses_are_read_records_the_job(
    configure: Configure, inputs: dict[str, Any], service: Emulator
) -> None:
    service.fault("GET", CONTENT, times=None, action="status", status=503)

    def sleep(_seconds: float) -> None:
        if content_requests(service):
            raise CommandInterruptedError("interrupted")

    created = configure(FineTuningJobProvider, FailingHost(TimeSource(sleep=sleep))).create(inputs)

    assert losses(created.outs) == [None] * 3
    assert (created.outs or {})["status"] == "succeeded"
    assert content_requests(service) == 1
