from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.support import REINFORCEMENT_DAY

if TYPE_CHECKING:
    import openai

    from pulumi_openai_ft.emulator import Emulator

BASE = "gpt-4o-mini-2024-07-18"
GRADER = {
    "type": "string_check",
    "name": "names the place",
    "input": "{{sample.output_text}}",
    "reference": "{{item.reference}}",
    "operation": "ilike",
}
METHODS: dict[str, dict[str, Any]] = {
    "supervised": {"hyperparameters": {"n_epochs": 4, "batch_size": 2, "learning_rate_multiplier": 0.5}},
    "dpo": {
        "hyperparameters": {"n_epochs": 4, "batch_size": 2, "learning_rate_multiplier": 0.5, "beta": 0.3}
    },
    "reinforcement": {
        "grader": GRADER,
        "hyperparameters": {
            "n_epochs": 4,
            "batch_size": 2,
            "learning_rate_multiplier": 0.5,
            "reasoning_effort": "low",
            "compute_multiplier": 1.5,
            "eval_interval": 3,
            "eval_samples": 2,
        },
    },
}
MODELS = {"supervised": BASE, "dpo": "gpt-4.1-mini-2025-04-14", "reinforcement": "o4-mini-2025-04-16"}


AUTO_OF_TEN_ROWS = {"emulator": (10, 1, 1.8), "serve": (3, 4, 1.0)}
"""Epochs, batch size and learning rate multiplier. `serve` documents a different rule."""


@pytest.fixture
def train_by(client: openai.OpenAI, upload: Any, trained: Any) -> Any:
    """Return a function that trains with a method and its settings, on matching data."""

    def run(method: str, settings: dict[str, Any]) -> Any:
        files = [upload(client, method).id, upload(client, method, 12).id]
        return trained(
            model=MODELS[method],
            training_file=files[0],
            validation_file=files[1],
            method={"type": method, method: settings},
        )

    return run


def test_new_job_is_validating(client: openai.OpenAI, train: Any) -> None:
    job = train(client)

    assert job.id.startswith("ftjob-")
    assert (job.status, job.model) == ("validating_files", BASE)
    assert (job.fine_tuned_model, job.finished_at, job.trained_tokens, job.result_files) == (
        None,
        None,
        None,
        [],
    )
    assert job.validation_file is None
    assert job.seed >= 0


def test_finished_job_has_a_model_tokens_and_results(trained: Any) -> None:
    job = trained(suffix="support-bot")

    assert job.status == "succeeded"
    assert re.fullmatch(rf"ft:{BASE}:[a-z0-9-]+:support-bot:[A-Za-z0-9]{{8}}", job.fine_tuned_model)
    assert job.finished_at >= job.created_at
    assert job.trained_tokens > 0
    assert len(job.result_files) == 1
    assert job.error is None


def test_model_name_without_suffix_has_an_empty_part(trained: Any) -> None:
    assert re.fullmatch(rf"ft:{BASE}:[a-z0-9-]+::[A-Za-z0-9]{{8}}", trained().fine_tuned_model)


def test_auto_becomes_numbers_once_training_starts(
    client: openai.OpenAI, service: Any, train: Any, ended: Any
) -> None:
    job = train(client)

    assert job.hyperparameters.n_epochs == "auto"
    resolved = ended(job).hyperparameters
    numbers = (resolved.n_epochs, resolved.batch_size, resolved.learning_rate_multiplier)
    assert numbers == AUTO_OF_TEN_ROWS[service.name]


@pytest.mark.parametrize("method", ["supervised", "dpo"])
def test_every_hyperparameter_of_a_method_comes_back(train_by: Any, method: str) -> None:
    assert_echoes(train_by(method, METHODS[method]), method)


def test_reinforcement_settings_come_back(
    emulator: Emulator, train_by: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(emulator.settings, "today", REINFORCEMENT_DAY)

    job = train_by("reinforcement", METHODS["reinforcement"])

    assert_echoes(job, "reinforcement")
    assert job.method.reinforcement.grader.model_dump(exclude_none=True) == GRADER


def assert_echoes(job: Any, method: str) -> None:
    """Check that a job returns the hyperparameters that were sent."""

    assert job.status == "succeeded"
    assert job.method.type == method
    echoed = getattr(job.method, method)
    assert echoed.hyperparameters.model_dump(exclude_none=True) == METHODS[method]["hyperparameters"]


@pytest.mark.parametrize("method", ["supervised", "dpo"])
def test_every_hyperparameter_may_be_auto(train_by: Any, method: str) -> None:
    settings = {"hyperparameters": dict.fromkeys(METHODS[method]["hyperparameters"], "auto")}

    resolved = getattr(train_by(method, settings).method, method).hyperparameters.model_dump(
        exclude_none=True
    )

    assert resolved.keys() == settings["hyperparameters"].keys()
    assert all(isinstance(value, int | float) for value in resolved.values())


def test_deprecated_hyperparameters_are_still_used(trained: Any) -> None:
    given = {"n_epochs": 1, "batch_size": 5, "learning_rate_multiplier": 2.0}

    job = trained(hyperparameters=given)

    assert job.hyperparameters.model_dump(exclude_none=True) == given
    assert job.method is None or job.method.supervised.hyperparameters.n_epochs == 1


def test_epochs_multiply_the_trained_tokens(trained: Any) -> None:
    tokens = [trained(hyperparameters={"n_epochs": epochs}).trained_tokens for epochs in (1, 3)]

    assert tokens[1] == 3 * tokens[0]


def test_wandb_integration_comes_back(trained: Any) -> None:
    wandb = {"project": "parcels", "name": "first", "entity": "support", "tags": ["a", "b"]}

    job = trained(integrations=[{"type": "wandb", "wandb": wandb}])

    assert [integration.type for integration in job.integrations] == ["wandb"]
    assert wandb.items() <= job.integrations[0].wandb.model_dump().items()


@pytest.mark.parametrize("seed", [0, 1, 2**31 - 1])
def test_seed_comes_back(trained: Any, seed: int) -> None:
    assert trained(seed=seed).seed == seed


def test_metadata_comes_back(trained: Any) -> None:
    metadata = {f"key-{n}": "v" * 512 for n in range(16)}

    assert trained(metadata=metadata).metadata == metadata


def test_null_is_the_same_as_omission(trained: Any) -> None:
    job = trained(integrations=None, metadata=None, seed=None, suffix=None, validation_file=None)

    assert job.status == "succeeded"
    assert (job.metadata, job.validation_file) == (None, None)


def test_alias_of_a_model_becomes_its_dated_id(trained: Any) -> None:
    assert trained(model="gpt-4o-mini").model == BASE


def test_fine_tuned_model_can_be_trained_on(trained: Any) -> None:
    first = trained(suffix="one")

    second = trained(model=first.fine_tuned_model, suffix="two")

    assert second.status == "succeeded"
    assert second.model == first.fine_tuned_model
    assert second.fine_tuned_model != first.fine_tuned_model


def test_bad_data_fails_the_job_and_not_the_request(client: openai.OpenAI, trained: Any, upload: Any) -> None:
    job = trained(training_file=upload(client, rows=3).id)

    assert job.status == "failed"
    assert job.error is not None
    assert (job.error.code, job.error.param) == ("invalid_n_examples", "training_file")
    assert (job.fine_tuned_model, job.result_files) == (None, [])
    assert "error" in [event.level for event in client.fine_tuning.jobs.list_events(job.id)]


def test_bad_validation_data_fails_the_job(client: openai.OpenAI, trained: Any) -> None:
    bad = client.files.create(file=("bad.jsonl", b"{}\n"), purpose="fine-tune")

    job = trained(validation_file=bad.id)

    assert job.status == "failed"
    assert job.error is not None
    assert (job.error.param, "Line 1" in job.error.message) == ("validation_file", True)


@pytest.fixture
def five_jobs(client: openai.OpenAI, train: Any, upload: Any) -> list[str]:
    """Create jobs 0 to 4 with metadata `number`, except for the last, and return their ids."""
    file = upload(client).id
    metadata: list[Any] = [{"number": str(number), "team": "support"} for number in range(4)]
    return [train(client, training_file=file, metadata=each).id for each in [*metadata, None]]


@pytest.mark.parametrize("limit", [1, 2, 5, 6])
def test_pages_of_jobs_join_newest_first(client: openai.OpenAI, five_jobs: list[str], limit: int) -> None:
    pages = list(client.fine_tuning.jobs.list(limit=limit).iter_pages())

    assert [job.id for page in pages for job in page.data] == five_jobs[::-1]
    assert [page.has_more for page in pages] == [True] * (len(pages) - 1) + [False]


def test_twenty_jobs_are_a_page(client: openai.OpenAI, train: Any, upload: Any) -> None:
    file = upload(client).id
    jobs = [train(client, training_file=file).id for _ in range(21)]

    page = client.fine_tuning.jobs.list()

    assert [job.id for job in page.data] == jobs[:0:-1]
    assert page.has_more


@pytest.mark.parametrize(
    ("metadata", "numbers"),
    [
        ({"number": "2"}, [2]),
        ({"team": "support"}, [3, 2, 1, 0]),
        ({"number": "1", "team": "support"}, [1]),
        ({"number": "1", "team": "sales"}, []),
        ({"color": "red"}, []),
    ],
)
def test_jobs_can_be_found_by_metadata(
    client: openai.OpenAI, five_jobs: list[str], metadata: dict[str, str], numbers: list[int]
) -> None:
    found = [job.id for job in client.fine_tuning.jobs.list(metadata=metadata, limit=1)]

    assert found == [five_jobs[number] for number in numbers]


def test_jobs_without_metadata_can_be_found(client: openai.OpenAI, five_jobs: list[str]) -> None:
    """Write the query by hand, as the client drops `metadata=None`."""
    found = [job.id for job in client.fine_tuning.jobs.list(extra_query={"metadata": "null"})]

    assert found == five_jobs[4:]


def test_listed_job_equals_the_retrieved_job(client: openai.OpenAI, trained: Any) -> None:
    job = trained(suffix="same")

    assert list(client.fine_tuning.jobs.list()) == [job]
