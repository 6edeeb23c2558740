"""A preview reports why a job trains again and the likely cost, or the existing job that would be kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pulumi.output import Unknown
from tests.fake_host import PreviewingHost
from tests.support import write_training_data

from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._provider.job.messages import cost
from pulumi_openai_ft._provider.job.replacement import replacement_reason
from pulumi_openai_ft.errors import DuplicateJobError
from pulumi_openai_ft.training_data import estimate, sha256

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support import Configure

    from pulumi_openai_ft.emulator import Emulator

MODEL = "gpt-4o-mini-2024-07-18"
PRICE = '{"gpt-4o-mini-2024-07-18": {"training_price": 40000}}'
"""A price at which the few rows of a test cost some USD."""
OLD = "organization::dev::shop::FineTuningJob::old"
NEW = "organization::dev::shop::FineTuningJob::new"
Props = dict[str, Any]


def tuned(**hyperparameters: Any) -> Props:
    return {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}


@pytest.fixture
def host() -> PreviewingHost:
    return PreviewingHost()


@pytest.fixture
def provider(configure: Configure, host: PreviewingHost) -> FineTuningJobProvider:
    return configure(FineTuningJobProvider, host, catalog=PRICE)


@pytest.fixture
def inputs(configure: Configure, training_data: Path) -> Props:
    file = configure(FileProvider).create({"file": str(training_data)})
    return {
        "__identity": OLD,
        "model": MODEL,
        "training_file": file.id,
        "__training_file_sha256": sha256(training_data),
        "__training_data": {"file": str(training_data)},
        "method": tuned(n_epochs=3, batch_size=2),
        "metadata": {"team": "red"},
    }


class Stack:
    """The calls of the engine for one resource."""

    def __init__(self, provider: FineTuningJobProvider, inputs: Props) -> None:
        self.provider, self.inputs = provider, provider.check({}, inputs).inputs
        created = provider.create(self.inputs)
        self.id, self.outs = created.id, created.outs or {}

    def preview(self, **changes: Any) -> list[str]:
        """Preview changed inputs, and return the messages."""
        host = self.provider.host
        assert isinstance(host, PreviewingHost)
        host.messages.clear()
        raw = {**self.inputs, **changes}
        news = self.provider.check(self.inputs, {n: v for n, v in raw.items() if n != "__estimate"}).inputs
        if self.provider.diff(self.id, self.outs, news).replaces:
            self.provider.preview_outputs(None, self.provider.check({}, news).inputs)
        return [message for message in host.messages if message not in host.warnings]


def test_the_row_reports_the_change_and_the_cost(provider: FineTuningJobProvider, inputs: Props) -> None:
    stack = Stack(provider, inputs)

    (message,) = stack.preview(method=tuned(n_epochs=4, batch_size=2))

    tokens = (provider.check({}, inputs).inputs["__estimate"]["tokens"]) // 3
    likely = estimate(examples=12, tokens=tokens, epochs=4, usd_per_million=40000.0)
    assert likely.usd is not None
    assert message == f"replaces {stack.id}: n_epochs 3 → 4 trains again, {cost(likely.usd)}"


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"model": "gpt-4.1-mini-2025-04-14"}, f"model '{MODEL}' → 'gpt-4.1-mini-2025-04-14' trains again"),
        ({"metadata": {"team": "blue"}}, "metadata.team 'red' → 'blue' trains again"),
        ({"seed": 7}, "seed 42 → 7 trains again"),
        ({"suffix": "new"}, "suffix (not set) → 'new' trains again"),
        ({"triggers": ["again"]}, "triggers (changed) trains again"),
        pytest.param(
            {"suffix": Unknown()}, "suffix (known during `up`) trains again", id="an unknown suffix"
        ),
        (
            {"method": tuned(n_epochs=4, batch_size=4)},
            "n_epochs 3 → 4 and batch_size 2 → 4 train again",
        ),
        (
            {"method": tuned(n_epochs=4, batch_size=4), "suffix": "new", "metadata": {"team": "blue"}},
            "suffix (not set) → 'new', n_epochs 3 → 4, batch_size 2 → 4 and 1 more train again",
        ),
    ],
    ids=str,
)  # fmt: skip
def test_each_kind_of_change_is_described(
    provider: FineTuningJobProvider, inputs: Props, changes: Props, text: str
) -> None:
    stack = Stack(provider, {**inputs, "seed": 42})

    (message,) = stack.preview(**changes)

    assert message.startswith(f"replaces {stack.id}: {text}, ")


def test_a_changed_file_is_named(provider: FineTuningJobProvider, inputs: Props, training_data: Path) -> None:
    stack = Stack(provider, inputs)
    write_training_data(training_data, answer="Under Account, then Security.")

    (message,) = stack.preview(training_file=Unknown(), __training_file_sha256=sha256(training_data))

    assert message.startswith(f"replaces {stack.id}: new content of '{training_data}' trains again, about ")


def test_the_update_shows_the_reason_while_creating_the_job(
    provider: FineTuningJobProvider, inputs: Props, host: PreviewingHost
) -> None:
    stack = Stack(provider, inputs)
    news = provider.check(stack.inputs, {**inputs, "seed": 7}).inputs
    provider.diff(stack.id, stack.outs, news)

    created = provider.create(provider.check({}, news).inputs)

    assert host.statuses[0].startswith(f"replaces {stack.id}: seed ")
    host.statuses.clear()
    provider.create({**news, "seed": 8})
    assert created.id != stack.id
    assert not any(status.startswith("replaces") for status in host.statuses)


@pytest.mark.parametrize(
    ("settings", "changes", "text"),
    [
        ({"catalog": '{"gpt-4o-mini": {"training_price": null}}'}, {"seed": 7}, f"no price known for {MODEL} at OpenAI"),
        ({"catalog": '{"custom": {}}'}, {"model": "custom"}, "no price known for custom at OpenAI"),
        ({"catalog": PRICE}, {"__training_data": None, "seed": 7}, "cost not known: it is estimated from"),
        ({"catalog": PRICE}, {"training_file": "file-other", "__training_file_sha256": None, "__training_data": None},
         "cost not known: it is estimated from"),
    ],
    ids=str,
)  # fmt: skip
def test_an_unknown_cost_is_stated(
    configure: Configure, inputs: Props, settings: Props, changes: Props, text: str
) -> None:
    stack = Stack(configure(FineTuningJobProvider, PreviewingHost(), **settings), inputs)

    (message,) = stack.preview(**changes)

    assert f"again, {text}" in message


def test_a_self_hosted_service_has_no_price(configure: Configure, inputs: Props) -> None:
    provider = configure(FineTuningJobProvider, PreviewingHost(), service="self-hosted")

    (message,) = Stack(provider, inputs).preview(seed=7)

    assert message.endswith("trains again, no price: self-hosted")


@pytest.mark.parametrize(
    ("secrets", "shown"),
    [(["metadata"], "metadata [secret]"), (["metadata.*"], "metadata.team [secret]")],
    ids=str,
)
def test_secret_values_stay_hidden(
    provider: FineTuningJobProvider, inputs: Props, secrets: list[str], shown: str
) -> None:
    first, second = "first-of-the-secrets", "second-of-the-secrets"
    stack = Stack(provider, {**inputs, "metadata": {"team": first}, "__secret_inputs": secrets})

    (message,) = stack.preview(metadata={"team": second})

    assert f": {shown} trains again, " in message
    assert first not in message
    assert second not in message


def test_a_secret_path_of_a_changed_file_stays_hidden() -> None:
    olds = {"__training_file_sha256": "a", "training_file": "file-1"}
    news = {
        "__training_file_sha256": "b",
        "training_file": Unknown(),
        "__training_data": {"file": "hidden.jsonl"},
        "__secret_inputs": ["__training_data"],
    }

    message = replacement_reason("ftjob-1", ["training_file"], olds, news)

    assert message == "replaces ftjob-1: new content of [secret] trains again"


def test_a_job_with_equal_inputs_is_announced_as_adopted(
    configure: Configure, host: PreviewingHost, inputs: Props
) -> None:
    created = Stack(configure(FineTuningJobProvider), inputs)
    provider = configure(FineTuningJobProvider, host, catalog=PRICE)

    provider.preview_outputs(None, provider.check({}, inputs).inputs)

    assert host.messages[-1].startswith(f"adopts job {created.id} (succeeded, 0:00:0")
    assert host.messages[-1].endswith("with the same inputs, unless its model was deleted")


@pytest.fixture
def preview(configure: Configure, host: PreviewingHost) -> Callable[..., list[str]]:
    """Return a function that previews new jobs, and returns the messages about the last one."""
    provider = configure(FineTuningJobProvider, host, catalog=PRICE)

    def run(*resources: Props) -> list[str]:
        for props in resources:
            result = provider.check({}, props)
            assert result.failures == []
            host.messages.clear()
            provider.preview_outputs(None, result.inputs)
        return [message.removeprefix("please check:\n- ") for message in host.messages]

    return run


def test_a_preview_names_the_alias_that_keeps_the_job(
    configure: Configure, preview: Callable[..., list[str]], inputs: Props, host: PreviewingHost
) -> None:
    created = Stack(configure(FineTuningJobProvider), inputs)

    (message,) = preview({**inputs, "__identity": NEW})

    assert message.startswith(f"job {created.id} (succeeded, 0:00:0")
    assert f"of {OLD} has the same training data and inputs, so `pulumi up` will stop" in message
    assert 'add aliases=[pulumi.Alias(name="old")] to the options of the resource. See https://' in message
    assert host.warnings[-1] == f"please check:\n- {message}"


def test_a_renamed_file_is_recognized_by_its_content(
    configure: Configure, preview: Callable[..., list[str]], inputs: Props
) -> None:
    created = Stack(configure(FineTuningJobProvider), inputs)

    (message,) = preview({**inputs, "__identity": NEW, "training_file": Unknown()})

    assert created.id in message


def test_a_renamed_component_needs_an_alias(
    configure: Configure, preview: Callable[..., list[str]], inputs: Props
) -> None:
    place = "organization::urn:pulumi:dev::shop::openai-ft:index:FineTunedModel::{0}::FineTuningJob::{0}"
    Stack(configure(FineTuningJobProvider), {**inputs, "__identity": place.format("old")})

    (message,) = preview({**inputs, "__identity": place.format("new")})

    assert 'add aliases=[pulumi.Alias(name="old")] to the options of the component. See https://' in message


@pytest.mark.parametrize(
    "identity",
    [
        "organization::prod::shop::FineTuningJob::old",
        "organization::urn:pulumi:dev::shop::my:index:Team::blue::FineTuningJob::old",
    ],
)
def test_a_moved_job_is_kept_by_former_names(
    configure: Configure, preview: Callable[..., list[str]], inputs: Props, identity: str
) -> None:
    Stack(configure(FineTuningJobProvider), {**inputs, "__identity": identity})

    (message,) = preview({**inputs, "__identity": NEW})

    assert f'add former_names=["{identity}"]' in message


def test_the_advice_of_the_preview_keeps_the_job(
    configure: Configure, preview: Callable[..., list[str]], inputs: Props, service: Emulator
) -> None:
    created = Stack(configure(FineTuningJobProvider), inputs)
    renamed = {**inputs, "__identity": NEW, "former_names": ["old"]}

    (message,) = preview(renamed)

    assert message.startswith(f"adopts job {created.id} ")
    assert configure(FineTuningJobProvider).create(renamed).id == created.id
    assert len(service.jobs()) == 1


@pytest.mark.parametrize(
    "changes", [{"seed": 9}, pytest.param({"suffix": Unknown()}, id="an unknown suffix"), {"triggers": ["again"]}, {"training_file": "file-other", "__training_file_sha256": None}], ids=str
)  # fmt: skip
def test_other_or_unknown_content_matches_no_job(
    configure: Configure, preview: Callable[..., list[str]], inputs: Props, changes: Props
) -> None:
    created = Stack(configure(FineTuningJobProvider), inputs)

    assert created.id not in " ".join(preview({**inputs, "__identity": NEW, **changes}))


def test_a_failed_or_cancelled_job_matches_nothing(
    configure: Configure, preview: Callable[..., list[str]], inputs: Props, service: Emulator
) -> None:
    created = Stack(configure(FineTuningJobProvider), inputs)
    service.fault("GET", "/v1/fine_tuning/jobs", "edit", edits=[{"path": "data.0.status", "value": "failed"}])

    assert created.id not in " ".join(preview({**inputs, "__identity": NEW}))


def test_a_preview_lists_the_jobs_once(
    configure: Configure, preview: Callable[..., list[str]], inputs: Props, service: Emulator
) -> None:
    creator = configure(FineTuningJobProvider)
    jobs = [Stack(creator, {**inputs, "seed": seed}) for seed in range(3)]
    before = len(service.journal())

    for seed, job in enumerate(jobs):
        (message,) = preview({**inputs, "seed": seed, "__identity": NEW})
        assert job.id in message

    requests = [f"{entry.method} {entry.path}" for entry in service.journal()[before:]]
    assert requests == ["GET /v1/fine_tuning/jobs"]


def test_without_metadata_no_job_is_recognized(
    configure: Configure, host: PreviewingHost, inputs: Props
) -> None:
    created = Stack(configure(FineTuningJobProvider), inputs)
    provider = configure(FineTuningJobProvider, host, unsupportedFeatures="metadata")

    provider.preview_outputs(None, provider.check({}, {**inputs, "metadata": None, "__identity": NEW}).inputs)

    assert created.id not in " ".join(host.messages)


def test_an_up_stops_where_the_preview_announces_it(
    configure: Configure, preview: Callable[..., list[str]], inputs: Props
) -> None:
    Stack(configure(FineTuningJobProvider), inputs)
    renamed = {**inputs, "__identity": NEW}

    assert "`pulumi up` will stop" in preview(renamed)[0]
    with pytest.raises(DuplicateJobError):
        configure(FineTuningJobProvider).create(renamed)
