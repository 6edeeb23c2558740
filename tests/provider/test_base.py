from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

import pytest
from pulumi.dynamic.dynamic import serialize_provider
from tests.fake_host import FakeHost, PreviewingHost
from tests.support import API_KEY

from pulumi_openai_ft import checkpoint_permission, file, fine_tuning_job
from pulumi_openai_ft._provider.checkpoint_permission import FineTuningCheckpointPermissionProvider
from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft.errors import InputError, SettingsError

if TYPE_CHECKING:
    from tests.support import Configure

    from pulumi_openai_ft._program.provider_proxy import ProviderProxy
    from pulumi_openai_ft._provider.base import Provider


PICKLES = {
    file.FileProvider: "pulumi_openai_ft.file",
    fine_tuning_job.FineTuningJobProvider: "pulumi_openai_ft.fine_tuning_job",
    checkpoint_permission.FineTuningCheckpointPermissionProvider: "pulumi_openai_ft.checkpoint_permission",
}
"""The provider references of existing states: never change these."""

GOOD: dict[type[Provider], dict[str, Any]] = {
    FileProvider: {"file": __file__, "purpose": "user_data"},
    FineTuningJobProvider: {"model": "gpt-4o-mini-2024-07-18", "training_file": "file-1"},
    FineTuningCheckpointPermissionProvider: {"checkpoint_id": "ft:m:o::abc", "project_ids": ["proj_b"]},
}


@pytest.mark.parametrize(("kind", "module"), PICKLES.items())
def test_the_state_holds_only_a_reference_to_the_provider(kind: type[ProviderProxy], module: str) -> None:
    pickled = base64.b64decode(serialize_provider(kind()))

    assert module.encode() in pickled
    assert kind.__name__.encode() in pickled
    assert len(pickled) < 60 + len(module) + len(kind.__name__)


@pytest.mark.parametrize("kind", GOOD)
def test_good_inputs_pass_unchanged(kind: type[Provider], configure: Configure) -> None:
    result = configure(kind).check({}, dict(GOOD[kind]))

    assert (result.inputs, result.failures) == (GOOD[kind], [])


@pytest.mark.parametrize("kind", GOOD)
def test_check_reports_every_problem_without_naming_a_property(
    kind: type[Provider], configure: Configure
) -> None:
    """Name no property in a failure: the engine would print its value, even a secret."""
    failures = configure(kind).check({}, {"nonsense": 1}).failures

    assert [failure.property for failure in failures] == [""] * len(failures)
    assert "nonsense: is not a known property" in [failure.reason for failure in failures]


@pytest.mark.parametrize("kind", GOOD)
def test_check_reports_a_missing_key(kind: type[Provider], configure: Configure) -> None:
    provider = configure(kind, apiKey=None, adminKey=None)

    (failure,) = provider.check({}, dict(GOOD[kind])).failures

    assert "pulumi config set --secret openai-ft:" in failure.reason


@pytest.mark.parametrize("kind", GOOD)
def test_check_reports_an_invalid_setting_and_nothing_else(
    kind: type[Provider], configure: Configure
) -> None:
    provider = configure(kind, baseUrl="nonsense")

    assert (
        "openai-ft:baseUrl (or OPENAI_BASE_URL) is 'nonsense'"
        in provider.check({}, dict(GOOD[kind])).failures[0].reason
    )
    with pytest.raises(SettingsError):
        provider.read("id", {})


def test_equal_keys_are_refused_at_preview(configure: Configure) -> None:
    provider = configure(FileProvider, adminKey=API_KEY)

    assert "are the same key" in provider.check({}, {"file": __file__}).failures[0].reason


@pytest.mark.parametrize("kind", GOOD)
def test_inputs_are_checked_once_more_before_anything_is_created(
    kind: type[Provider], configure: Configure, service: Any
) -> None:
    with pytest.raises(InputError, match="nonsense: is not a known property"):
        configure(kind).create({**GOOD[kind], "nonsense": 1})

    assert service.files() == service.jobs() == service.permissions() == []


MODEL = "gpt-4o-mini-2024-07-18"


def test_a_host_that_previews_creates_prints_each_warning_once(configure: Configure) -> None:
    host = PreviewingHost()
    provider = configure(FineTuningJobProvider, host)
    jobs: list[dict[str, Any]] = [
        {"model": MODEL, "training_file": "file-1", "seed": seed} for seed in (1, 2)
    ]

    checked = [provider.check({}, job).inputs for job in jobs]
    assert host.warnings == []
    for job in checked:
        provider.announce_create(job)

    (message,) = host.warnings
    first, *warnings = message.splitlines()
    assert first == "please check:"
    assert [warning.split(" See ")[0] for warning in warnings] == [
        f"- OpenAI shuts down {MODEL} and models fine-tuned from it on 2027-01-14, in 44 days.",
        "- OpenAI accepts no new fine-tuning jobs from 2027-01-06, in 36 days.",
    ]


def test_the_stock_host_prints_each_warning_once_during_check(configure: Configure) -> None:
    host = FakeHost()
    provider = configure(FineTuningJobProvider, host)

    for seed in (1, 2):
        provider.check({}, {"model": MODEL, "training_file": "file-1", "seed": seed})

    assert len(host.warnings) == 2
    assert all("\n" not in warning for warning in host.warnings)


def test_an_announcement_hides_secret_values(
    configure: Configure, capsys: pytest.CaptureFixture[str]
) -> None:
    secret = {"model": "gpt-4o-mini-hidden", "training_file": "file-1", "__secret_inputs": ["model"]}

    configure(FineTuningJobProvider, Host()).announce_create(secret)

    assert "the catalog has no model '[secret]' of OpenAI" in capsys.readouterr().err
