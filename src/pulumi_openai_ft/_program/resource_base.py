"""Base of the three resource classes: registration, and reading existing resources."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pulumi

from pulumi_openai_ft._program.identity import resource_identity
from pulumi_openai_ft._program.input_values import by_content, plain
from pulumi_openai_ft._program.interrupts import hide_interrupts_by_host
from pulumi_openai_ft._program.secrets import placeholders, secret_inputs, track_transforms
from pulumi_openai_ft._program.unknown_inputs import reports_unknown_inputs
from pulumi_openai_ft._shared.state_names import CUSTOM_TIMEOUTS, IDENTITY, SECRET_INPUTS

if TYPE_CHECKING:
    from collections.abc import Mapping


HIDDEN = "__"
_ASSETS = {"triggers": by_content}
"""Conversion of assets and archives, for each input that accepts them."""


class ResourceBase:
    """Base of the resource classes. Adds `get`, which reads an existing resource."""

    _outputs: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Evaluate the types of the outputs once per class. Pulumi would evaluate them for each resource."""
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = reports_unknown_inputs(vars(cls)["__init__"])  # type: ignore[method-assign]
        cls.__annotations__ = inspect.get_annotations(cls, eval_str=True)
        own = (
            name
            for name, kind in cls.__annotations__.items()
            if getattr(kind, "__origin__", None) is pulumi.Output
        )
        cls._outputs = (*cls._outputs, *own)

    def _properties(
        self, resource_name: str, given: Mapping[str, Any], opts: pulumi.ResourceOptions | None
    ) -> dict[str, Any]:
        """Return the properties to register: the given inputs, the identity, and a placeholder for each output.

        Other properties are omitted, because Pulumi creates an output for each property, which takes most of a
        program's run time.
        """
        hide_interrupts_by_host()
        given = {
            name: value if name.startswith(HIDDEN) else plain(value, _ASSETS.get(name))
            for name, value in given.items()
            if value is not None
        }
        track_transforms(opts)
        return {
            **dict.fromkeys(self._outputs),
            **placeholders(given),
            **given,
            IDENTITY: resource_identity(resource_name, type(self).__name__, opts),
            **({SECRET_INPUTS: secrets} if (secrets := secret_inputs(given)) else {}),
            **({CUSTOM_TIMEOUTS: timeouts} if (timeouts := _custom_timeouts(opts)) else {}),
        }

    @classmethod
    def get(
        cls,
        resource_name: str,
        id: pulumi.Input[str],  # noqa: A002 - the parameter name in Pulumi's own resources
        opts: pulumi.ResourceOptions | None = None,
    ) -> Self:
        """Read an existing resource. The stack never changes or deletes it.

        `pulumi up` fails if the service has no resource with this id.

        Args:
            resource_name: Name of the resource in the stack.
            id: Id of the file or job, or the name of the checkpoint whose permissions to read.
            opts: Pulumi's resource options.
        """
        required = (
            parameter.name
            for parameter in inspect.signature(cls.__init__).parameters.values()
            if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty
        )
        no_inputs: dict[str, Any] = dict.fromkeys(required)
        by_id = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id))
        constructor: Any = cls
        resource: Self = constructor(resource_name, **no_inputs, opts=by_id)
        return resource


def _custom_timeouts(opts: pulumi.ResourceOptions | None) -> dict[str, str] | None:
    """Return the timeouts in the options as properties, because Pulumi's own host does not pass them to the provider."""
    timeouts = opts and opts.custom_timeouts
    return {name: value for name, value in vars(timeouts).items() if value} if timeouts else None


def with_secret_outputs(opts: pulumi.ResourceOptions | None, *outputs: str) -> pulumi.ResourceOptions:
    """Return the options with additional outputs for Pulumi to encrypt in the state."""
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=list(outputs)))
