"""Examples, documentation and tests name base models that are available on the day of the emulator."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.docs.pages import ROOT, text_files
from tests.support import REINFORCEMENT_DAY, TODAY

from pulumi_openai_ft.catalog import Catalog

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date
    from pathlib import Path

FILES = text_files(
    "README.md", "CHANGELOG.md", "docs", "examples", "policies", "benchmarks", "src", "tests", "tools"
)
CATALOGS = {service: Catalog.load(service=service) for service in ("openai", "azure", "bedrock")}
NAMES = {
    name for catalog in CATALOGS.values() for entry in catalog.models() for name in (entry.id, *entry.aliases)
}
_NAMED = re.compile(
    rf"(?<![\w.-])({'|'.join(map(re.escape, sorted(NAMES, key=len, reverse=True)))})(?![\w-]|\.\w)"
)
_HEADING = re.compile(r"^#+ ", re.MULTILINE)
ANOTHER_DAY = re.compile(r"\b(REINFORCEMENT_DAY|_every_method)\b")
"""Names of the day on which OpenAI still has a reinforcement model, and of the fixture that makes it that day."""
ALLOWED = {
    "docs/coming-from-terraform.md": "lists the models of the Terraform provider that were shut down",
    "docs/errors.md": "shows the warning about a model that was shut down",
    "docs/openai-api.md": "quotes names and limits from OpenAI's documents",
    "docs/openai-shutdown.md": "lists the models that were shut down",
    "docs/policies.md": "shows a violation because of a model that was shut down",
    "src/pulumi_openai_ft/types.py": "lists the models of all services",
    "src/pulumi_openai_ft/_training_data/tokens.py": "finds encodings by the beginnings of names",
    "tests/cli/test_estimate.py": "the only model with a price by the hour",
    "tests/docs/test_coming_from_terraform.py": "lists the models of the Terraform provider",
    "tests/e2e/policies/test_ci.py": "a policy rejects a model that was shut down",
    "tests/e2e/policies/test_packs.py": "a policy rejects a model that was shut down",
    "tests/e2e/states/0.1.0/__main__.py": "the program of a state that never changes; its test sets the day",
    "tests/contract/test_errors.py": "the service rejects a model that was shut down",
    "tests/emulator/test_control.py": "the service rejects a model that was shut down",
    "tests/emulator/test_jobs.py": "the service rejects models that were shut down",
    "tests/emulator/test_models.py": "the service returns the day of a shutdown",
    "tests/emulator/test_modes.py": "the service does not know a model that was shut down",
    "tests/policies/test_rule.py": "rules judge a model that was shut down",
    "tests/provider/test_fine_tuning_job.py": "the preview warns of a model that was shut down",
    "tests/test_catalog.py": "tests dates of shutdowns",
    "tests/types/test_public_types.py": "a model that no service offers is not listed",
    "tests/training_data/test_cache.py": "an older model selects another encoding",
    "tests/training_data/test_tokens.py": "older models select other encodings",
    "tests/training_data/test_tool_rendering.py": "a published job trained an older model",
}
"""Files that name models that are not available, and why."""


def is_available(name: str, service: str, day: date) -> bool:
    entry, closing = CATALOGS[service].find(name), CATALOGS[service].no_new_jobs_from(None)
    if entry is None or entry.is_shut_down(day) or (closing and closing.value <= day):
        return False
    return bool(entry.methods)


def sections(path: Path) -> list[tuple[str, set[str]]]:
    """Return the text below each heading of a page, or a whole file, and the services that each may mean."""
    text = path.read_text("utf-8")
    place = path.relative_to(ROOT).parts
    if place[0] == "examples" and (project := ROOT.joinpath(*place[:2], "Pulumi.yaml")).exists():
        return [(text, services_of(named_service(project.read_text()) or "openai"))]
    parts = _HEADING.split(text) if path.suffix == ".md" else [text]
    return [(part, {"openai", *(name for name in CATALOGS if name in part.lower())}) for part in parts]


def services_of(example: str) -> set[str]:
    """Return the services whose models an example may name: the emulator has OpenAI's in each mode but Azure's."""
    return {example} if example == "azure" else {example, "openai"} & CATALOGS.keys()


def named_service(project: str) -> str | None:
    found = re.search(r"openai-ft:service:\s+(?:value: )?(\w+)", project)
    return found[1] if found else None


def unavailable(path: Path) -> Iterator[str]:
    for text, services in sections(path):
        days = (TODAY, REINFORCEMENT_DAY) if ANOTHER_DAY.search(text) else (TODAY,)
        for name in _NAMED.findall(text):
            if not any(is_available(name, service, day) for service in services for day in days):
                yield name


WRONG = {str(path.relative_to(ROOT)): names for path in FILES if (names := sorted(set(unavailable(path))))}


def test_named_models_are_available() -> None:
    assert {place: names for place, names in WRONG.items() if place not in ALLOWED} == {}


@pytest.mark.parametrize("place", ALLOWED)
def test_exceptions_are_needed(place: str) -> None:
    assert place in WRONG


def test_the_examples_name_models() -> None:
    named = {
        path.parent.name for path in FILES if "examples" in path.parts and _NAMED.search(path.read_text())
    }

    assert {path.parent.name for path in ROOT.glob("examples/*/Pulumi.yaml")} <= named
