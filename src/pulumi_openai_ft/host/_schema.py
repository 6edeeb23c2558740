"""The package schema: what our resources and functions take and give, in Pulumi's own form.

The engine asks for it when `pulumi import` writes a program. It is made from the models of the inputs, from the
resources' annotations and from the lookups; it lists nothing of its own.

Programs give nested values as dicts: there are no classes, such as `MethodArgs`, that a printed program could name.
So a nested input is what its model says or any other map. Else the engine would leave out of the program what a
service adds to the API, would fail where a service leaves something out, and would print `…Args` where a value is
computed. And a choice among texts is a text, whose description names the choices: an enum is printed by its class.
"""

from __future__ import annotations

import inspect
import json
from functools import cache
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._program.functions.lookups import LOOKUPS
from pulumi_openai_ft._provider.checkpoint_permission import CheckpointPermissionInputs
from pulumi_openai_ft._provider.file import FileInputs
from pulumi_openai_ft._provider.job.inputs import FineTuningJobInputs
from pulumi_openai_ft._shared.state_names import TYPE_PREFIX
from pulumi_openai_ft.checkpoint_permission import FineTuningCheckpointPermission
from pulumi_openai_ft.file import File
from pulumi_openai_ft.fine_tuning_job import FineTuningJob
from pulumi_openai_ft.host._schema_types import Types, output_model

if TYPE_CHECKING:
    from pulumi_openai_ft._program.functions.lookups import LookupFunction
    from pulumi_openai_ft._provider.input_models import InputModel

RESOURCES: dict[type[Any], type[InputModel]] = {
    File: FileInputs,
    FineTuningJob: FineTuningJobInputs,
    FineTuningCheckpointPermission: CheckpointPermissionInputs,
}
"""Our resources, each with the model of its inputs."""


@cache
def package_schema_json() -> str:
    """The package schema as the engine takes it."""
    return json.dumps(package_schema())


def package_schema() -> dict[str, Any]:
    """The package schema, of the form that Pulumi calls `PackageSpec`. The engine adds the host's version."""
    given, got = Types(_token, given=True), Types(_token, given=False)
    resources = {_token(kind.__name__): _resource(kind, given, got) for kind in RESOURCES}
    functions = {lookup.token: _function(lookup, given, got) for lookup in LOOKUPS.values()}
    package, module, _ = TYPE_PREFIX.split(":")
    return {
        "name": package,
        "meta": {"moduleFormat": f"{module}()"},  # what is in this module is printed without a module
        "language": {"python": {"packageName": __name__.split(".")[0]}},
        "types": {**given.nested, **got.nested},
        "resources": resources,
        "functions": functions,
    }


def _token(name: str) -> str:
    return f"{TYPE_PREFIX}{name}"


def _resource(kind: type[Any], given: Types, got: Types) -> dict[str, Any]:
    inputs = given.of(RESOURCES[kind])
    return {
        **got.of(output_model(kind)),
        "description": inspect.getdoc(kind),
        "inputProperties": inputs["properties"],
        "requiredInputs": inputs["required"],
    }


def _function(lookup: LookupFunction[Any], given: Types, got: Types) -> dict[str, Any]:
    found = got.of(lookup.result)
    return {"description": found["description"], "inputs": given.of(lookup.arguments), "outputs": found}
