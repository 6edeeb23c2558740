"""The providers with the profile `self-hosted`, against the real service with the stand-in trainer."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.fake_host import FakeHost
from tests.serve.services import ADMIN_KEY, ALIAS, BASE, OTHER_PROJECT, PROJECT_KEY, RunningService
from tests.support import write_training_data

from pulumi_openai_ft._provider.checkpoint_permission import FineTuningCheckpointPermissionProvider
from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft.cli.main import main
from pulumi_openai_ft.training_data import sha256

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.support import Configure, SomeProvider

    Connect = Callable[[type[SomeProvider]], SomeProvider]


GRADER = {
    "type": "string_check",
    "name": "same",
    "operation": "eq",
    "input": "{{sample.output_text}}",
    "reference": "{{item.answer}}",
}


@pytest.fixture
def own_service(tmp_path: Path) -> Iterator[RunningService]:
    with RunningService.create(tmp_path / "service") as running:
        yield running


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


@pytest.fixture
def connect(configure: Configure, own_service: RunningService, host: FakeHost) -> Connect[Any]:
    """Return a function that makes a provider configured for the service."""
    settings = {
        "baseUrl": own_service.url,
        "apiKey": PROJECT_KEY,
        "adminKey": ADMIN_KEY,
        "pollInterval": "0.2",
    }
    return lambda kind: configure(kind, host, service="self-hosted", **settings)


def wanted_job(path: Path, file_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "__identity": "organization::dev::shop::FineTuningJob::support",
        "model": ALIAS,
        "training_file": file_id,
        "__training_file_sha256": sha256(path),
        "__training_data": {"file": str(path)},
        **changes,
    }


def test_an_unchanged_program_trains_and_converges(
    connect: Connect[Any], host: FakeHost, training_data: Path
) -> None:
    file = connect(FileProvider).create({"file": str(training_data), "__identity": "data"})
    provider = connect(FineTuningJobProvider)
    checked = provider.check({}, wanted_job(training_data, file.id, suffix="support", metadata={"team": "a"}))
    assert (checked.failures, host.warnings) == ([], [])

    created = provider.create(checked.inputs)

    outs = created.outs or {}
    assert outs["fine_tuned_model"].startswith(f"ft:{BASE}:team:support:")
    assert provider.diff(created.id, outs, checked.inputs).changes is False
    read = provider.read(created.id, outs)
    assert provider.diff(created.id, read.outs or {}, checked.inputs).changes is False
    assert provider.create(checked.inputs).id == created.id  # after a lost state

    permissions = connect(FineTuningCheckpointPermissionProvider)
    granted = permissions.create({"checkpoint_id": outs["fine_tuned_model"], "project_ids": [OTHER_PROJECT]})
    permissions.delete(granted.id, granted.outs or {})
    provider.delete(created.id, outs)


def test_the_service_describes_its_models(connect: Connect[Any], host: FakeHost, training_data: Path) -> None:
    provider = connect(FineTuningJobProvider)
    estimated = provider.check({}, wanted_job(training_data, "file-1")).inputs["__estimate"]
    assert (estimated["epochs"], estimated["usd"], host.warnings) == (3, None, [])

    provider.check({}, wanted_job(training_data, "file-1", model="tiny-lama"))
    reinforcement = wanted_job(
        training_data, "file-1", method={"type": "reinforcement", "reinforcement": {"grader": GRADER}}
    )
    provider.check({}, {**reinforcement, "__training_data": {}})

    unknown, unsupported = host.warnings
    assert f"has no model 'tiny-lama' of your service. Did you mean '{BASE}'? See https://" in unknown
    assert unsupported.startswith(
        f"your service does not support the method reinforcement for {BASE}, only dpo and supervised"
    )


def test_rows_longer_than_the_limit_are_reported(
    connect: Connect[Any], host: FakeHost, tmp_path: Path
) -> None:
    long = tmp_path / "long.jsonl"
    chat = [{"role": "user", "content": "word " * 400}, {"role": "assistant", "content": "yes"}]
    write_training_data(long, rows=10)
    long.write_text(long.read_text() + json.dumps({"messages": chat}) + "\n")

    connect(FineTuningJobProvider).check({}, wanted_job(long, "file-1"))

    (warning,) = host.warnings
    assert "more than the model's 256; shorten the example" in warning


def test_the_catalog_of_the_command_agrees(
    configure: Configure,
    own_service: RunningService,
    host: FakeHost,
    training_data: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["serve", "catalog", "--config", str(own_service.folder / "serve.toml")]) == 0
    text = capsys.readouterr().out
    own_service.stop()
    provider = configure(
        FineTuningJobProvider,
        host,
        service="self-hosted",
        baseUrl=own_service.url,
        catalog=text,
        maxRetries="0",
    )

    (failure,) = provider.check({}, wanted_job(training_data, "file-1", model="tiny-lama")).failures

    assert "tiny-lama" not in failure.reason  # the service does not respond
    assert [entry.id for entry in provider.catalog.models()] == [BASE]
