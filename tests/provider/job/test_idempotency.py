from __future__ import annotations

from typing import Any

import pytest

from pulumi_openai_ft._provider.job.idempotency import idempotency_key

PROPS = {"__identity": "organization::dev::shop::FineTuningJob::support", "__training_file_sha256": "aa"}
INPUTS = {"model": "gpt-4o-mini", "training_file": "file-1", "seed": 0}


def token(props: dict[str, Any] = {}, owner: str | None = None, **inputs: Any) -> str:  # noqa: B006 - never modified
    return idempotency_key({**PROPS, **props}, {**INPUTS, **inputs}, owner)


def test_the_key_of_existing_jobs_never_changes() -> None:
    """Existing jobs have the key in their metadata: with another key, `up` would create them again."""
    assert token() == "987f96d24900c70c04a8624b4a56f4054487a65a"
    assert token(owner="ada") == "4479552a7616e977a1296084a8626e17240d5a57"


@pytest.mark.parametrize(
    "same",
    [
        {"training_file": "file-other-id-same-content"},
        {"wait_for_completion": False},
        {"cancel_after_timeout": 60},
        {"paused": True},
        {"recreate_on_failure": True},
        {"delete_model_on_destroy": True},
    ],
    ids=repr,
)
def test_inputs_without_influence_on_training_keep_the_key(same: dict[str, Any]) -> None:
    assert token(**same) == token()


@pytest.mark.parametrize(
    "other",
    [
        {"props": {"__identity": "organization::prod::shop::FineTuningJob::support"}},
        {"props": {"__training_file_sha256": "bb"}},
        {"props": {"__training_file_sha256": None}},
        {"owner": "team-a"},
        {"seed": 1},
        {"suffix": "x"},
        {"triggers": ["again"]},
        {"extra_body": {"trainingType": "globalstandard"}},
    ],
    ids=repr,
)
def test_another_resource_or_other_inputs_have_another_key(other: dict[str, Any]) -> None:
    assert token(**other) != token()


def test_fits_into_metadata() -> None:
    assert len(token()) == 40
