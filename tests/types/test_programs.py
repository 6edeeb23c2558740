"""Type checkers accept correct programs, and report a mistake at its line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.types.checkers import CHECKERS
from tests.types.programs import HEADER, correct, mistakes
from tools.annotations import nested_models

from pulumi_openai_ft.host._schema import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from tests.types.checkers import Finding

    from pulumi_openai_ft._provider.input_models import InputModel

pytestmark = [pytest.mark.xdist_group("type checkers"), pytest.mark.timeout(600)]
JOB = 'openai_ft.FineTuningJob("job", model="gpt-4o-mini", training_file="file-1", '
GRADED = JOB + 'method={"type": "reinforcement", "reinforcement": {"grader": '
FREQUENT = {
    "a hyperparameter": JOB
    + 'method={"type": "supervised", "supervised": {"hyperparameters": {"n_epoch": 3}}})',
    "the method's type": JOB + 'method={"type": "supervise"})',
    "the method's key": JOB + 'method={"type": "supervised", "supervise": {}})',
    "a method without a type": JOB + 'method={"supervised": {}})',
    "hyperparameters of the method": JOB
    + 'method={"type": "supervised", "hyperparameters": {"n_epochs": 3}})',
    "hyperparameters without a level": JOB + 'method={"type": "supervised", "supervised": {"n_epochs": 3}})',
    "beta of a supervised job": JOB
    + 'method={"type": "supervised", "supervised": {"hyperparameters": {"beta": 0.1}}})',
    "automatic": JOB
    + 'method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": "automatic"}}})',
    "a list of hyperparameters": JOB
    + 'method={"type": "supervised", "supervised": {"hyperparameters": [{"n_epochs": 3}]}})',
    "the method as text": JOB + 'method="supervised")',
    "hyperparameters as an input": JOB + 'hyperparameters={"n_epochs": 3})',
    "the grader's type": GRADED + '{"type": "stringcheck"}}})',
    "the grader's operation": GRADED
    + '{"type": "string_check", "name": "a", "operation": "equals", "input": "a", "reference": "b"}}})',
    "a field of another grader": GRADED
    + '{"type": "python", "source": "def grade(sample, item): return 1", "calculate_output": "a"}}})',
    "a grader without a field": GRADED + '{"type": "multi", "graders": {}}}})',
    "a label model on its own": GRADED
    + '{"type": "label_model", "name": "a", "model": "gpt-4.1", "input": [], "labels": ["a"], "passing_labels": ["a"]}}})',
    "a grader in the place of a list": GRADED
    + '{"type": "score_model", "name": "a", "model": "gpt-4.1", "input": {"role": "user", "content": "a"}}}})',
    "a role": GRADED
    + '{"type": "score_model", "name": "a", "model": "gpt-4.1", "input": [{"role": "usr", "content": "a"}]}}})',
    "a reinforcement job without a grader": JOB + 'method={"type": "reinforcement", "reinforcement": {}})',
    "an integration that is no list": JOB + 'integrations={"type": "wandb", "wandb": {"project": "a"}})',
    "the integration's key": JOB + 'integrations=[{"type": "wandb", "wandb": {"projekt": "a"}}])',
    "the integration's type": JOB + 'integrations=[{"type": "weights", "wandb": {"project": "a"}}])',
    "a number in metadata": JOB + 'metadata={"run": 3})',
    "a text as seed": JOB + 'seed="seven")',
    "the purpose": 'openai_ft.File("data", file="data.jsonl", purpose="finetune")',
    "the validation": 'openai_ft.File("data", file="data.jsonl", validate="warning")',
    "the lifetime's anchor": 'openai_ft.File("data", expires_after={"anchor": "created", "seconds": 3600})',
    "the lifetime's unit": 'openai_ft.File("data", expires_after={"anchor": "created_at", "hours": 1})',
    "the lifetime as a number": 'openai_ft.File("data", file="data.jsonl", expires_after=3600)',
    "a permission that is denied": 'openai_ft.FineTuningCheckpointPermission("a", checkpoint_id="ft:a", project_ids=[], '
    "allow_view=False)",
    "a component's method": 'openai_ft.FineTunedModel("a", model="gpt-4o-mini", training_file="a", method={"type": "sft"})',
    "a component's input": 'openai_ft.FineTunedModel("a", model="gpt-4o-mini", training_file="a", suffixx="a")',
    "an event's level": 'openai_ft.get_fine_tuning_events("ftjob-1", level="warnings")',
    "a metric": 'openai_ft.best_checkpoint("ftjob-1", by="loss")',
    "a checkpoint": 'openai_ft.FineTunedModel("a", model="m", training_file="a", use_checkpoint="first")',
    "an event's order": 'openai_ft.get_fine_tuning_events_output("ftjob-1", order="newest_first")',
    "a key of an output": 'openai_ft.FineTuningJob.get("a", "ftjob-1").method.apply(lambda method: method["supervise"])',
    "an annotated dictionary": 'settings: openai_ft.types.SupervisedHyperparametersArgsDict = {"n_epochz": 3}',
    "a field of a result": 'openai_ft.get_fine_tuning_job("ftjob-1").tokens',
}
"""Frequent mistakes, each in one statement."""


MISTAKES = list(mistakes())
SAMPLED = 5
"""Of this many mistakes, mypy checks one: it takes a third of a second for each."""


def findings(
    checker: str, programs: dict[str, str], folder: Path, config: pytest.Config
) -> dict[str, list[Finding]]:
    """Return the errors of a type checker by program."""
    for name, text in programs.items():
        (folder / f"{name}.py").write_text(text)
    assert config.cache
    found: dict[str, list[Finding]] = {name: [] for name in programs}
    for one in CHECKERS[checker](folder, config.cache.mkdir("mypy")):
        found[one.file.removesuffix(".py")].append(one)
    return found


@pytest.mark.parametrize("checker", ["mypy", pytest.param("pyright", marks=pytest.mark.long)])
def test_correct_programs_have_no_error(checker: str, tmp_path: Path, pytestconfig: pytest.Config) -> None:
    found = findings(checker, correct(), tmp_path, pytestconfig)

    assert [one for errors in found.values() for one in errors] == []


@pytest.mark.parametrize(
    ("checker", "statements"),
    [
        pytest.param("mypy", FREQUENT.values(), id="mypy-frequent"),
        pytest.param("mypy", MISTAKES[::SAMPLED], id="mypy-sample", marks=pytest.mark.long),
        pytest.param("pyright", [*FREQUENT.values(), *MISTAKES], id="pyright", marks=pytest.mark.long),
    ],
)
def test_each_mistake_is_reported_at_its_line(
    checker: str, statements: Collection[str], tmp_path: Path, pytestconfig: pytest.Config
) -> None:
    program = HEADER + "\n".join(statements)

    found = findings(checker, {"mistakes": program}, tmp_path, pytestconfig)

    messages = "\n".join(one.message for one in found["mistakes"])
    lines = {one.line for one in found["mistakes"]}
    first = len(HEADER.splitlines()) + 1
    assert [text for line, text in enumerate(statements, first) if line not in lines] == []
    assert ("n_epochz" in messages) == ("n_epochz" in program)  # an annotation makes the message name the key


@pytest.mark.parametrize("resource", RESOURCES.values())
def test_mistakes_cover_every_key(resource: type[InputModel]) -> None:
    text = "\n".join(MISTAKES)
    models = [resource, *nested_models(resource)]

    assert [name for model in models for name in model.model_fields if f"{name}x" not in text] == []
