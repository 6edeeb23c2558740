"""Find out which inputs are secret, and mark the outputs that are derived from them.

The engine does not tell providers of dynamic resources which values are secret. It encrypts an output in the state only
if the input of the same name is secret.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakSet

import pulumi
from pulumi.runtime import rpc, settings
from pulumi.runtime._callbacks import _CallbackServicer

from pulumi_openai_ft._shared.state_names import (
    DERIVED_OUTPUTS,
    SECRET_INPUTS,
    TRAINING_DATA,
    TYPE_PREFIX,
    VALUES_ONLY,
)

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping

_tracked: WeakSet[object] = WeakSet()
"""Monitors of the engines for which `_mark_secrets` is registered."""


def secret_inputs(inputs: Mapping[str, Any]) -> Awaitable[list[str] | None] | None:
    """Return the names of the secret inputs, whose values must not appear in messages."""
    may_be_secret = {
        name: value for name, value in inputs.items() if isinstance(value, pulumi.Output | dict | list)
    }
    return _secret_inputs(may_be_secret) if may_be_secret else None


def placeholders(inputs: Mapping[str, Any]) -> dict[str, pulumi.Output[str]]:
    """Return, for each derived output, an input of the same name that is secret if one of its sources is.

    Its value is empty, or unknown in a preview, in which the engine may take it for the value of the output.
    """
    sources = {
        output: [inputs[name] for name in names if _contains_output(inputs.get(name))]
        for output, names in DERIVED_OUTPUTS.items()
    }
    return {
        output: pulumi.Output.from_input(values).apply(_placeholder, run_with_unknowns=True)
        for output, values in sources.items()
        if values
    }


def track_transforms(opts: pulumi.ResourceOptions | None) -> None:
    """Mark the inputs that transforms of the program make secret, if it has any.

    Transforms of the stack run last and in the order of their registration, so this one is registered late: when the
    first resource of this package is. It costs a call from the engine for each resource, so it is registered only if
    the program has transforms.
    """
    monitor = settings.get_monitor()
    if monitor is None or monitor in _tracked or not _has_transforms(opts):
        return
    from pulumi.runtime.proto import resource_pb2  # noqa: PLC0415 - already loaded by Pulumi

    if settings.monitor_supports_feature(resource_pb2.RESOURCE_MONITOR_FEATURE_TRANSFORMS):
        _tracked.add(monitor)
        pulumi.runtime.register_resource_transform(_mark_secrets)


def _has_transforms(opts: pulumi.ResourceOptions | None) -> bool:
    """Return whether the program has registered transforms, or the older transformations."""
    parent = (opts and opts.parent) or settings.get_root_resource()
    return bool(
        any(servicer._transforms for servicer in getattr(_CallbackServicer, "_servicers", ()))  # noqa: SLF001 - no public equivalent
        or (opts and (opts.transforms or opts.transformations))
        or (parent and parent._transformations)  # noqa: SLF001 - see above; includes those of its parents
    )


def _mark_secrets(args: pulumi.ResourceTransformArgs) -> pulumi.ResourceTransformResult | None:
    if not args.type_.startswith(TYPE_PREFIX):
        return None
    props = dict(args.props)
    if (
        TRAINING_DATA in props
    ):  # a transform may have made the path of the `File` secret, of which this is a copy
        props[TRAINING_DATA] = pulumi.Output.secret(rpc.unwrap_rpc_secret(props[TRAINING_DATA]))
    names = [
        name for name, value in props.items() if rpc.is_rpc_secret(value) or isinstance(value, pulumi.Output)
    ]
    if not names:
        return None
    derived = [output for output, sources in DERIVED_OUTPUTS.items() if set(sources) & set(names)]
    opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(additional_secret_outputs=derived))
    return pulumi.ResourceTransformResult({**props, SECRET_INPUTS: names}, opts)


async def _secret_inputs(inputs: Mapping[str, Any]) -> list[str] | None:
    return [
        _with_extent(name, value)
        for name, value in inputs.items()
        if await pulumi.Output.from_input(value).is_secret()
    ] or None


def _with_extent(name: str, value: Any) -> str:
    """Return the name of a secret input, and whether only its values are secret: the keys of a plain dictionary are not."""
    return name + VALUES_ONLY if name == "metadata" and isinstance(value, dict) else name


def _placeholder(_sources: Any) -> Any:
    return pulumi.output.UNKNOWN if pulumi.runtime.is_dry_run() else ""


def _contains_output(value: Any) -> bool:
    if isinstance(value, dict):
        return any(map(_contains_output, value.values()))
    return any(map(_contains_output, value)) if isinstance(value, list) else isinstance(value, pulumi.Output)
