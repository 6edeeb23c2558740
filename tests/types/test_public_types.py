"""`types.py` has the keys and texts of the models, and the package's public names have known types."""

from __future__ import annotations

import ast
import inspect
import json
import re
import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any, get_args

import pytest
from tests.support import TODAY
from tools.annotations import nested_models
from tools.docs.types import constraints

from pulumi_openai_ft import types
from pulumi_openai_ft._client.objects import Event, FileObject, Job, JobError
from pulumi_openai_ft._service_profiles import PROFILES
from pulumi_openai_ft.catalog import Catalog
from pulumi_openai_ft.host._schema import RESOURCES

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import BaseModel

NESTED = list(dict.fromkeys(model for top in RESOURCES.values() for model in nested_models(top)))
SERVICE_HYPERPARAMETERS = {name for one in PROFILES.values() for name in one.hyperparameters} - {"*"}
TREE = ast.parse(inspect.getsource(types))
PUBLIC = [one.name for one in TREE.body if isinstance(one, ast.ClassDef)]


def docstrings(name: str) -> dict[str, str]:
    """Return the docstrings of the keys of a TypedDict."""
    (body,) = (one.body for one in TREE.body if isinstance(one, ast.ClassDef) and one.name == name)
    return {
        key.target.id: inspect.cleandoc(str(text.value.value))
        for key, text in pairwise(body)
        if isinstance(key, ast.AnnAssign)
        and isinstance(key.target, ast.Name)
        and isinstance(text, ast.Expr)
        and isinstance(text.value, ast.Constant)
    }


@pytest.mark.parametrize("model", NESTED)
def test_keys_and_requirements_match_the_model(model: type[BaseModel]) -> None:
    typed: Any = getattr(types, f"{model.__name__}ArgsDict")
    more = SERVICE_HYPERPARAMETERS if "Hyperparameters" in model.__name__ else set()

    assert typed.__required_keys__ == {
        name for name, field in model.model_fields.items() if field.is_required()
    }
    assert typed.__required_keys__ | typed.__optional_keys__ == model.model_fields.keys() | more


@pytest.mark.parametrize("model", NESTED)
def test_docstrings_contain_the_ranges(model: type[BaseModel]) -> None:
    texts = docstrings(f"{model.__name__}ArgsDict")
    properties = model.model_json_schema()["properties"]
    missing = {
        name: number
        for name, text in texts.items()
        for constraint in constraints(properties.get(name, {}))
        for number in re.findall(r"[\d.]+", constraint)
        if number not in text
    }

    assert missing == {}


@pytest.mark.parametrize("name", PUBLIC)
def test_each_type_and_each_key_has_a_docstring(name: str) -> None:
    typed: Any = getattr(types, name)
    keywords = {"lambda"}  # a class cannot declare it

    assert inspect.getdoc(typed)
    assert docstrings(name).keys() | keywords >= typed.__annotations__.keys()


def test_errors_of_jobs_have_the_keys_of_the_api() -> None:
    assert types.JobErrorDict.__required_keys__ == JobError.model_fields.keys()


@pytest.mark.parametrize(
    ("values", "model", "field"),
    [
        (types.JobStatus, Job, "status"),
        (types.FileStatus, FileObject, "status"),
        (types.EventType, Event, "type"),
    ],
)
def test_known_values_are_those_of_the_description(values: Any, model: type[BaseModel], field: str) -> None:
    described = re.findall(r"`([\w-]+)`", str(model.model_fields[field].description))

    assert set(get_args(values)) == set(described) - {"unknown"}


@pytest.mark.parametrize("service", ["openai", "azure", "bedrock"])
def test_models_that_a_service_offers_are_listed(service: str) -> None:
    entries = [entry for entry in Catalog.load(service=service).models() if entry.methods]
    offered = [entry for entry in entries if not entry.is_shut_down(TODAY)]
    names = [name for entry in offered for name in (entry.id, *entry.aliases)]

    assert names
    assert [name for name in names if name not in get_args(types.ModelName)] == []


def test_models_that_no_service_offers_are_not_listed() -> None:
    assert "davinci-002" not in get_args(types.ModelName)


def test_importing_the_package_does_not_import_types() -> None:
    code = "import sys, pulumi_openai_ft as p; p.FineTuningJob; sys.exit('pulumi_openai_ft.types' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.long
def test_all_public_names_have_known_types(tmp_path: Path) -> None:
    command = ["pyright", "--verifytypes", "pulumi_openai_ft", "--ignoreexternal", "--outputjson"]
    command = [*command, "--pythonpath", sys.executable]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    result = json.loads(done.stdout)["typeCompleteness"]

    vague = [one["name"] for one in result["symbols"] if not one["isTypeKnown"] or one["isTypeAmbiguous"]]
    assert vague == []
    assert result["completenessScore"] == 1
