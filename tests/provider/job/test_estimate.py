from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from pulumi.output import Unknown
from tests.fake_host import FakeHost
from tests.support import write_training_data

from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._provider.job.inputs import REPLACE_ON_CHANGE
from pulumi_openai_ft._provider.job.messages import estimate_message, unknown_price_text
from pulumi_openai_ft._service_profiles import OPENAI
from pulumi_openai_ft._shared.state_names import ESTIMATED
from pulumi_openai_ft.training_data import check, sha256

if TYPE_CHECKING:
    from tests.support import Configure

    from pulumi_openai_ft.emulator import Emulator

MODEL = "gpt-4o-mini-2024-07-18"
PRICE = {MODEL: {"training_price": 3.0}}


def tuning_method(kind: str, **hyperparameters: Any) -> dict[str, Any]:
    return {"type": kind, kind: {"hyperparameters": hyperparameters}}


def job_on(path: Path, validate: str | None = None, **inputs: Any) -> dict[str, Any]:
    """Return a program's inputs for a job that trains on a `File`."""
    return {
        "model": MODEL,
        "training_file": "file-1",
        "__training_file_sha256": sha256(path),
        "__training_data": {"file": str(path), "validate": validate},
        **inputs,
    }


@pytest.fixture
def host() -> FakeHost:
    return FakeHost()


@pytest.fixture
def provider(configure: Configure, host: FakeHost) -> FineTuningJobProvider:
    return configure(FineTuningJobProvider, host, catalog=json.dumps(PRICE))


@pytest.fixture
def messages(host: FakeHost) -> list[str]:
    """Return the messages of the provider so far."""
    return host.messages


def reasons(provider: FineTuningJobProvider, inputs: dict[str, Any]) -> list[str]:
    return [failure.reason for failure in provider.check({}, inputs).failures]


def estimate_of(provider: FineTuningJobProvider, inputs: dict[str, Any]) -> dict[str, Any] | None:
    result = provider.check({}, inputs)
    assert result.failures == []
    found: dict[str, Any] | None = result.inputs.get("__estimate")
    return found


def test_tokens_and_price_follow_from_file_epochs_and_catalog(
    provider: FineTuningJobProvider, training_data: Path
) -> None:
    tokens = check(training_data, method="supervised", part="training", model=MODEL).tokens

    found = estimate_of(provider, job_on(training_data, method=tuning_method("supervised", n_epochs=2.0)))

    assert found == {
        "tokens": 2 * tokens,
        "epochs": 2,
        "usd": round(2 * tokens * 3.0 / 1e6, 6),
        "price_as_of": None,
    }


@pytest.mark.parametrize(
    "method", [None, tuning_method("supervised"), tuning_method("supervised", n_epochs="auto")]
)
def test_automatic_epochs_are_estimated_as_the_likely_choice(
    provider: FineTuningJobProvider, training_data: Path, method: Any
) -> None:
    found = estimate_of(provider, job_on(training_data, method=method))

    assert found is not None
    assert found["epochs"] == 100 // 12


def test_reinforcement_is_billed_by_time(provider: FineTuningJobProvider, tmp_path: Path) -> None:
    tasks = tmp_path / "tasks.jsonl"
    row = {"messages": [{"role": "user", "content": "How?"}], "answer": "Account"}
    tasks.write_text((json.dumps(row) + "\n") * 10)
    grader = {
        "type": "string_check",
        "name": "same",
        "operation": "eq",
        "input": "{{sample.output_text}}",
        "reference": "{{item.answer}}",
    }
    method = {"type": "reinforcement", "reinforcement": {"grader": grader}}

    inputs = job_on(tasks, model="o4-mini-2025-04-16", validation_file="file-2", method=method)

    assert estimate_of(provider, inputs) is None
    assert provider.preview_outputs(None, inputs)["estimated_tokens"] is None


@pytest.mark.parametrize("more", [{"__training_file_sha256": "a" * 64}, {"__training_data": None}])
def test_missing_or_changed_files_get_no_estimate(
    provider: FineTuningJobProvider, training_data: Path, more: dict[str, Any]
) -> None:
    assert estimate_of(provider, {**job_on(training_data), **more}) is None


def test_epochs_of_other_services_are_not_guessed(configure: Configure, training_data: Path) -> None:
    provider = configure(FineTuningJobProvider, unsupportedFeatures="auto")

    assert estimate_of(provider, job_on(training_data)) is None


def test_hyperparameters_that_are_not_known_yet_have_no_price(
    provider: FineTuningJobProvider, training_data: Path
) -> None:
    later = {"type": "supervised", "supervised": {"hyperparameters": Unknown()}}

    checked = provider.check({}, job_on(training_data, method=later)).inputs

    assert all(isinstance(checked[name], Unknown) for name in ("__estimate", *ESTIMATED))
    assert all(isinstance(provider.preview_outputs(None, checked)[name], Unknown) for name in ESTIMATED)


class TestMoney:
    """An estimate never creates a job, and never changes."""

    def test_neither_estimate_nor_local_file_affects_the_key(
        self, provider: FineTuningJobProvider, training_data: Path, service: Emulator
    ) -> None:
        inputs = job_on(training_data, training_file=upload(provider, training_data))
        plain = {name: value for name, value in inputs.items() if name != "__training_data"}

        first = provider.create(plain)
        again = provider.create(provider.check({}, inputs).inputs)

        assert again.id == first.id
        assert len(service.jobs()) == 1

    def test_neither_is_a_difference(self, provider: FineTuningJobProvider, training_data: Path) -> None:
        inputs = job_on(training_data, training_file=upload(provider, training_data))
        created = provider.create(provider.check({}, inputs).inputs)
        elsewhere = {
            **inputs,
            "__training_data": {"file": "/elsewhere", "validate": "off"},
            "__estimate": {"tokens": 1, "epochs": 1, "usd": 1.0, "price_as_of": None},
        }

        for olds in (created.outs or {}, without_estimate(created.outs or {})):
            for news in (
                inputs,
                elsewhere,
                {name: inputs[name] for name in REPLACE_ON_CHANGE if name in inputs},
            ):
                assert provider.diff(created.id, olds, news).changes is False

    def test_the_estimate_of_the_creation_stays(
        self, provider: FineTuningJobProvider, training_data: Path
    ) -> None:
        inputs = job_on(training_data, training_file=upload(provider, training_data))
        checked = provider.check({}, inputs).inputs
        planned = provider.preview_outputs(None, checked)
        created = provider.create(checked)
        write_training_data(training_data, rows=40)

        read = provider.read(created.id, created.outs or {})
        updated = provider.update(created.id, read.outs or {}, provider.check(checked, inputs).inputs)

        estimates = {
            tuple((outs or {})[name] for name in ESTIMATED) for outs in outs_of(created, read, updated)
        }
        assert estimates == {tuple(planned[name] for name in ESTIMATED)}
        assert None not in next(iter(estimates))
        assert provider.check(checked, inputs).inputs["__estimate"] == checked["__estimate"]

    def test_a_job_of_an_older_version_gets_no_estimate(
        self, provider: FineTuningJobProvider, training_data: Path
    ) -> None:
        inputs = job_on(training_data, training_file=upload(provider, training_data))
        old = provider.create({name: value for name, value in inputs.items() if name != "__training_data"})
        outs = without_estimate(old.outs or {})

        assert "__estimate" not in provider.check(inputs, inputs).inputs
        assert without_estimate(provider.read(old.id, outs).outs or {}) == outs

    def test_a_file_whose_change_is_ignored_replaces_no_job(
        self, provider: FineTuningJobProvider, training_data: Path
    ) -> None:
        """`ignore_changes=["training_file"]` restores the old id, but the new file's hash is passed along."""
        inputs = job_on(training_data, training_file=upload(provider, training_data))
        created = provider.create(provider.check({}, inputs).inputs)
        write_training_data(training_data, rows=40)
        ignored = job_on(training_data, training_file=inputs["training_file"])
        other = job_on(training_data, training_file="file-other")

        unchanged, changed = (provider.check(inputs, news).inputs for news in (ignored, other))

        assert provider.diff(created.id, created.outs or {}, unchanged).changes is False
        assert provider.diff(created.id, created.outs or {}, changed).replaces == ["training_file"]

    @pytest.mark.parametrize("change", [{"paused": True}, {"cancel_after_timeout": 60.0}], ids=str)
    def test_an_in_place_change_is_not_estimated_again(
        self, provider: FineTuningJobProvider, training_data: Path, change: dict[str, Any]
    ) -> None:
        olds = provider.check({}, job_on(training_data)).inputs
        write_training_data(training_data, rows=9)

        checked = provider.check(olds, {**job_on(training_data), **change})

        assert checked.failures == []
        assert [checked.inputs[name] for name in ("__estimate", *ESTIMATED)] == [
            olds[name] for name in ("__estimate", *ESTIMATED)
        ]


def upload(provider: FineTuningJobProvider, path: Path) -> str:
    with path.open("rb") as content:
        return provider.api.upload_file(path.name, content, purpose="fine-tune").id


def outs_of(*results: Any) -> list[dict[str, Any]]:
    return [result.outs for result in results]


def without_estimate(outs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in outs.items() if name not in ESTIMATED}


class TestRules:
    """Rows that the service would reject for this job, although the file may be valid for others."""

    def test_fewer_than_10_training_rows_are_an_error(
        self, provider: FineTuningJobProvider, training_data: Path
    ) -> None:
        write_training_data(training_data, rows=9)

        (reason,) = reasons(provider, job_on(training_data))

        assert reason == (
            f"training_file: {str(training_data)!r}: the file has 9 examples; add examples: training requires at least 10"
        )

    def test_rows_for_another_method_are_reported_once(
        self, provider: FineTuningJobProvider, training_data: Path
    ) -> None:
        (reason,) = reasons(provider, job_on(training_data, method=tuning_method("dpo")))

        assert reason.startswith(f"training_file: {str(training_data)!r}: line 1: the example has messages, ")
        assert reason.endswith("use the format of the job's training method")

    def test_a_file_of_another_method_is_refused(
        self, configure: Configure, provider: FineTuningJobProvider, tmp_path: Path
    ) -> None:
        rows = [{"messages": [{"role": "user", "content": f"{number}+1?"}]} for number in range(10)]
        tasks = tmp_path / "tasks.jsonl"
        tasks.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        file = configure(FileProvider, provider.host)

        assert file.check({}, {"file": str(tasks)}).failures == []
        (reason,) = reasons(provider, job_on(tasks))
        assert "line 1: messages has no assistant message to train on" in reason

    def test_images_for_a_model_without_vision_are_a_warning(
        self, provider: FineTuningJobProvider, tmp_path: Path, messages: list[str]
    ) -> None:
        part = {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}}
        chat = [{"role": "user", "content": [part]}, {"role": "assistant", "content": "A parcel."}]
        images = tmp_path / "images.jsonl"
        images.write_text((json.dumps({"messages": chat}) + "\n") * 10)

        assert reasons(provider, job_on(images)) == []
        assert reasons(provider, job_on(images, model="gpt-4o-2024-08-06")) == []
        assert len([one for one in messages if "does not support images in training data" in one]) == 1

    def test_azure_refuses_a_call_without_a_result(
        self, configure: Configure, provider: FineTuningJobProvider
    ) -> None:
        case = Path(__file__).parents[2] / "training_data" / "cases" / "call-without-tool-reply.jsonl"
        azure = configure(FileProvider, provider.host, service="azure")

        (failure,) = azure.check({}, {"file": str(case)}).failures
        assert 'has a tool call "call_1" without a result' in failure.reason
        assert configure(FileProvider, provider.host).check({}, {"file": str(case)}).failures == []

    def test_it_is_a_warning_on_request_or_elsewhere(
        self,
        configure: Configure,
        provider: FineTuningJobProvider,
        training_data: Path,
        messages: list[str],
    ) -> None:
        write_training_data(training_data, rows=9)
        other = configure(FineTuningJobProvider, provider.host, service="nebius", catalog=json.dumps(PRICE))

        assert reasons(provider, job_on(training_data, "warn")) == []
        assert reasons(other, job_on(training_data)) == []
        assert len([sentence for sentence in messages if "the file has 9 examples" in sentence]) == 2
        assert len(reasons(other, job_on(training_data, "error"))) == 1

    def test_off_reports_nothing(
        self, provider: FineTuningJobProvider, training_data: Path, messages: list[str]
    ) -> None:
        write_training_data(training_data, rows=9)

        assert reasons(provider, job_on(training_data, "off")) == []
        assert [sentence for sentence in messages if "training_file" in sentence] == []

    def test_a_row_that_the_model_would_truncate_is_reported(
        self,
        configure: Configure,
        provider: FineTuningJobProvider,
        training_data: Path,
        messages: list[str],
    ) -> None:
        small = configure(
            FineTuningJobProvider, provider.host, catalog=json.dumps({MODEL: {"context_length": 5}})
        )

        assert reasons(small, job_on(training_data)) == []
        assert next(sentence for sentence in messages if "more than the model's 5" in sentence).startswith(
            "training_file: "
        )

    def test_a_secret_path_is_not_shown(self, provider: FineTuningJobProvider, training_data: Path) -> None:
        write_training_data(training_data, rows=9)

        (reason,) = reasons(provider, job_on(training_data, __secret_inputs=["__training_data"]))

        assert reason.startswith("training_file: [secret]: the file has 9 examples")

    def test_an_existing_job_is_not_checked_again(
        self, provider: FineTuningJobProvider, training_data: Path
    ) -> None:
        write_training_data(training_data, rows=9)
        inputs = job_on(training_data)

        assert provider.check(inputs, inputs).failures == []


def test_a_preview_reports_the_cost_before_creation(
    provider: FineTuningJobProvider, training_data: Path, messages: list[str]
) -> None:
    checked = provider.check({}, job_on(training_data)).inputs
    messages.clear()

    planned = provider.preview_outputs(None, checked)
    provider.preview_outputs({**planned, "status": "succeeded"}, checked)

    assert messages == [estimate_message(checked["__estimate"], "")]


@pytest.mark.parametrize(
    ("tokens", "epochs", "usd", "day", "sentence"),
    [
        (
            1_200_000,
            3,
            3.6,
            "2026-10-27",
            "about 1.2 million tokens (3 epochs), about 3.60 USD (price of 2026-10-27, an estimate)",
        ),
        (
            9_000,
            1,
            0.001,
            None,
            "about 9,000 tokens (1 epoch), less than 0.01 USD (price of openai-ft:catalog, an estimate)",
        ),
        (
            9_000,
            2,
            None,
            None,
            "about 9,000 tokens (2 epochs, an estimate); no price known for m at OpenAI",
        ),
    ],
)
def test_the_price_is_formatted(
    tokens: int, epochs: int, usd: float | None, day: str | None, sentence: str
) -> None:
    estimate = {"tokens": tokens, "epochs": epochs, "usd": usd, "price_as_of": day}

    assert estimate_message(estimate, unknown_price_text(OPENAI, "m", "OpenAI")) == f"trains {sentence}"
