"""The Pulumi package schema of this package's resources and functions.

The engine requests the schema when `pulumi import` generates a program. All types come from the input models, the
annotations of the resources and the lookup functions.

Programs pass nested values as dicts; this package has no classes such as `MethodArgs` that a generated program could
use. Therefore the schema declares a nested input as its model or any other map. Otherwise, the engine would drop
properties that a service adds to the API from the program, fail if a service omits a property, and print `…Args`
classes for computed values. For the same reason, enums are declared as strings whose descriptions list the choices.
"""

from __future__ import annotations

import inspect
import json
from functools import cache
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._program.functions.lookups import LOOKUPS
from pulumi_openai_ft._shared.lazy_module import LazyModule
from pulumi_openai_ft._shared.state_names import TYPE_PREFIX
from pulumi_openai_ft.host._own_resources import MODULES, provider_class
from pulumi_openai_ft.host._schema_types import Types, output_model

if TYPE_CHECKING:
    from pulumi_openai_ft._program.functions.lookups import LookupFunction
    from pulumi_openai_ft._provider.input_models import InputModel

RESOURCES: dict[type[Any], type[InputModel]] = {
    getattr(LazyModule(module), name): provider_class(name).inputs_model for name, module in MODULES.items()
}
"""Resource classes and the models of their inputs."""


@cache
def package_schema_json() -> str:
    """Return the package schema as JSON."""
    return json.dumps(package_schema())


def package_schema() -> dict[str, Any]:
    """Return the package schema, a Pulumi `PackageSpec`. The engine adds the host's version."""
    inputs, outputs = Types(_token, is_input=True), Types(_token, is_input=False)
    resources = {_token(kind.__name__): _resource(kind, inputs, outputs) for kind in RESOURCES}
    functions = {lookup.token: _function(lookup, inputs, outputs) for lookup in LOOKUPS.values()}
    package, module, _ = TYPE_PREFIX.split(":")
    return {
        "name": package,
        "meta": {"moduleFormat": f"{module}()"},  # generated programs import names of this module directly
        "language": {"python": {"packageName": __name__.split(".")[0]}},
        "types": {**inputs.nested, **outputs.nested},
        "resources": resources,
        "functions": functions,
    }


def _token(name: str) -> str:
    return f"{TYPE_PREFIX}{name}"


def _resource(kind: type[Any], inputs: Types, outputs: Types) -> dict[str, Any]:
    input_type = inputs.of(RESOURCES[kind])
    return {
        **outputs.of(output_model(kind)),
        "description": inspect.getdoc(kind),
        "inputProperties": input_type["properties"],
        "requiredInputs": input_type["required"],
    }


def _function(lookup: LookupFunction[Any], inputs: Types, outputs: Types) -> dict[str, Any]:
    result = outputs.of(lookup.result)
    return {"description": result["description"], "inputs": inputs.of(lookup.arguments), "outputs": result}
