"""Pulumi's mocks with the outputs of a service, for unit tests without an engine."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import pulumi
from pulumi.runtime import rpc, settings

from pulumi_openai_ft._shared.state_names import (
    DERIVED_OUTPUTS,
    FILE_TYPE,
    JOB_TYPE,
    PERMISSION_TYPE,
    TYPE_PREFIX,
)
from pulumi_openai_ft.testing.program import NAME, STACK, project_of, run_in_this_process

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft.testing.program import Program

_HIDDEN = "__"
_BEST_CHECKPOINT = f"{TYPE_PREFIX}bestCheckpoint"


@dataclass(frozen=True)
class MockedResource:
    """A resource that a program registered.

    Attributes:
        typ: Type token, such as `pulumi-python:dynamic/openai_ft:FineTuningJob`.
        name: Name of the resource.
        inputs: The inputs, without the hidden ones that begin with `__`. Outputs of other resources are resolved, and
            secrets are plain values.
    """

    typ: str
    name: str
    inputs: dict[str, Any]


class Mocks(pulumi.runtime.Mocks):
    """Mocks that record the resources of a program, and give the resources of this package the outputs of a service.

    Override `new_resource` for other outputs, and `call` for results of functions. A mock trains no model, sends no
    request, and does not validate inputs.

    Attributes:
        resources: The registered resources, in the order of their registration.
    """

    def __init__(self) -> None:
        self.resources: list[MockedResource] = []

    def resource(self, name: str, kind: str | None = None) -> MockedResource:
        """Return the resource with a name.

        Args:
            name: Name of the resource.
            kind: Last part of its type token, such as `FineTuningJob`, if resources of several types have the name.

        Raises:
            LookupError: There is not exactly one.
        """
        found = [
            resource
            for resource in self.resources
            if resource.name == name and kind in (None, resource.typ.rsplit(":", 1)[-1])
        ]
        if len(found) != 1:
            registered = ", ".join(f"{resource.typ} {resource.name}" for resource in self.resources) or "none"
            raise LookupError(
                f"{len(found)} resources match name {name!r}, kind {kind!r}; registered: {registered}"
            )
        return found[0]

    def run(self, program: Program, *, config: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Run a program with these mocks, wait for its resources, and return the stack outputs that it exports.

        Args:
            program: The folder of a Pulumi project, or a function that registers resources.
            config: Configuration of the stack by full key, such as `support-bot:model`.
        """
        project = project_of(program)
        exported: dict[str, Any] = {}

        def execute() -> pulumi.Output[None]:
            run_in_this_process(program)
            stack = settings.get_root_resource()
            return pulumi.Output.from_input(getattr(stack, "outputs", {})).apply(exported.update)

        _ensure_event_loop()
        settings.reset_options()  # a stack of an earlier run would keep its outputs
        pulumi.runtime.set_mocks(self, project.name if project else NAME, STACK)
        pulumi.runtime.set_all_config(dict(config or {}))
        try:
            pulumi.runtime.test(execute)()
        finally:
            pulumi.runtime.set_all_config({})
            settings.reset_options()
        return exported

    def new_resource(self, args: pulumi.runtime.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        """Record a resource. Return its id and its outputs."""
        given: dict[str, Any] = _without_secretness(args.inputs)
        inputs = {name: value for name, value in given.items() if not _is_internal(args.typ, name)}
        self.resources.append(MockedResource(args.typ, args.name, inputs))
        created, outputs = _created(args.typ, args.name, inputs)
        return created, {**given, **outputs}

    def call(self, args: pulumi.runtime.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        """Return the result of a function, and its failures. `FineTunedModel` calls `best_checkpoint`."""
        if args.token == _BEST_CHECKPOINT:
            job_id = args.args["fine_tuning_job_id"]
            name = f"ft:mocks:{job_id}:ckpt-step-1"
            return {"id": f"ftckpt_{job_id}", "fine_tuned_model_checkpoint": name, "step_number": 1}, []
        raise NotImplementedError(f"no result for the function {args.token}: override `call` of the mocks")


def _ensure_event_loop() -> None:
    """Give the thread an event loop if `asyncio.run` of another test removed it: Pulumi requires one."""
    try:
        asyncio.get_event_loop()
    except RuntimeError:
        asyncio.set_event_loop(_own_event_loop())


@cache
def _own_event_loop() -> asyncio.AbstractEventLoop:
    """Return a loop that is never closed, because threads of Pulumi keep using it after a run."""
    return asyncio.new_event_loop()


def _is_internal(typ: str, name: str) -> bool:
    """Return whether a property is not an input of the user: a hidden one, or the placeholder of an output."""
    return name.startswith(_HIDDEN) or (typ.startswith(TYPE_PREFIX) and name in DERIVED_OUTPUTS)


def _without_secretness(value: Any) -> Any:
    """Return a value with the plain values of its secrets."""
    value = rpc.unwrap_rpc_secret(value)
    if isinstance(value, dict):
        return {name: _without_secretness(inner) for name, inner in value.items()}
    return [_without_secretness(inner) for inner in value] if isinstance(value, list) else value


def _created(typ: str, name: str, inputs: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Return the id of a resource, and the outputs that a service adds."""
    if typ == FILE_TYPE:
        return f"file-{name}", {"status": "processed", "purpose": inputs.get("purpose", "fine-tune")}
    if typ == JOB_TYPE:
        model = f"ft:{inputs['model']}:mocks:{inputs.get('suffix', '')}:{name}"
        return f"ftjob-{name}", {"status": "succeeded", "fine_tuned_model": model}
    if typ == PERMISSION_TYPE:
        ids = {project: f"cp_{project}" for project in inputs["project_ids"]}
        return inputs["checkpoint_id"], {"permission_ids": ids}
    return name, {}
