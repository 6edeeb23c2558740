"""Terraform states: the file `terraform.tfstate`, and the output of `terraform show -json`.

Values of a state are never part of an error, because they may be secret.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from pulumi_openai_ft._shared.property_paths import format_path
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

STATE_VERSION = 4
_HOW_TO_SHOW = "write it with `terraform state pull` or `terraform show -json`"
_PROVIDER = re.compile(r'(?:^|\.)provider\["([^"]*)"\]')
_LEGACY_PROVIDER = re.compile(r"(?:^|\.)provider\.([^.]+)")
_MODULE_STEP = re.compile(r"module\.([^.\[]+)(?:\[(\d+|\"(?:[^\"\\]|\\.)*\")\])?")

Key = int | str


@dataclass(frozen=True)
class TerraformResource:
    """A resource or data source in a Terraform state.

    Attributes:
        address: Address, such as `module.eu["a"].openai_file.data[0]`.
        type: Type, such as `openai_file`.
        path: Names and keys of the modules, the name of the resource, and its key in `count` or `for_each`.
        provider: Address of the provider, such as `registry.terraform.io/mkdev-me/openai`.
        attributes: Attributes of the resource. They may be secret.
        sensitive: Names of the attributes that are sensitive, or contain sensitive values.
        is_data_source: Whether it is a data source.
        is_tainted: Whether Terraform plans to replace it.
        is_deposed: Whether it is a former object that Terraform plans to delete.
    """

    address: str
    type: str
    path: tuple[Key, ...]
    provider: str
    attributes: Mapping[str, Any]
    sensitive: frozenset[str]
    is_data_source: bool = False
    is_tainted: bool = False
    is_deposed: bool = False


class _Part(BaseModel):
    """A part of a state. Fields that are not needed are ignored, because each version of Terraform adds some."""

    model_config = ConfigDict(extra="ignore", strict=True)


class _Instance(_Part):
    index_key: int | str | None = None
    status: str | None = None
    deposed: str | None = None
    attributes: dict[str, Any] | None = None
    sensitive_attributes: list[Any] | None = None


class _StoredResource(_Part):
    module: str = ""
    mode: str
    type: str
    name: str
    provider: str
    instances: list[_Instance]


class _StoredState(_Part):
    """The content of `terraform.tfstate`."""

    resources: list[_StoredResource] | None = None


class _ShownResource(_Part):
    address: str
    mode: str
    type: str
    name: str
    index: int | str | None = None
    provider_name: str
    values: dict[str, Any] | None = None
    sensitive_values: dict[str, Any] | bool | None = None
    tainted: bool = False
    deposed_key: str | None = None


class _ShownModule(_Part):
    address: str = ""
    resources: list[_ShownResource] = Field(default_factory=list)
    child_modules: list[_ShownModule] = Field(default_factory=list)


class _ShownValues(_Part):
    root_module: _ShownModule = Field(default_factory=_ShownModule)


class _ShownState(_Part):
    """The output of `terraform show -json`. The state of a new project has no values."""

    values: _ShownValues | None = None


def read_state(content: bytes, name: str) -> list[TerraformResource]:
    """Return the resources and data sources in a Terraform state, in the order of the file.

    Args:
        content: Content of the file.
        name: Name of the file, for errors.

    Raises:
        InputError: The content is not a state in either format. The message contains the place.
    """
    decoded = _decoded(content, name)
    try:
        if "version" in decoded:
            _require_version(decoded["version"], name)
            return list(_stored_resources(_StoredState.model_validate(decoded)))
        if "format_version" in decoded:
            _require_no_plan(decoded, name)
            return list(_shown_resources(_ShownState.model_validate(decoded)))
    except ValidationError as error:
        problem = error.errors(include_url=False, include_input=False, include_context=False)[0]
        raise InputError(
            f"{name}: {format_path(problem['loc']).removeprefix('.')}: {problem['msg'].lower()}; {_HOW_TO_SHOW}"
        ) from None
    if "encrypted_data" in decoded:
        raise InputError(f"{name} is encrypted: {_HOW_TO_SHOW}, which decrypt it")
    raise InputError(f"{name} is not a Terraform state: {_HOW_TO_SHOW}")


def _decoded(content: bytes, name: str) -> dict[str, Any]:
    if not content.strip():
        raise InputError(f"{name} is empty: {_HOW_TO_SHOW}")
    try:
        decoded = json.loads(content, parse_constant=_reject_constant)
    except json.JSONDecodeError as error:
        raise InputError(
            f"{name}: line {error.lineno}, column {error.colno}: not JSON ({error.msg.lower()}); {_HOW_TO_SHOW}"
        ) from None
    except (UnicodeDecodeError, ValueError, RecursionError) as error:
        raise InputError(f"{name}: not JSON ({type(error).__name__}); {_HOW_TO_SHOW}") from None
    if not isinstance(decoded, dict):
        raise InputError(f"{name} is not a JSON object: {_HOW_TO_SHOW}")
    return decoded


def _reject_constant(constant: str) -> NoReturn:
    raise ValueError(constant)


def _require_version(version: object, name: str) -> None:
    if version != STATE_VERSION:
        shown = version if isinstance(version, int) else "unknown"
        raise InputError(
            f"{name}: version: the format of the state is {shown}, but only {STATE_VERSION} is supported; upgrade the "
            f"state with `terraform apply -refresh-only` of Terraform 0.15 or later"
        )


def _require_no_plan(decoded: Mapping[str, Any], name: str) -> None:
    if "planned_values" in decoded:
        raise InputError(
            f"{name} is a plan, not a state: run `terraform show -json` without the file of a plan"
        )


def _stored_resources(state: _StoredState) -> Iterator[TerraformResource]:
    for stored in state.resources or []:
        for instance in stored.instances:
            module = f"{stored.module}." if stored.module else ""
            mode = "data." if stored.mode == "data" else ""
            key = "" if instance.index_key is None else f"[{json.dumps(instance.index_key)}]"
            yield TerraformResource(
                address=f"{module}{mode}{stored.type}.{stored.name}{key}",
                type=stored.type,
                path=_path(stored.module, stored.name, instance.index_key),
                provider=_provider(stored.provider),
                attributes=instance.attributes or {},
                sensitive=_sensitive_paths(instance),
                is_data_source=stored.mode == "data",
                is_tainted=instance.status == "tainted",
                is_deposed=instance.deposed is not None,
            )


def _shown_resources(state: _ShownState) -> Iterator[TerraformResource]:
    modules = [state.values.root_module] if state.values else []
    while modules:
        module = modules.pop(0)
        modules = [*module.child_modules, *modules]
        for shown in module.resources:
            yield TerraformResource(
                address=shown.address,
                type=shown.type,
                path=_path(module.address, shown.name, shown.index),
                provider=shown.provider_name,
                attributes=shown.values or {},
                sensitive=_sensitive_values(shown),
                is_data_source=shown.mode == "data",
                is_tainted=shown.tainted,
                is_deposed=shown.deposed_key is not None,
            )


def _path(module: str, name: str, key: Key | None) -> tuple[Key, ...]:
    """Return the names and keys in the address of a resource."""
    path: list[Key] = []
    for step, index in _MODULE_STEP.findall(module):
        path += [step, *([json.loads(index, strict=False)] if index else [])]
    return (*path, name, *(() if key is None else (key,)))


def _provider(configuration: str) -> str:
    """Return the address of the provider from the address of its configuration, `provider["…"].alias`."""
    found = _PROVIDER.search(configuration) or _LEGACY_PROVIDER.search(configuration)
    return found[1] if found else configuration


def _sensitive_paths(instance: _Instance) -> frozenset[str]:
    """Return the attributes that the state marks as sensitive; all of them if a mark cannot be read."""
    names = set()
    for path in instance.sensitive_attributes or []:
        step = path[0] if isinstance(path, list) and path else None
        if not isinstance(step, dict) or not isinstance(step.get("value"), str):
            return frozenset(instance.attributes or {})
        names.add(step["value"])
    return frozenset(names)


def _sensitive_values(shown: _ShownResource) -> frozenset[str]:
    marks = shown.sensitive_values
    if isinstance(marks, dict):
        return frozenset(name for name, mark in marks.items() if _contains_true(mark))
    return frozenset(shown.values or {}) if marks else frozenset()


def _contains_true(mark: object) -> bool:
    if isinstance(mark, dict):
        return any(map(_contains_true, mark.values()))
    return any(map(_contains_true, mark)) if isinstance(mark, list) else mark is True
