"""Checks of the whole package: its structure, and the completeness of its lists."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import pulumi_openai_ft
from pulumi_openai_ft import functions
from pulumi_openai_ft._provider.checkpoint_permission import CheckpointPermissionInputs
from pulumi_openai_ft._provider.file import FileInputs
from pulumi_openai_ft._provider.job.inputs import FineTuningJobInputs

if TYPE_CHECKING:
    from types import ModuleType

    from pulumi_openai_ft._provider.input_models import InputModel

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "src" / "pulumi_openai_ft"
SERVICE_SIDE = {"emulator", "serve", "server", "trainer"}
"""Packages that import nothing of the rest, so that they have their own rules."""
SOURCES = [path for path in PACKAGE.rglob("*.py") if SERVICE_SIDE.isdisjoint(path.relative_to(PACKAGE).parts)]

INPUTS = {
    pulumi_openai_ft.File: FileInputs,
    pulumi_openai_ft.FineTuningJob: FineTuningJobInputs,
    pulumi_openai_ft.FineTuningCheckpointPermission: CheckpointPermissionInputs,
}


def files_with(pattern: str) -> set[str]:
    return {
        str(path.relative_to(PACKAGE))
        for path in SOURCES
        if re.search(pattern, path.read_text(), re.MULTILINE)
    }


def test_only_transport_imports_the_http_library() -> None:
    assert files_with(r"^\s*(import|from) httpx") == {"_client/transport.py"}


def test_only_client_contains_paths_of_urls() -> None:
    assert files_with(r'"/(files|models|fine_tuning)') == {"_client/client.py"}


def test_only_settings_and_the_clock_read_the_environment() -> None:
    assert files_with(r"os\.environ") == {"_settings.py", "_shared/clock.py"}
    assert files_with(r'"(apiKey|adminKey|OPENAI_(?!FT_)[A-Z_]+)"') == {"_settings.py"}
    assert files_with(r'"OPENAI_FT_[A-Z_]+"') == {"_shared/clock.py"}


def test_only_the_clock_reads_the_time() -> None:
    assert files_with(r"time\.time\b|datetime\.now|date\.today") == {"_shared/clock.py"}


@pytest.mark.parametrize(("resource", "model"), INPUTS.items())
def test_a_resource_accepts_the_inputs_of_its_model(resource: type, model: type[InputModel]) -> None:
    parameters = set(inspect.signature(resource).parameters) - {"resource_name", "opts"}

    assert parameters == set(model.model_fields)


@pytest.mark.parametrize(("resource", "model"), INPUTS.items())
def test_a_resource_requires_the_inputs_its_model_requires(resource: type, model: type[InputModel]) -> None:
    parameters = inspect.signature(resource).parameters.values()
    required = {parameter.name for parameter in parameters if parameter.default is parameter.empty} - {
        "resource_name"
    }

    assert required == {name for name, field in model.model_fields.items() if field.is_required()}


@pytest.mark.parametrize(("resource", "model"), INPUTS.items())
def test_a_resource_documents_its_inputs(resource: type, model: type[InputModel]) -> None:
    documentation = inspect.getdoc(vars(resource)["__init__"]) or ""

    assert [name for name in model.model_fields if f"\n    {name}: " not in documentation] == []


def test_public_names_are_the_same_for_type_checkers() -> None:
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text())
    typed = {alias.asname for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names}

    assert typed == set(dir(pulumi_openai_ft))
    found = {
        name for name in typed if name and getattr(pulumi_openai_ft, name).__name__.split(".")[-1] == name
    }
    assert found == typed


@pytest.mark.parametrize("module", [functions])
def test_names_listed_by_functions_exist(module: ModuleType) -> None:
    assert [name for name in module.__all__ if getattr(module, name).__name__ != name] == []
    with pytest.raises(AttributeError, match="has no attribute 'Lookup'"):
        _ = module.Lookup


def test_a_program_loads_nothing_that_only_providers_need() -> None:
    """A program waits for these imports before it registers its first resource."""
    provider_modules = [
        "httpx",
        "pydantic",
        "tenacity",
        "pulumi_openai_ft._client",
        "pulumi_openai_ft._provider",
    ]
    code = f"import sys; from pulumi_openai_ft import *; print([name for name in {provider_modules} if name in sys.modules])"

    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)

    assert found.stdout == "[]\n"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="Files"):
        getattr(pulumi_openai_ft, "Files")  # noqa: B009 - the type checker rejects the attribute


def test_the_emulator_needs_no_pulumi() -> None:
    code = "import sys, pulumi_openai_ft.emulator.command; sys.exit('pulumi' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_nothing_is_mocked() -> None:
    offenders = [
        path.name
        for path in (ROOT / "tests").rglob("*.py")
        if re.search(r"unittest\.mock|from mock|@patch", path.read_text()) and path != Path(__file__)
    ]

    assert offenders == []
