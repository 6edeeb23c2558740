"""Invalid input: the error is a clear sentence without a traceback, and the service and the state are unchanged."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.e2e.conftest import ON_BOTH_HOSTS
from tests.support import ADMIN_KEY, API_KEY, write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = [pytest.mark.e2e, ON_BOTH_HOSTS]

PROGRAM = """
import pulumi_openai_ft as openai_ft

file = openai_ft.File("data", {file})
job = openai_ft.FineTuningJob("job", training_file=file, {job})
openai_ft.FineTuningCheckpointPermission("share", checkpoint_id=job.fine_tuned_model, project_ids={projects})
"""
VALID = {"file": 'file="data.jsonl"', "job": 'model="gpt-4o-mini-2024-07-18"', "projects": '["proj_b"]'}
EPOCHS = '{"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 99}}}'
BETA = '{"type": "supervised", "supervised": {"hyperparameters": {"beta": 0.1}}}'


@pytest.fixture
def stack_of(make_stack: Callable[..., Stack], tmp_path: Path) -> Callable[..., Stack]:
    """Return a function that makes a stack of a valid program with one error."""

    def make(settings: dict[str, str | None] | None = None, **broken: str) -> Stack:
        stack = make_stack(PROGRAM.format(**{**VALID, **broken}), **(settings or {}))
        write_training_data(tmp_path / "program" / "data.jsonl")
        return stack

    return make


def assert_nothing_created(service: Emulator) -> None:
    assert service.files() == service.jobs() == service.permissions() == []


def assert_readable(text: str, sentence: str) -> None:
    assert re.search(sentence, text), text
    assert "Traceback" not in text, text


@pytest.mark.core
@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        (
            {"file": 'file="mising.jsonl"'},
            r"data.*file: 'mising.jsonl' cannot be read \(no such file or directory\)",
        ),
        pytest.param(
            {"file": 'file="data.jsonl", purpose="finetune"'},
            r"data.*purpose: 'finetune' is invalid: must be 'fine-",
            marks=pytest.mark.long,
        ),
        (
            {"job": f'model="m", method={EPOCHS}'},
            r"method\.supervised\.hyperparameters\.n_epochs: 99 is invalid",
        ),
        pytest.param(
            {"job": f'model="m", method={BETA}'},
            r"method\.supervised\.hyperparameters\.beta: is not a known property",
            marks=pytest.mark.long,
        ),
        pytest.param({"projects": "[]"}, r"project_ids: \[\] is invalid", marks=pytest.mark.long),
    ],
    ids=[
        "missing file",
        "unknown purpose",
        "epochs out of range",
        "unsupported hyperparameter",
        "no project",
    ],
)
def test_bad_input_is_reported_at_preview(
    stack_of: Callable[..., Stack], service: Emulator, broken: dict[str, str], sentence: str
) -> None:
    result = stack_of(**broken).preview(code=None)

    assert result.code != 0
    assert_readable(result.text, sentence)
    assert_nothing_created(service)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        pytest.param(
            {"OPENAI_API_KEY": None},
            "no API key is set: run `pulumi config set --secret openai-ft:apiKey`",
            marks=pytest.mark.long,
        ),
        (
            {"OPENAI_ADMIN_KEY": None},
            "permissions need an admin key: run `pulumi config set --secret openai-ft:adm",
        ),
        pytest.param({"OPENAI_ADMIN_KEY": API_KEY}, "are the same key", marks=pytest.mark.long),
        pytest.param(
            {"OPENAI_BASE_URL": "127.0.0.1:80"},
            r"openai-ft:baseUrl \(or OPENAI_BASE_URL\) is '127.0.0.1:80': must be a complete URL",
            marks=pytest.mark.long,
        ),
        ({"OPENAI_API_KEY": "sk-proj-of-another-user-1234"}, r"project key sk-…1234; set a valid key"),
        (
            {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"},
            r"no response from http://127\.0\.0\.1:9/v1 .*: check openai-ft",
        ),
        pytest.param(
            {"NO_PROXY": "127.0.0.1,fd00::/8"},
            r"NO_PROXY contains 'fd00::/8', which is neither ",
            marks=pytest.mark.long,
        ),
    ],
    ids=[
        "no key",
        "no admin key",
        "equal keys",
        "malformed address",
        "wrong key",
        "unreachable address",
        "invalid NO_PROXY",
    ],
)
def test_an_invalid_setting_is_reported_at_preview(
    stack_of: Callable[..., Stack], service: Emulator, settings: dict[str, str | None], sentence: str
) -> None:
    service.add_key(API_KEY)
    service.add_key(ADMIN_KEY)
    result = stack_of(settings).preview(code=None)

    assert result.code != 0
    assert_readable(result.text, sentence)
    assert_nothing_created(service)


@pytest.mark.core
def test_a_wrong_path_is_reported_at_preview(stack_of: Callable[..., Stack], service: Emulator) -> None:
    ran = stack_of({"OPENAI_BASE_URL": service.url.removesuffix("/v1")}).preview(code=None)

    assert ran.code != 0
    assert_readable(ran.text, rf"status 404: set openai-ft:baseUrl to '{service.url}', which works")
    assert_nothing_created(service)


def test_errors_of_the_service_have_no_traceback(stack_of: Callable[..., Stack], service: Emulator) -> None:
    stack = stack_of(job='model="gpt-9"')

    result = stack.up(code=None)

    assert result.code != 0
    assert_readable(result.text, "gpt-9")
    assert service.jobs() == []
    assert stack.ids("File") == {file["id"] for file in service.files()}


@pytest.mark.long
def test_a_failed_job_is_reported_by_every_up(
    stack_of: Callable[..., Stack], service: Emulator, tmp_path: Path
) -> None:
    stack = stack_of(file='file="data.jsonl", validate="off"')
    write_training_data(tmp_path / "program" / "data.jsonl", rows=3)

    first = stack.up(code=None)
    second = stack.up(code=None)

    for result in (first, second):
        assert result.code != 0
        assert_readable(result.text, r"failed: invalid_n_examples: .*It is not retried automatically")
    assert len(service.jobs()) == 1
    assert stack.ids("FineTuningJob") == {service.jobs()[0]["id"]}


def test_only_a_plaintext_key_is_warned_about_once(
    stack_of: Callable[..., Stack],
) -> None:
    stack = stack_of({"OPENAI_API_KEY": None, "OPENAI_ADMIN_KEY": None})
    stack.pulumi("config", "set", "--plaintext", "openai-ft:apiKey", API_KEY)
    stack.pulumi("config", "set", "--secret", "openai-ft:adminKey", ADMIN_KEY)

    text = stack.preview().text

    diagnostics = text[text.index("Diagnostics:") :]
    assert diagnostics.count("openai-ft:apiKey is stored in plaintext") == 1
    assert "openai-ft:adminKey is stored in plaintext" not in text
    assert API_KEY not in text
