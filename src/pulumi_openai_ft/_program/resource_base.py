"""What the three resources share in the program: reading an existing one, and their identity."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar, Self

import pulumi

from pulumi_openai_ft._program.interrupts import hide_interrupts_by_host
from pulumi_openai_ft._program.stack_config import warn_about_plaintext_keys
from pulumi_openai_ft._shared.state_names import IDENTITY, SECRET_INPUTS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable, Mapping


class ResourceBase:
    """Resources of which an existing one can be read."""

    _outputs: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **kwargs: Any) -> None:
        """Evaluates the types of the outputs once. Pulumi would do it again for each resource."""
        super().__init_subclass__(**kwargs)
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
        """What the resource is registered with: what is given, its identity, and a place for each output.

        There is no place for anything else: Pulumi makes an output of each, which is most of what a program costs.
        """
        hide_interrupts_by_host()
        return {
            **dict.fromkeys(self._outputs),
            **{name: value for name, value in given.items() if value is not None},
            IDENTITY: resource_identity(resource_name, type(self).__name__, opts),
            **({SECRET_INPUTS: secrets} if (secrets := secret_inputs(given)) else {}),
        }

    @classmethod
    def get(
        cls,
        resource_name: str,
        id: pulumi.Input[str],  # noqa: A002 - the name that Pulumi's own resources give it
        opts: pulumi.ResourceOptions | None = None,
    ) -> Self:
        """Reads what the service has under an id. The stack neither changes it nor deletes it.

        Args:
            resource_name: Name of the resource in the stack.
            id: Id of the file or the job, or the name of the checkpoint, of which all grants are read.
            opts: Pulumi's resource options.

        Raises:
            Exception: `pulumi up` says so where the service has nothing under this id.
        """
        parameters = inspect.signature(cls.__init__).parameters.values()
        required = (
            one.name for one in parameters if one.kind is one.KEYWORD_ONLY and one.default is one.empty
        )
        no_inputs: dict[str, Any] = dict.fromkeys(required)
        by_id = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(id=id))
        make: Any = cls
        found: Self = make(resource_name, **no_inputs, opts=by_id)
        return found


async def resource_identity(name: str, type_name: str, opts: pulumi.ResourceOptions | None) -> str:
    """Tells a resource apart from every other one that any stack manages, however often it is created.

    Like a URN it holds project, stack, the types of the parents and the name, and the organization besides. It is
    awaited, no output: an output of the parent would make the resource depend on the parent's children, itself.
    """
    warn_about_plaintext_keys()
    return await _identity(name, type_name, opts.parent if opts else None)


def with_secret_outputs(opts: pulumi.ResourceOptions | None, *outputs: str) -> pulumi.ResourceOptions:
    """The options with more outputs that Pulumi encrypts in the state."""
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(additional_secret_outputs=list(outputs)))


def secret_inputs(inputs: Mapping[str, Any]) -> Awaitable[list[str] | None] | None:
    """The names of inputs that are secret, so that no error shows them."""
    later = {name: value for name, value in inputs.items() if isinstance(value, pulumi.Output | dict | list)}
    return _secret_inputs(later) if later else None


async def _secret_inputs(inputs: Mapping[str, Any]) -> list[str] | None:
    return [
        name for name, value in inputs.items() if await pulumi.Output.from_input(value).is_secret()
    ] or None


def former_identities(
    name: str, type_name: str, opts: pulumi.ResourceOptions | None
) -> Awaitable[list[str]] | None:
    """What `identity` gave the resource under the names and parents that its aliases tell, if there are any."""
    return _former_identities(name, type_name, opts, opts.aliases) if opts and opts.aliases else None


async def _former_identities(
    name: str, type_name: str, opts: pulumi.ResourceOptions, aliases: Iterable[Any]
) -> list[str]:
    return [
        await _identity(
            alias.name if isinstance(alias.name, str) else name,
            type_name,
            alias.parent if isinstance(alias.parent, pulumi.Resource) else opts.parent,
        )
        for alias in aliases
        if isinstance(alias, pulumi.Alias)
    ]


async def _identity(name: str, type_name: str, parent: pulumi.Resource | None) -> str:
    place = await parent.urn.future() if parent else f"{pulumi.get_stack()}::{pulumi.get_project()}"
    organization = pulumi.get_organization() or "organization"  # none under Pulumi's mocks
    return "::".join((organization, place or "", type_name, name))
