"""Type checkers accept correct programs, and report a mistake at its line."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from tests.types.checkers import CHECKERS
from tests.types.programs import HEADER, correct, mistakes

if TYPE_CHECKING:
    from tests.types.checkers import Finding

pytestmark = [pytest.mark.xdist_group("type checkers"), pytest.mark.timeout(300)]
JOB = 'openai_ft.FineTuningJob("job", model="gpt-4o-mini", training_file="file-1", '
GRADED = JOB + 'method={"type": "reinforcement", "reinforcement": {"grader": '
FREQUENT = {
    "a hyperparameter": JOB + 'method={"type": "supervised", "supervised": {"hyperparameters": {"n_epoch": 3}}})',
    "the method's type": JOB + 'method={"type": "supervise"})',
    "the method's key": JOB + 'method={"type": "supervised", "supervise": {}})',
    "a method without a type": JOB + 'method={"supervised": {}})',
    "hyperparameters of the method": JOB + 'method={"type": "supervised", "hyperparameters": {"n_epochs": 3}})',
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
    "a component's input": 'openai_ft.FineTunedModel("a", model="gpt-4o-mini", training_file="a", sufix="a")',
    "an event's level": 'openai_ft.get_fine_tuning_events("ftjob-1", level="warnings")',
    "an event's order": 'openai_ft.get_fine_tuning_events_output("ftjob-1", order="newest_first")',
    "a key of an output": 'openai_ft.get_fine_tuning_job("ftjob-1").method.get("supervised", {})["hyperparameter"]',
    "a field of a result": 'openai_ft.get_fine_tuning_job("ftjob-1").tokens',
}
"""Frequent mistakes, each in one statement."""


class Checked(NamedTuple):
    """The results of a type checker.

    Attributes:
        unexpected: Errors in correct programs.
        missed: Statements with a mistake, and without an error at their line.
        count: Number of statements with a mistake.
    """

    unexpected: list[Finding]
    missed: list[str]
    count: int


@pytest.fixture(
    scope="module", params=["mypy", pytest.param("pyright", marks=pytest.mark.long)], name="checked"
)
def _checked(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> Checked:
    folder = tmp_path_factory.mktemp("programs")
    for name, text in correct().items():
        (folder / f"{name}.py").write_text(text)
    statements = [*FREQUENT.values(), *mistakes()]
    wrong = folder / "mistakes.py"
    wrong.write_text(HEADER + "\n".join(statements))
    assert request.config.cache
    found = CHECKERS[request.param](folder, request.config.cache.mkdir("mypy"))
    lines = {one.line for one in found if one.file == wrong.name}
    first = len(HEADER.splitlines()) + 1
    return Checked(
        [one for one in found if one.file != wrong.name],
        [text for line, text in enumerate(statements, first) if line not in lines],
        len(statements),
    )


def test_correct_programs_have_no_error(checked: Checked) -> None:
    assert checked.unexpected == []


def test_each_mistake_is_reported_at_its_line(checked: Checked) -> None:
    assert checked.missed == []
    assert checked.count > len(FREQUENT) + 200
