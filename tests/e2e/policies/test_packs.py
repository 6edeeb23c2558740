"""Policy packs with the real engine: prevented creates, remediations, and rules that run too late."""

from __future__ import annotations

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.conftest import ON_BOTH_HOSTS
from tests.support import write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = pytest.mark.e2e
PACK = str(Path(__file__).parents[3] / "policies")
KEY = "sk-proj-made-up-0123456789abcdef"
LASTING_CATALOG = json.dumps(
    {"gpt-4o-mini-2024-07-18": {"shutdown_date": "2099-01-01", "no_new_jobs_from": "2099-01-01"}}
)
"""A catalog in which the model is available on any date."""
PROGRAM = """
import pulumi
import pulumi_openai_ft as openai_ft

config = pulumi.Config()
data = openai_ft.File("data", file="data.jsonl", purpose=config.get("purpose") or "fine-tune")
job = openai_ft.FineTuningJob(
    "job",
    model=config.get("model") or "gpt-4o-mini-2024-07-18",
    training_file=data,
    suffix=config.get("suffix"),
    wait_for_completion=config.get_bool("wait"),
    method={"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}},
)
"""
OVERFITTED = """
import pulumi_openai_ft as openai_ft

data = openai_ft.File("data", file="data.jsonl")
checks = openai_ft.File("checks", file="checks.jsonl")
common = {
    "model": "gpt-4o-mini-2024-07-18",
    "training_file": data,
    "validation_file": checks,
    "method": {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 10}}},
}
openai_ft.FineTuningJob("last", suffix="last", **common)
openai_ft.FineTunedModel("best", suffix="best", use_checkpoint="best", **common)
"""
DOCS = (Path(__file__).parents[3] / "docs" / "policies.md").read_text()
_, DOCUMENTED_PACK = re.findall(r"```python\n(.*?)```", DOCS, re.DOTALL)
"""The custom policy pack from the documentation."""


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    made = make_stack(PROGRAM)
    write_training_data(made.folder / "data.jsonl")
    made.configure(**{"openai-ft:catalog": LASTING_CATALOG})
    return made


def configured(stack: Stack, **rules: Any) -> list[str]:
    """Return the options that apply this repository's pack with a configuration."""
    file = stack.folder / "rules.json"
    file.write_text(json.dumps({name.replace("_", "-"): value for name, value in rules.items()}))
    return ["--policy-pack", PACK, "--policy-pack-config", str(file)]


def openai_ft(stack: Stack, *arguments: str) -> str:
    """Run the command and return its output."""
    command = [str(Path(sys.executable).with_name("openai-ft")), *arguments]
    done = subprocess.run(
        command, cwd=stack.folder, env=stack.environment, check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.mark.core
def test_a_mandatory_violation_stops_the_update_before_any_create(stack: Stack, service: Emulator) -> None:
    stack.configure(model="gpt-4.1-nano")

    result = stack.pulumi("up", "--yes", "--policy-pack", PACK, code=None)

    assert result.code != 0
    assert (
        "- [mandatory]  fine-tuning-supported-model  (pulumi-python:dynamic/openai_ft:FineTuningJob: job)\n"
        in result.text
    )
    assert "model: 'gpt-4.1-nano': OpenAI shut it down on 2026-10-23" in result.text
    assert service.files() == service.jobs() == []
    assert stack.preview("--policy-pack", PACK, code=None).code != 0


@ON_BOTH_HOSTS
@pytest.mark.parametrize(
    "rule", ["fine_tuning_budget", pytest.param("fine_tuning_stack_budget", marks=pytest.mark.long)]
)
def test_a_budget_stops_a_job_before_anything_is_created(stack: Stack, service: Emulator, rule: str) -> None:
    result = stack.pulumi("up", "--yes", *configured(stack, **{rule: {"max_tokens": 100}}), code=None)

    assert result.code != 0
    assert re.search(
        r"the estimate of \d+ tokens.* exceeds the limit of 100: use fewer examples", result.text
    )
    assert service.files() == service.jobs() == []
    assert stack.preview(*configured(stack, **{rule: {"max_tokens": 10_000}}), code=None).code == 0


@pytest.mark.long
@ON_BOTH_HOSTS
def test_an_unknown_model_stops_before_any_create(stack: Stack, service: Emulator) -> None:
    stack.configure(model="gpt-4o-minni")
    complete = configured(stack, fine_tuning_supported_model={"complete": True})

    said = stack.pulumi("up", "--yes", *complete, code=None)

    assert said.code != 0
    assert "models: did you mean 'gpt-4o-mini'? Otherwise add the model to `also_known`" in said.text
    assert service.files() == service.jobs() == []
    admitted = {"complete": True, "also_known": ["gpt-4o-minni"]}
    assert stack.preview(*configured(stack, fine_tuning_supported_model=admitted), code=None).code == 0


@pytest.mark.long
@ON_BOTH_HOSTS
def test_a_model_of_another_job_is_not_checked_before(stack: Stack) -> None:
    chained = 'openai_ft.FineTuningJob("next", model=job.fine_tuned_model, training_file=data)\n'
    (stack.folder / "__main__.py").write_text(f"{PROGRAM}{chained}")
    complete = configured(stack, fine_tuning_supported_model={"complete": True})

    assert stack.pulumi("up", "--yes", *complete, code=None).code == 0


def test_without_a_preview_a_violation_stops_only_later_resources(stack: Stack, service: Emulator) -> None:
    """A resource rule stops its resource; resources that were registered before are created."""
    stack.configure(model="gpt-4.1-nano")

    assert stack.up("--policy-pack", PACK, code=None).code != 0

    assert len(service.files()) == 1
    assert service.jobs() == []


def test_stack_rules_need_a_preview_to_prevent_creation(stack: Stack, service: Emulator) -> None:
    (stack.folder / "__main__.py").write_text(f'{PROGRAM}pulumi.export("exported", "{KEY}")\n')
    guarded = configured(stack, no_keys_in_outputs="mandatory")

    assert stack.pulumi("up", "--yes", *guarded, code=None).code != 0
    assert service.jobs() == []

    result = stack.up(*guarded, code=None)
    assert result.code != 0
    assert "exported: this output contains a key: remove it" in result.text
    assert len(service.jobs()) == 1


@ON_BOTH_HOSTS
def test_a_file_of_another_purpose_is_found_at_preview(stack: Stack) -> None:
    stack.configure(purpose="batch")

    result = stack.preview("--policy-pack", PACK, code=None)

    assert result.code != 0
    assert (
        'training_file: File "data" has the purpose \'batch\': set purpose="fine-tune" on that resource'
        in result.text
    )


def test_only_a_published_overfitted_model_is_reported(make_stack: Callable[..., Stack]) -> None:
    """Both jobs overfit, but the component publishes an earlier checkpoint."""
    stack = make_stack(OVERFITTED)
    write_training_data(stack.folder / "data.jsonl")
    write_training_data(stack.folder / "checks.jsonl", answer="Ask the support.")
    stack.configure(**{"openai-ft:catalog": LASTING_CATALOG})
    stack.up()

    result = stack.preview("--policy-pack", PACK).text
    found = json.loads(openai_ft(stack, "policy", "check", "--json", "--stack", "dev"))

    assert result.count("[advisory]  fine-tuning-quality") == 1
    assert "fine-tuning-quality  (pulumi-python:dynamic/openai_ft:FineTuningJob: last)" in result
    assert "above its best of" in result
    assert [one["name"] for one in found if one["rule"] == "fine-tuning-quality"] == ["last"]


@pytest.mark.core
def test_an_advisory_violation_warns(stack: Stack) -> None:
    stack.configure(suffix="Support")

    result = stack.preview("--policy-pack", PACK).text

    assert (
        "- [advisory]  fine-tuning-suffix  (pulumi-python:dynamic/openai_ft:FineTuningJob: job)\n" in result
    )
    assert "suffix: 'Support' is invalid: must match" in result


def test_a_remediation_changes_the_created_resource(stack: Stack, service: Emulator) -> None:
    remedied = configured(
        stack,
        fine_tuning_deadline="remediate",
        fine_tuning_metadata={"enforcementLevel": "remediate", "values": {"owner": "platform"}},
    )

    result = stack.pulumi("up", "--yes", *remedied).text

    (job,) = service.jobs()
    assert job["metadata"]["owner"] == "platform"
    (created,) = (
        entry
        for entry in json.loads(stack.export())["deployment"]["resources"]
        if entry.get("id") == job["id"]
    )
    assert created["inputs"]["cancel_after_timeout"] == 86400
    assert "fine-tuning-deadline" in result
    stack.preview("--expect-no-changes", *remedied)


@pytest.mark.long
def test_a_job_without_waiting_is_reported_instead_of_remediated(stack: Stack) -> None:
    stack.configure(wait="false")

    result = stack.preview(*configured(stack, fine_tuning_deadline="remediate"), code=None)

    assert result.code != 0
    assert "wait_for_completion: is False, so the job would never be cancelled" in result.text


def test_the_configuration_changes_levels_and_limits(stack: Stack) -> None:
    strict = configured(stack, fine_tuning_epochs={"enforcementLevel": "mandatory", "max": 2})
    result = stack.preview(*strict, code=None)
    assert result.code != 0
    assert "n_epochs: 3 exceeds 2: set it to 2 or less" in result.text

    stack.configure(model="gpt-4.1-nano")
    stack.preview(*configured(stack, fine_tuning_supported_model="disabled"))


def test_an_invalid_configuration_is_rejected_before_the_preview(stack: Stack) -> None:
    result = stack.preview(*configured(stack, fine_tuning_epochs={"max": "many"}), code=None)

    assert result.code != 0
    assert "fine-tuning-epochs: max: Invalid type. Expected: integer, given: string" in result.text


def test_several_packs_apply_together(stack: Stack, tmp_path: Path) -> None:
    stack.configure(suffix="Support")
    other = tmp_path / "rules"
    other.mkdir()
    (other / "__main__.py").write_text(DOCUMENTED_PACK)
    options = f"{{virtualenv: {os.path.relpath(sys.prefix, other)}}}"
    (other / "PulumiPolicy.yaml").write_text(
        f"runtime: {{name: python, options: {options}}}\nversion: 2.0.0\n"
    )

    result = stack.preview("--policy-pack", PACK, "--policy-pack", str(other), code=None)

    assert result.code != 0
    assert "openai-ft@v1.0.0 (local: " in result.text
    assert "shop@v2.0.0 (local: " in result.text  # long paths are abbreviated
    assert "- [mandatory]  shop-suffix  (pulumi-python:dynamic/openai_ft:FineTuningJob: job)" in result.text
    assert result.text.count("- [advisory]  fine-tuning-suffix") == 2


def test_keys_in_the_configuration_must_be_secrets(stack: Stack) -> None:
    stack.configure(plain=KEY)
    stack.pulumi("config", "set", "--secret", "kept", f"{KEY}-2")
    stack.pulumi("config", "set", "--secret", "openai-ft:apiKey", stack.environment["OPENAI_API_KEY"])

    result = stack.preview("--policy-pack", PACK, code=None)

    assert result.code != 0
    assert result.text.count("no-keys-in-properties") == 1
    assert (
        "shop:plain: is a plaintext key: create a new key, and run `pulumi config set --secret shop:plain`"
        in result.text
    )
    assert KEY not in result.text


def test_a_secret_is_not_shown(stack: Stack) -> None:
    stack.pulumi("config", "set", "--secret", "suffix", "Hush")
    (stack.folder / "__main__.py").write_text(
        PROGRAM.replace('config.get("suffix")', 'config.get_secret("suffix")')
    )

    result = stack.preview("--policy-pack", PACK).text

    assert "suffix: [secret] is invalid" in result
    assert "Hush" not in result


def test_values_that_are_not_known_yet_can_be_reported(stack: Stack) -> None:
    (stack.folder / "__main__.py").write_text(PROGRAM.replace('config.get("suffix")', "data.id"))

    assert "fine-tuning-suffix" not in stack.preview("--policy-pack", PACK).text
    strict = configured(stack, fine_tuning_suffix={"enforcementLevel": "mandatory", "unknowns": "report"})
    result = stack.preview(*strict, code=None)
    assert result.code != 0
    assert "suffix: the value is not known yet, so this rule cannot check it" in result.text


@pytest.mark.parametrize(
    "runtime",
    [pytest.param("python", marks=pytest.mark.long), "{name: python, options: {virtualenv: venv}}"],
)
def test_init_writes_a_pack_that_runs(stack: Stack, runtime: str) -> None:
    (stack.folder / "venv").symlink_to(sys.prefix)
    file = stack.folder / "Pulumi.yaml"
    file.write_text(file.read_text().replace("runtime: python", f"runtime: {runtime}"))
    openai_ft(stack, "init", "--policies")
    stack.configure(suffix="Support")

    assert "fine-tuning-suffix" in stack.preview("--policy-pack", "policies").text


@pytest.mark.parametrize("is_configured", [True, pytest.param(False, marks=pytest.mark.long)])
def test_a_plaintext_admin_key_is_rejected(stack: Stack, *, is_configured: bool) -> None:
    share = 'openai_ft.FineTuningCheckpointPermission("share", checkpoint_id="ft:x", project_ids=["proj_b"])'
    (stack.folder / "__main__.py").write_text(f"{PROGRAM}{share}\n")
    if is_configured:
        stack.configure(**{"openai-ft:adminKey": stack.environment.pop("OPENAI_ADMIN_KEY")})

    result = stack.preview("--policy-pack", PACK, code=None).text

    assert ("- [mandatory]  checkpoint-permission-admin-key" in result) == is_configured
    assert ("openai-ft:adminKey is stored in plaintext" in result) == is_configured


@pytest.mark.long
def test_the_pack_adds_little_cpu_time(make_stack: Callable[..., Stack], tmp_path: Path) -> None:
    """All rules add at most 1.5 s of CPU time to a preview of the complete workflow (median of three pairs)."""
    examples = Path(PACK).with_name("examples")
    shutil.copytree(examples / "data", tmp_path / "data")
    stack = make_stack((examples / "complete_workflow" / "__main__.py").read_text())
    stack.preview()

    def cpu_seconds(*options: str) -> float:
        before = os.times()
        stack.preview(*options, code=None)
        after = os.times()
        return sum(after[2:4]) - sum(before[2:4])

    additional = [cpu_seconds("--policy-pack", PACK) - cpu_seconds() for _ in range(3)]

    assert statistics.median(additional) <= 1.5, additional
