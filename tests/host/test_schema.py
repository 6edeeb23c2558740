"""The schema matches the models, the engine accepts it, and the programs that the engine prints from it run."""

from __future__ import annotations

import ast
import inspect
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any, get_origin

import pulumi
import pytest
from tests.e2e.conftest import engine  # noqa: F401 - a fixture
from tests.host.schema_support import (
    EXAMPLES,
    UNKNOWN,
    LanguageHost,
    attributes,
    fields_used,
    nested_models,
    resource,
)

import pulumi_openai_ft
from pulumi_openai_ft._program.functions.lookups import LOOKUPS
from pulumi_openai_ft.host._schema import RESOURCES, package_schema, package_schema_json
from pulumi_openai_ft.host._schema_types import ANY_MAP, output_model

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic import BaseModel

TYPE_PREFIX = "pulumi-python:dynamic/openai_ft:"
SCHEMA = package_schema()
KINDS = {kind.__name__: kind for kind in RESOURCES}
GIVEN = [*RESOURCES.values(), *(lookup.arguments for lookup in LOOKUPS.values())]
GOT = [lookup.result for lookup in LOOKUPS.values()]
NESTED = {model.__name__: model for top in [*GIVEN, *GOT] for model in nested_models(top)}
RUNNER = """
import json
import runpy
import pulumi

class Registered(pulumi.runtime.Mocks):
    found = {}

    def new_resource(self, args):
        self.found[args.name] = [args.typ, args.inputs]
        return f"{args.name}-id", args.inputs

    def call(self, args):
        return {}

pulumi.runtime.set_mocks(Registered(), project="shop", stack="dev")
pulumi.runtime.test(lambda: runpy.run_path("printed.py") and None)()
print(json.dumps(Registered.found))
"""


def describes(described: dict[str, Any], model: type[BaseModel]) -> bool:
    required = {name for name, field in model.model_fields.items() if field.is_required()}
    return (
        described["properties"].keys() == model.model_fields.keys() and set(described["required"]) == required
    )


def references(found: Any, around: Any = None) -> Iterator[tuple[str, Any]]:
    """Yield the names of referenced types, each with the schema that contains the reference."""
    if isinstance(found, dict) and str(found.get("$ref", "")).startswith("#/types/"):
        yield found["$ref"].removeprefix(f"#/types/{TYPE_PREFIX}"), around
    for item in found.values() if isinstance(found, dict) else found if isinstance(found, list) else ():
        yield from references(item, found)


@pytest.mark.parametrize("kind", RESOURCES, ids=KINDS)
def test_inputs_are_the_models_fields(kind: Any) -> None:
    described = SCHEMA["resources"][TYPE_PREFIX + kind.__name__]

    assert describes(
        {"properties": described["inputProperties"], "required": described["requiredInputs"]},
        RESOURCES[kind],
    )


@pytest.mark.parametrize("model", NESTED.values(), ids=NESTED)
def test_a_nested_type_is_a_model(model: type[BaseModel]) -> None:
    assert describes(SCHEMA["types"][TYPE_PREFIX + model.__name__], model)


def test_types_are_the_nested_models_with_unique_names() -> None:
    assert SCHEMA["types"].keys() == {TYPE_PREFIX + name for name in NESTED}
    assert all(model is NESTED[model.__name__] for top in [*GIVEN, *GOT] for model in nested_models(top))


@pytest.mark.parametrize("name", LOOKUPS)
def test_a_functions_types_match_its_models(name: str) -> None:
    described = SCHEMA["functions"][TYPE_PREFIX + name]

    assert describes(described["inputs"], LOOKUPS[name].arguments)
    assert describes(described["outputs"], LOOKUPS[name].result)


def test_every_resource_and_function_is_described() -> None:
    exported = [getattr(pulumi_openai_ft, name) for name in dir(pulumi_openai_ft)]
    resources = [
        found for found in exported if inspect.isclass(found) and issubclass(found, pulumi.dynamic.Resource)
    ]

    assert SCHEMA["resources"].keys() == {f"pulumi-python:{found._resource_type_name}" for found in resources}
    assert SCHEMA["functions"].keys() == {TYPE_PREFIX + name for name in LOOKUPS}


@pytest.mark.parametrize("kind", RESOURCES, ids=KINDS)
def test_properties_match_annotations_and_their_docstrings(kind: Any) -> None:
    properties = SCHEMA["resources"][TYPE_PREFIX + kind.__name__]["properties"]

    assert properties.keys() == {
        name for name, of in kind.__annotations__.items() if get_origin(of) is pulumi.Output
    }
    assert all(described["description"] for described in properties.values())


def test_optional_properties_are_not_required() -> None:
    required = SCHEMA["resources"][f"{TYPE_PREFIX}FineTuningJob"]["required"]

    assert "status" in required
    assert "fine_tuned_model" not in required


def test_a_class_without_source_still_has_its_properties() -> None:
    spoken: Any = type("Spoken", (), {"__annotations__": {"word": pulumi.Output[str], "ours": int}})

    assert list(output_model(spoken).model_fields) == ["word"]


@pytest.mark.parametrize("kind", RESOURCES, ids=KINDS)
def test_every_input_is_described(kind: Any) -> None:
    inputs = SCHEMA["resources"][TYPE_PREFIX + kind.__name__]["inputProperties"]

    assert all(described["description"] for described in inputs.values())


def test_choices_are_named_in_the_description() -> None:
    file, job = (
        SCHEMA["resources"][TYPE_PREFIX + kind]["inputProperties"] for kind in ("File", "FineTuningJob")
    )
    epochs = SCHEMA["types"][f"{TYPE_PREFIX}SupervisedHyperparameters"]["properties"]["n_epochs"]

    assert file["purpose"]["description"].endswith(
        " One of `fine-tune`, `assistants`, `batch`, `vision`, `user_data` or `evals`."
    )
    assert epochs["description"].endswith(" Or `auto`.")
    assert job["model"]["description"].endswith("further.")


def test_defaults_are_given_for_inputs_only() -> None:
    file = SCHEMA["resources"][f"{TYPE_PREFIX}File"]["inputProperties"]

    assert file["purpose"]["default"] == "fine-tune"
    assert "default" not in file["filename"]
    assert not any(
        "default" in found for found in SCHEMA["types"][f"{TYPE_PREFIX}Event"]["properties"].values()
    )


def test_a_nested_input_may_be_any_other_map() -> None:
    """Otherwise, an import would drop fields that a service adds, and print classes that do not exist."""
    given = {model.__name__ for top in GIVEN for model in nested_models(top)}
    types = [SCHEMA["types"][TYPE_PREFIX + name] for name in given]
    found = list(references([*types, *(kind["inputProperties"] for kind in SCHEMA["resources"].values())]))

    assert {name for name, _ in found} == given
    assert all(ANY_MAP in around for _, around in found)


def test_hidden_properties_are_not_described() -> None:
    assert '"__' not in package_schema_json()


def test_the_examples_give_every_input_of_every_model() -> None:
    inputs = {model for top in RESOURCES.values() for model in [top, *nested_models(top)]}
    used = [
        field
        for kind, example in EXAMPLES.values()
        for field in fields_used(RESOURCES[KINDS[kind]].model_validate(example))
    ]

    assert {(model, name) for model in inputs for name in model.model_fields} - set(used) == set()


@pytest.fixture(scope="module")
def language_host(engine: str) -> Iterator[LanguageHost]:  # noqa: F811 - the fixture
    host = LanguageHost(engine, package_schema_json())
    yield host
    host.close()


@pytest.fixture(scope="module")
def printed(language_host: LanguageHost) -> str:
    """Print the examples as a program."""
    programs = [
        resource(name, TYPE_PREFIX + kind, inputs) for name, (kind, inputs) in (EXAMPLES | UNKNOWN).items()
    ]
    return language_host.python("\n".join(programs))


@pytest.fixture(scope="module")
def registered(printed: str, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the resources that the printed program registers: name → type and inputs."""
    folder = tmp_path_factory.mktemp("program")
    (folder / "printed.py").write_text(printed)
    command = [sys.executable, "-W", "ignore", "-c", RUNNER]
    return json.loads(subprocess.run(command, cwd=folder, capture_output=True, check=True).stdout)


@pytest.mark.core
@pytest.mark.e2e
def test_the_engine_finds_nothing_wrong_with_the_schema(engine: str, tmp_path: Path) -> None:  # noqa: F811
    (tmp_path / "schema.json").write_text(package_schema_json())
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([engine, os.environ["PATH"]]),
        "PULUMI_HOME": str(tmp_path),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    checked = subprocess.run(
        ["pulumi", "schema", "check", "schema.json"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


@pytest.mark.core
@pytest.mark.e2e
@pytest.mark.parametrize("name", EXAMPLES | UNKNOWN)
def test_a_printed_resource_runs_with_the_given_inputs(registered: Any, name: str) -> None:
    kind, inputs = (EXAMPLES | UNKNOWN)[name]
    token, found = registered[name]

    assert token == TYPE_PREFIX + kind
    assert {key: value for key, value in found.items() if value is not None and key[:2] != "__"} == inputs


@pytest.mark.e2e
def test_printed_programs_import_only_this_package(printed: str) -> None:
    assert [line for line in printed.splitlines() if "import" in line.split()] == [
        "import pulumi",
        "import pulumi_openai_ft as pulumi_python",
    ]


@pytest.mark.core
@pytest.mark.e2e
def test_values_that_are_computed_are_dicts_too(language_host: LanguageHost) -> None:
    printed = language_host.python(
        f"""
        resource old "{TYPE_PREFIX}FineTuningJob" {{
          model = "m"
          training_file = "file-1"
        }}
        resource new "{TYPE_PREFIX}FineTuningJob" {{
          model = old.fine_tuned_model
          training_file = "file-2"
          integrations = [for id in old.result_files: {{ type = "wandb", wandb = {{ project = id }} }}]
        }}
        """
    )

    assert "Args" not in printed
    assert "model=old.fine_tuned_model" in printed
    assert '"wandb": {' in printed


@pytest.mark.e2e
@pytest.mark.parametrize("name", LOOKUPS)
def test_a_printed_call_names_function_and_arguments(language_host: LanguageHost, name: str) -> None:
    """Do not check the import: Pulumi's generator ignores `packageName` for calls."""
    values = {"string": "x", "integer": 3, "object": {"odd key": "x"}}
    inputs = SCHEMA["functions"][TYPE_PREFIX + name]["inputs"]["properties"]
    arguments = {key: values[described["type"]] for key, described in inputs.items()}
    call_in_hcl = f'invoke("{TYPE_PREFIX}{name}", {{\n{attributes(arguments)}}})'
    printed = language_host.python(f"output found {{ value = {call_in_hcl} }}")
    export = ast.parse(printed).body[-1]
    assert isinstance(export, ast.Expr)
    assert isinstance(export.value, ast.Call)
    call = export.value.args[1]
    assert isinstance(call, ast.Call)
    assert isinstance(call.func, ast.Attribute)

    assert ast.unparse(call.func.value) == "pulumi_python"
    given = {str(argument.arg): ast.literal_eval(argument.value) for argument in call.keywords}
    assert given == arguments
    inspect.signature(getattr(pulumi_openai_ft, call.func.attr)).bind(**given)


@pytest.mark.e2e
@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({"project_ids": ["proj_a"]}, "missing required attribute 'checkpoint_id'"),
        ({"checkpoint_id": ["ft:m"], "project_ids": ["proj_a"]}, "Cannot assign value"),
        (
            {"checkpoint_id": "ft:m", "project_ids": ["proj_a"], "projects": []},
            "unsupported attribute 'projects'",
        ),
    ],
    ids=["missing", "type", "unknown"],
)
def test_a_program_outside_of_the_schema_is_refused(
    language_host: LanguageHost, inputs: dict[str, Any], problem: str
) -> None:
    program = resource("share", f"{TYPE_PREFIX}FineTuningCheckpointPermission", inputs)
    _, problems = language_host.translate(program)

    assert len(problems) == 1
    assert problem in problems[0]
