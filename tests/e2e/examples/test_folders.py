"""The contents of the example folders. These tests run no engine."""

from __future__ import annotations

import re

import pytest
from tests.e2e.examples.readme_runner import EMULATOR, EXAMPLES, NAMES, ROOT, readme, steps

from pulumi_openai_ft.server.training_data import Summary, inspect_training_data

LONGEST_PROGRAM = 60
STORIES = {
    "azure",
    "basic",
    "checkpoint_permissions",
    "complete_workflow",
    "data_sources",
    "dpo",
    "events",
    "import_existing",
    "reinforcement",
    "supervised",
    "component",
    "timeout",
    "wandb",
}
DATA = {
    "customer_support": ("supervised", "training_file"),
    "customer_support_validation": ("supervised", "validation_file"),
    "preferences": ("dpo", "training_file"),
    "returns": ("reinforcement", "training_file"),
    "returns_validation": ("reinforcement", "validation_file"),
}
"""The method of each file, and the job input that it is used for."""


def program(example: str) -> str:
    return (EXAMPLES / example / "__main__.py").read_text()


def test_each_story_has_a_folder() -> None:
    assert set(NAMES) == STORIES


def test_the_examples_page_links_to_each_folder() -> None:
    listed = re.findall(r"^\| [^|]* \| `(\w+)` \|", (ROOT / "docs" / "examples.md").read_text(), re.MULTILINE)

    assert sorted(listed) == NAMES


@pytest.mark.parametrize("example", NAMES)
def test_a_program_is_short(example: str) -> None:
    assert len(program(example).splitlines()) <= LONGEST_PROGRAM


@pytest.mark.parametrize("example", NAMES)
def test_a_readme_covers_the_emulator_and_the_real_api(example: str) -> None:
    text, story = readme(example), steps(example)

    assert story[0].output
    assert "pulumi destroy" in story[-1].commands
    assert text.index(EMULATOR) < text.index("\n## On the real API\n")
    assert "We could not run this example against the real" in text.split("\n## On the real API\n")[
        1
    ].replace("\n", " ")


@pytest.mark.parametrize("example", NAMES)
def test_a_readme_names_the_configuration_of_its_program(example: str) -> None:
    expected = re.findall(r'config\.(?:get|require)\w*\("(\w+)"\)', program(example))

    assert [
        name for name in expected if not re.search(rf"`(complete-workflow:)?{name}`", readme(example))
    ] == []


def test_azure_differs_only_in_settings() -> None:
    assert program("azure") == program("basic")


def test_the_component_program_has_at_most_ten_lines() -> None:
    assert len([line for line in program("component").splitlines() if line]) <= 10


@pytest.mark.parametrize("name", DATA)
def test_data_files_are_valid_and_described(name: str) -> None:
    method, param = DATA[name]

    with (EXAMPLES / "data" / f"{name}.jsonl").open("rb") as content:
        found = inspect_training_data(content, method=method, param=param)

    assert isinstance(found, Summary)
    assert f"| `{name}.jsonl` | {found.examples} |" in (EXAMPLES / "data" / "README.md").read_text()


def test_every_data_file_is_described() -> None:
    assert {path.stem for path in (EXAMPLES / "data").glob("*.jsonl")} == set(DATA)
