"""The page for Terraform users lists every feature of the Terraform examples, and each replacement exists."""

from __future__ import annotations

import inspect
import json
import re
import shlex
from typing import TYPE_CHECKING, Any, get_args

import pulumi
import pytest
from pydantic import BaseModel
from tests.docs.pages import PAGES, ROOT, samples

import pulumi_openai_ft
from pulumi_openai_ft._program.functions.lookups import LOOKUPS
from pulumi_openai_ft._settings import CONFIG_NAMESPACE, SOURCES
from pulumi_openai_ft.cli.main import main
from pulumi_openai_ft.host._schema import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGE = PAGES["coming-from-terraform"]
BLOCKS = {
    "openai_file": "file purpose id",
    "openai_fine_tuning_job": (
        "model training_file suffix method supervised dpo hyperparameters n_epochs batch_size learning_rate_multiplier "
        "beta integrations wandb project name tags type cancel_after_timeout id status fine_tuned_model"
    ),
    "openai_fine_tuning_checkpoint_permission": "checkpoint_id project_ids allow_view allow_create",
    "data.openai_fine_tuning_job": "fine_tuning_job_id",
    "data.openai_fine_tuning_jobs": "jobs",
    "data.openai_fine_tuning_checkpoints": "fine_tuning_job_id checkpoints checkpoints[0].id",
    "data.openai_fine_tuning_events": "fine_tuning_job_id limit events events[0].message",
    "data.openai_fine_tuning_checkpoint_permissions": "checkpoint_id",
}
"""Resources and data sources of the Terraform examples, with the arguments and attributes that they use."""
ARGUMENTS = [(block, name) for block, names in BLOCKS.items() for name in names.split()]
OTHER_FEATURES = [
    *["OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORGANIZATION"],
    *["admin_api_key", "use_admin_key", "project_id", "checkpoint_id"],
    *["resource", "data", "output", "variable", "count", "lifecycle", "ignore_changes"],
    *["terraform init", "terraform apply", "terraform import", "terraform destroy", "-var", "-target"],
    *["main.tf", "checkpoints.tf", "data_source_examples.tf", "data/"],
    *[
        "1_basic_fine_tuning.tf",
        "2_supervised_fine_tuning.tf",
        "3_dpo_fine_tuning.tf",
        "4_wandb_integration.tf",
    ],
    *["5_timeout_example.tf", "7_checkpoint_permissions.tf"],
    *["README-CHECKPOINT-PERMISSIONS.md", "README-PERMISSIONS.md"],
]
"""Other keys, variables, keywords, commands and files of the Terraform examples."""
MODELS = [
    *["gpt-4o-2024-08-06", "gpt-4o-mini-2024-07-18", "gpt-4-0613"],
    *["gpt-3.5-turbo-0125", "gpt-3.5-turbo-1106", "gpt-3.5-turbo-0613"],
]
_CODE = re.compile(r"`([^`\n]+)`")
FUNCTIONS = {lookup.function: lookup for lookup in LOOKUPS.values()}


def tables() -> Iterator[list[list[str]]]:
    """Yield the page's tables as rows of cells, header first."""
    for table in re.findall(r"(?:^\|.*\|\n)+", PAGE, re.MULTILINE):
        rows = [[cell.strip() for cell in line.strip("|\n").split(" | ")] for line in table.splitlines()]
        yield [rows[0], *rows[2:]]


def column(rows: list[list[str]], number: int) -> list[str]:
    return [code for row in rows if len(row) > number for code in _CODE.findall(row[number])]


CODES = _CODE.findall(re.sub(r"```.*?```", "", PAGE, flags=re.DOTALL))
BY_BLOCK = {code: rows for head, *rows in tables() for code in column([head], 0)}
FIRST_COLUMNS = [code for table in tables() for code in column(table, 0)]


def test_all_resources_and_data_sources_have_their_table() -> None:
    assert BY_BLOCK.keys() == BLOCKS.keys()


@pytest.mark.parametrize(("block", "name"), ARGUMENTS)
def test_each_argument_is_found_at_its_block(block: str, name: str) -> None:
    assert name in column(BY_BLOCK[block], 0)


@pytest.mark.parametrize("name", OTHER_FEATURES)
def test_each_other_feature_is_found_by_its_name(name: str) -> None:
    assert any(re.search(rf"(?<![\w.-]){re.escape(name)}(?!\w)", code) for code in FIRST_COLUMNS)


@pytest.mark.parametrize("model", MODELS)
def test_each_model_is_mentioned(model: str) -> None:
    assert f"`{model}`" in PAGE


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from models_in(part)


def has_field(model: type[BaseModel], path: list[str]) -> bool:
    field = model.model_fields.get(path[0])
    if field is None or len(path) == 1:
        return field is not None
    return any(has_field(inner, path[1:]) for inner in models_in(field.annotation))


def is_of(owner: str, name: str) -> bool:
    """Return whether a resource or function of this package has an input, output, argument or field of this
    name.
    """
    path = name.split(".")
    if owner in FUNCTIONS:
        lookup = FUNCTIONS[owner]
        return has_field(lookup.arguments, path) or has_field(lookup.result, path)
    resource = getattr(pulumi_openai_ft, owner)
    return name == "id" or name in resource.__annotations__ or has_field(RESOURCES[resource], path)


OF_OWNERS = [
    (owner, name)
    for head, *rows in tables()
    for owner in column([head], 1)
    for name in column(rows, 1)
    if owner in dir(pulumi_openai_ft)
]


def test_the_package_has_each_resource_and_data_source() -> None:
    assert {owner for owner, _ in OF_OWNERS} == {
        "File",
        "FineTuningJob",
        "FineTuningCheckpointPermission",
        *(name for name in FUNCTIONS if name.startswith("get_fine_tuning_")),
    } - {"get_fine_tuning_metrics"}  # Terraform's providers have no data source for metrics


@pytest.mark.parametrize(("owner", "name"), OF_OWNERS)
def test_names_in_tables_exist(owner: str, name: str) -> None:
    assert is_of(owner, name)


def named(pattern: str) -> list[str]:
    names = sorted({found for code in CODES for found in re.findall(pattern, code)})
    assert names, f"no text on the page matches {pattern}"
    return names


def test_the_folders_of_examples_exist() -> None:
    folders = named(r"examples/(\w+)")

    assert len(folders) > 10
    assert [folder for folder in folders if not (ROOT / "examples" / folder).is_dir()] == []


def test_every_example_is_on_the_page() -> None:
    folders = {path.parent.name for path in (ROOT / "examples").glob("*/Pulumi.yaml")}

    assert folders <= set(named(r"examples/(\w+)"))


def test_settings_exist() -> None:
    variables = {variable for source in SOURCES.values() for variable in source.environment}
    keys = {source.config_key for source in SOURCES.values()}

    assert set(named(r"\bOPENAI_\w+")) <= variables
    assert set(named(rf"{CONFIG_NAMESPACE}:(\w+)")) <= keys


def test_names_in_sentences_exist() -> None:
    options = inspect.signature(pulumi.ResourceOptions).parameters

    assert [name for name in named(r"\bopenai_ft\.(\w+)") if not hasattr(pulumi_openai_ft, name)] == []
    assert [name for name in named(r"\bpulumi\.([A-Z]\w+|export)") if not hasattr(pulumi, name)] == []
    assert [name for name in named(r"\.ResourceOptions\((\w+)=") if name not in options] == []


def test_the_command_prints_what_the_page_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    checkpoint = "ft:gpt-4o-mini-2024-07-18:org:shop:ABcDeFgH"
    job = {"id": "ftjob-1", "model": "gpt-4o-mini-2024-07-18", "training_file": "file-1"}
    state = [
        resource("openai_file", "training_data", {"id": "file-1"}),
        resource("openai_fine_tuning_job", "custom_model", job),
        resource(
            "openai_fine_tuning_checkpoint_permission",
            "share",
            {"id": "cp_1", "checkpoint_id": checkpoint, "project_ids": ["proj_a"]},
        ),
    ]
    project, infra = tmp_path / "project", tmp_path / "infra"
    for folder in (project, infra):
        folder.mkdir()
    (infra / "terraform.tfstate").write_text(json.dumps({"version": 4, "resources": state}))
    monkeypatch.chdir(project)
    command, output = (
        item.text
        for item in samples("coming-from-terraform")
        if "from_terraform" in item.text.replace("-", "_")
    )

    assert main(shlex.split(command)[1:]) == 0

    shown = output.removesuffix("…\n")
    assert len(shown) < len(output)
    assert capsys.readouterr().out.startswith(shown)


def resource(kind: str, name: str, attributes: dict[str, Any]) -> dict[str, Any]:
    return {
        "mode": "managed",
        "type": kind,
        "name": name,
        "provider": 'provider["registry.terraform.io/mkdev-me/openai"]',
        "instances": [{"attributes": attributes}],
    }
