"""An editor offers the values of inputs, and shows their documentation."""

from __future__ import annotations

from typing import TYPE_CHECKING, get_args

import pytest
from tests.types.language_server import LanguageServer
from tests.types.programs import CONSTRUCTORS, HEADER, docstring_example

from pulumi_openai_ft.types import ModelName

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.long, pytest.mark.xdist_group("type checkers"), pytest.mark.timeout(300)]
PURPOSES = ["fine-tune", "assistants", "batch", "vision", "user_data", "evals"]
STATUSES = ["validating_files", "queued", "running", "paused", "succeeded", "failed", "cancelled"]
MODELS = list(get_args(ModelName))
JOB = 'openai_ft.FineTuningJob("a", model="b", training_file="c", method='
OFFERED = {
    'openai_ft.FineTuningJob("a", model="@", training_file="b")': MODELS,
    'openai_ft.FineTunedModel("a", model="@", training_file="b")': MODELS,
    'openai_ft.get_model("@")': MODELS,
    'openai_ft.get_fine_tuning_jobs(model="@")': MODELS,
    JOB + '{"type": "@"})': ["supervised", "dpo", "reinforcement"],
    JOB + '{"type": "dpo", "@": {}})': ["supervised", "dpo", "reinforcement"],
    JOB + '{"type": "dpo", "dpo": {"hyperparameters": {"@": 1}}})': ["n_epochs", "batch_size", "beta"],
    JOB + '{"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": "@"}}})': ["auto"],
    JOB + '{"type": "reinforcement", "reinforcement": {"grader": {"type": "@"}}})': [
        "lambda",
        "multi",
        "python",
        "score_model",
        "string_check",
        "text_similarity",
    ],
    JOB
    + '{"type": "reinforcement", "reinforcement": {"grader": {"type": "string_check", "operation": "@"}}})': [
        "eq",
        "ne",
        "like",
        "ilike",
    ],
    'openai_ft.File("a", purpose="@")': PURPOSES,
    'openai_ft.File("a", validate="@")': ["error", "warn", "off"],
    'openai_ft.File("a", expires_after={"anchor": "@"})': ["created_at"],
    'openai_ft.get_files(purpose="@")': PURPOSES,
    'openai_ft.get_fine_tuning_jobs(status="@")': STATUSES,
    'openai_ft.get_fine_tuning_job("a").status == "@"': STATUSES,
    'openai_ft.FineTuningJob.get("a", "b").status.apply(lambda status: status == "@")': STATUSES,
    'openai_ft.FineTuningJob.get("a", "b").method.apply(lambda method: method["@"])': ["supervised", "dpo"],
    'openai_ft.get_fine_tuning_events("a", level="@")': ["info", "warn", "warning", "error"],
    'openai_ft.get_fine_tuning_events("a", order="@")': ["newest", "oldest"],
    'openai_ft.best_checkpoint("a", by="@")': ["train_loss", "full_valid_loss", "full_valid_reward"],
    'openai_ft.FineTunedModel("a", use_checkpoint="@")': ["best", "last"],
}
"""Programs with a marker at the place of the cursor, and values that the editor offers there."""


@pytest.fixture(scope="module")
def editor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    with LanguageServer(tmp_path_factory.mktemp("editor")) as server:
        yield server


@pytest.mark.parametrize("program", OFFERED)
def test_an_editor_offers_the_values(editor: LanguageServer, program: str) -> None:
    offered = editor.completions(HEADER + program, "@")

    assert [value for value in OFFERED[program] if value not in offered] == []


@pytest.mark.parametrize("name", CONSTRUCTORS)
def test_hovering_shows_an_example_and_arguments(editor: LanguageServer, name: str) -> None:
    shown = editor.hover(f'{HEADER}openai_ft.@{name}("a")', "@")

    assert docstring_example(name) in shown
    assert "Args:" in shown
    assert "training" in shown or "project" in shown


def test_hovering_a_key_shows_its_range(editor: LanguageServer) -> None:
    key = '{"type": "supervised", "supervised": {"hyperparameters": {"n_@epochs": 1}}})'

    assert "Number of passes over the training data, 1 to 50." in editor.hover(HEADER + JOB + key, "@")
