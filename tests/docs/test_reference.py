"""Tables in reference pages list exactly the fields of the models, with their defaults."""

from __future__ import annotations

import ast
import inspect
import re
from typing import TYPE_CHECKING, Any, get_origin

import pulumi
import pytest
from tests.docs.pages import BUILT, PAGES, tables
from tests.host.schema_support import nested_models
from tools.docs.reference import effect, expanded
from tools.docs.reference import nested_models as nested_in_order

import pulumi_openai_ft
from pulumi_openai_ft._program.functions.lookups import LOOKUPS
from pulumi_openai_ft._provider.job.inputs import REPLACE_ON_CHANGE, UPDATE_IN_PLACE
from pulumi_openai_ft.host._schema import RESOURCES

if TYPE_CHECKING:
    from pydantic import BaseModel

PAGE_OF = {
    "File": "resources/file",
    "FineTuningJob": "resources/fine_tuning_job",
    "FineTuningCheckpointPermission": "resources/checkpoint_permission",
    "FineTunedModel": "resources/fine_tuned_model",
}
KINDS = {kind.__name__: kind for kind in RESOURCES}
FUNCTIONS = {lookup.function: lookup for lookup in LOOKUPS.values()}
OUTPUT: Any = pulumi.Output
NOT_SET: tuple[Any, ...] = (None, [], {})


def default_of(model: type[BaseModel], name: str) -> str:
    field = model.model_fields[name]
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    if value in NOT_SET:
        return ""
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def lists(rows: list[dict[str, str]], model: type[BaseModel]) -> bool:
    """Return whether a table lists exactly the fields of a model, with their defaults."""
    first = next(iter(rows[0]))
    listed = {row[first].strip("`"): row["default"] for row in rows}
    return listed == {name: default_of(model, name) for name in model.model_fields}


def is_exported(name: str, kind: type) -> bool:
    found = getattr(pulumi_openai_ft, name)
    return inspect.isclass(found) and issubclass(found, kind)


def test_each_resource_has_a_page_with_inputs_and_outputs() -> None:
    resources = {name for name in dir(pulumi_openai_ft) if is_exported(name, pulumi.Resource)}

    assert resources == PAGE_OF.keys()
    for name, page in PAGE_OF.items():
        assert f"<!-- inputs: {name} -->" in PAGES[page]
        assert f"<!-- outputs: {name} -->" in PAGES[page]
        assert (f"<!-- import: {name} -->" in PAGES[page]) == (name in KINDS)


def test_each_function_has_a_page() -> None:
    functions = {
        name for name in dir(pulumi_openai_ft) if inspect.isfunction(getattr(pulumi_openai_ft, name))
    }

    assert functions == {form for name in FUNCTIONS for form in (name, f"{name}_output")}
    for name in FUNCTIONS:
        assert f"<!-- call: {name} -->" in PAGES[f"functions/{name}"]
        assert f"<!-- function: {name} -->" in PAGES[f"functions/{name}"]


@pytest.mark.parametrize("name", KINDS)
def test_inputs_are_the_models_fields_with_their_defaults(name: str) -> None:
    found, model = tables(PAGE_OF[name]), RESOURCES[KINDS[name]]

    assert lists(found["Inputs"], model)
    for nested in nested_models(model):
        assert lists(found[nested.__name__], nested), nested


@pytest.mark.parametrize("name", PAGE_OF)
def test_every_input_and_output_is_explained(name: str) -> None:
    found = tables(PAGE_OF[name])

    assert [row for heading in ("Inputs", "Outputs") for row in found[heading] if not row["meaning"]] == []


@pytest.mark.parametrize("name", KINDS)
def test_outputs_match_the_annotations_of_the_class(name: str) -> None:
    annotations = inspect.get_annotations(KINDS[name], eval_str=True)
    annotated = [key for key, kind in annotations.items() if get_origin(kind) is OUTPUT]

    assert [row["output"].strip("`") for row in tables(PAGE_OF[name])["Outputs"]] == ["id", *annotated]


def test_the_components_inputs_match_its_parameters() -> None:
    component, module = pulumi_openai_ft.FineTunedModel, inspect.getmodule(pulumi_openai_ft.FineTunedModel)
    handed_on: Any = vars(module)["FineTunedModelJobArgs"]
    direct = set(inspect.signature(component).parameters) - {"resource_name", "opts", "job"}

    listed = [row["input"].strip("`") for row in tables(PAGE_OF["FineTunedModel"])["Inputs"]]
    assert sorted(listed) == sorted(direct | set(handed_on.__annotations__))


@pytest.mark.parametrize("name", FUNCTIONS)
def test_arguments_and_results_are_the_models_fields(name: str) -> None:
    found, lookup = tables(f"functions/{name}"), FUNCTIONS[name]

    assert lists(found["Arguments"], lookup.arguments)
    models = {"Result": lookup.result} | {one.__name__: one for one in nested_models(lookup.result)}
    for heading, model in models.items():
        derived = {key for key, one in vars(model).items() if isinstance(one, property)}
        assert {row["field"].strip("`") for row in found[heading]} == model.model_fields.keys() | derived


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_field_of_a_result_is_explained(name: str) -> None:
    rows = [row for found in tables(f"functions/{name}").values() for row in found if "field" in row]

    assert rows
    assert [row for row in rows if not row["meaning"]] == []


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_functions_errors_match_its_docstring(name: str) -> None:
    documentation = inspect.getdoc(getattr(pulumi_openai_ft, name)) or ""
    errors = [row["error"].strip("`") for row in tables(f"functions/{name}")["Errors"]]

    assert errors[-1] == "OpenAIFTError"
    assert [f"    {error}: " in documentation for error in errors] == [True] * documentation.count("Error: ")


def test_the_page_of_types_lists_every_type() -> None:
    module = ast.parse(inspect.getsource(pulumi_openai_ft.types))
    declared = {one.name for one in module.body if isinstance(one, ast.ClassDef)}
    declared |= {ast.unparse(one.target) for one in module.body if isinstance(one, ast.AnnAssign)}
    listed = re.findall(r"`(\w+)`", BUILT["types"])

    assert sorted(name for name in declared if name not in listed) == []


@pytest.mark.parametrize("name", KINDS)
def test_each_nested_table_links_its_type(name: str) -> None:
    page = BUILT[PAGE_OF[name]]

    for nested in nested_models(RESOURCES[KINDS[name]]):
        assert f"\n### {nested.__name__}\n" in page
        assert f"\nType: [`types.{nested.__name__}ArgsDict`](../types.md).\n" in page
        assert hasattr(pulumi_openai_ft.types, f"{nested.__name__}ArgsDict")


def test_documented_effects_of_changes_match_the_provider() -> None:
    job = pulumi_openai_ft.FineTuningJob
    documented = {
        row["input"].strip("`"): row["effect of a change"]
        for row in tables(PAGE_OF["FineTuningJob"])["Inputs"]
    }

    assert documented == {
        **dict.fromkeys(REPLACE_ON_CHANGE, "replaces"),
        **dict.fromkeys(UPDATE_IN_PLACE, "in place"),
    }
    assert effect(job, "model") == "replaces"
    assert effect(pulumi_openai_ft.File, "file") == "nothing"
    assert effect(pulumi_openai_ft.File, "sha256") == "replaces"
    assert effect(pulumi_openai_ft.FineTuningCheckpointPermission, "project_ids") == "in place"


def test_nested_models_follow_the_reading_order() -> None:
    order = [model.__name__ for model in nested_in_order(RESOURCES[pulumi_openai_ft.FineTuningJob])]

    assert order[:3] == ["Method", "Supervised", "SupervisedHyperparameters"]


def test_no_marker_names_a_missing_table() -> None:
    assert [name for name, text in BUILT.items() if re.search(r"^<!-- \w+: ", text, re.MULTILINE)] == []
    with pytest.raises(AttributeError):
        expanded("<!-- inputs: Fiel -->")
