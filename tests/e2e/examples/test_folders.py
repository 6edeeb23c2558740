"""The contents of the example folders. These tests run no engine."""

from __future__ import annotations

import re

import pytest
import yaml
from tests.e2e.examples.readme_runner import EMULATOR, EXAMPLES, NAMES, ROOT, readme, steps

from pulumi_openai_ft._service_profiles import FEATURES, PROFILES
from pulumi_openai_ft.server.training_data import Summary, inspect_training_data

LONGEST_PROGRAM = 60
STORIES = {
    "azure",
    "basic",
    "bedrock",
    "checkpoint_permissions",
    "complete_workflow",
    "data_sources",
    "dpo",
    "events",
    "gateway",
    "import_existing",
    "nebius",
    "reinforcement",
    "supervised",
    "component",
    "testing",
    "timeout",
    "wandb",
}
OTHER_SERVICES = ("azure", "bedrock", "gateway", "nebius")
"""Examples for users who move from OpenAI to another service."""
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


@pytest.mark.parametrize("example", OTHER_SERVICES)
def test_a_readme_lists_the_missing_features(example: str) -> None:
    section = readme(example).split("\n## Missing features\n")[1].split("\n## ")[0]
    service = yaml.safe_load((EXAMPLES / example / "Pulumi.yaml").read_text())["config"]["openai-ft:service"]

    assert dict(re.findall("^- `(\\w+)`: (.+)$", section, re.MULTILINE)) == {
        feature: name
        for feature, name in FEATURES.items()
        if not PROFILES[service["value"]].supports(feature)
    }


@pytest.mark.parametrize("example", OTHER_SERVICES)
def test_a_readme_names_the_settings_and_untried_parts(example: str) -> None:
    commands = readme(example).split("\n## On the real API\n")[1].split("\n## ")[0]

    assert re.search("^pulumi config set openai-ft:baseUrl https://", commands, re.MULTILINE)
    assert "\npulumi config set --secret openai-ft:apiKey\n" in commands
    assert re.search("^- ", readme(example).split("\n## Not tried\n")[1], re.MULTILINE)


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
