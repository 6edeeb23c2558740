"""Pages of resources show the messages that users see."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.docs.pages import tables
from tests.docs.test_reference import PAGE_OF
from tests.support import write_training_data

from pulumi_openai_ft._provider.checkpoint_permission import FineTuningCheckpointPermissionProvider
from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft.errors import OpenAIFTError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Configure

    from pulumi_openai_ft._provider.base import Provider
    from pulumi_openai_ft.emulator import Emulator

JOB = {"model": "gpt-4o-mini", "training_file": "file-1"}
SHARED = {"checkpoint_id": "ft:m", "project_ids": ["proj_a"]}
REFUSED: list[tuple[type[Provider], dict[str, Any]]] = [
    (FileProvider, {"file": "nowhere.jsonl"}),
    (FileProvider, {"file": "here.jsonl", "purpose": "training"}),
    (
        FineTuningJobProvider,
        JOB | {"method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 99}}}},
    ),
    (FineTuningJobProvider, JOB | {"method": {"type": "supervised", "dpo": {}}}),
    (FineTuningJobProvider, JOB | {"cancel_after_timeout": 60, "wait_for_completion": False}),
    (
        FineTuningJobProvider,
        JOB
        | {
            "method": {
                "type": "reinforcement",
                "reinforcement": {
                    "grader": {
                        "type": "string_check",
                        "name": "g",
                        "input": "a",
                        "reference": "b",
                        "operation": "eq",
                    }
                },
            }
        },
    ),
    (FineTuningCheckpointPermissionProvider, SHARED | {"checkpoint_id": "ftjob-1"}),
    (FineTuningCheckpointPermissionProvider, SHARED | {"allow_create": False}),
]


def message_patterns(resource: str) -> list[re.Pattern[str]]:
    """Return patterns of the messages on a resource's page:

    `…` matches any text, and `up` matches in any quotes.
    """
    rows = tables(PAGE_OF[resource])["Troubleshooting"]
    texts = [re.escape(row["message"].strip("`")) for row in rows]
    return [re.compile(text.replace("…", ".*").replace("'up'", "['`]up['`]"), re.DOTALL) for text in texts]


def is_documented(resource: str, message: str) -> bool:
    return any(pattern.match(message) for pattern in message_patterns(resource))


@pytest.mark.parametrize(("kind", "inputs"), REFUSED, ids=str)
def test_messages_of_check_are_documented(
    kind: type[Provider],
    inputs: dict[str, Any],
    configure: Configure,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write_training_data(tmp_path / "here.jsonl")

    failures = configure(kind).check({}, inputs).failures

    assert [
        failure.reason
        for failure in failures
        if not is_documented(kind.__name__.removesuffix("Provider"), failure.reason)
    ] == []
    assert failures


def test_a_missing_admin_key_is_documented(configure: Configure) -> None:
    failures = configure(FineTuningCheckpointPermissionProvider, adminKey=None).check({}, SHARED).failures

    assert is_documented("FineTuningCheckpointPermission", failures[0].reason)


def test_a_permission_declared_twice_is_documented(configure: Configure) -> None:
    provider = configure(FineTuningCheckpointPermissionProvider)
    provider.check({}, SHARED | {"__identity": "o::s::p::one"})

    failures = provider.check({}, SHARED | {"__identity": "o::s::p::two"}).failures

    assert is_documented("FineTuningCheckpointPermission", failures[0].reason)


def test_a_new_file_without_a_path_is_documented(configure: Configure) -> None:
    with pytest.raises(OpenAIFTError) as raised:
        configure(FileProvider).create({})

    assert is_documented("File", str(raised.value))


def test_a_file_that_a_job_needs_is_documented(
    configure: Configure, slow_service: Emulator, training_data: Path
) -> None:
    file = configure(FileProvider, baseUrl=slow_service.url).create({"file": str(training_data)})
    job = configure(FineTuningJobProvider, baseUrl=slow_service.url)
    job.create(JOB | {"training_file": file.id, "wait_for_completion": False})

    with pytest.raises(OpenAIFTError) as raised:
        configure(FileProvider, baseUrl=slow_service.url).delete(file.id, file.outs or {})

    assert is_documented("File", str(raised.value))


def test_a_missing_job_is_documented(configure: Configure) -> None:
    with pytest.raises(OpenAIFTError) as raised:
        configure(FineTuningJobProvider).read("ftjob-gone", {})

    assert is_documented("FineTuningJob", str(raised.value))


def test_a_failed_job_is_documented(configure: Configure, tmp_path: Path) -> None:
    (tmp_path / "bad.jsonl").write_text("not json\n")
    file = configure(FileProvider).create({"file": str(tmp_path / "bad.jsonl")})
    provider = configure(FineTuningJobProvider)
    made = provider.create(JOB | {"training_file": file.id})

    with pytest.raises(OpenAIFTError) as raised:
        provider.update(made.id, made.outs or {}, JOB | {"training_file": file.id})

    assert is_documented("FineTuningJob", str(raised.value))
