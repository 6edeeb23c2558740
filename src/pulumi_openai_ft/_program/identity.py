"""The identity of a resource, and the identities that it had under its aliases and those of its parent.

Like a URN, an identity contains the project, the stack, the types of the parents, and the name. It also contains the
organization, and the name of the parent.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi

from pulumi_openai_ft._program.stack_config import warn_about_plaintext_keys

if TYPE_CHECKING:
    from collections.abc import Awaitable, Iterable

_URN = "urn:pulumi:"
_URN_PARTS = 4
"""Parts of a URN: stack, project, types, and name."""


async def resource_identity(name: str, type_name: str, opts: pulumi.ResourceOptions | None) -> str:
    """Return an identity that is unique among the resources of all stacks and stays the same when one is recreated.

    The URN of the parent is awaited rather than passed as an output, because that output would make the resource depend
    on the children of its parent, and so on itself.
    """
    warn_about_plaintext_keys()
    return _identity(await _place(opts.parent if opts else None), type_name, name)


def former_identities(
    name: str, type_name: str, opts: pulumi.ResourceOptions | None
) -> Awaitable[list[str]] | None:
    """Return the identities that the resource had under its aliases and those of its parent, or None without any."""
    if not opts or not (opts.aliases or _aliases(opts.parent)):
        return None
    return _former_identities(name, type_name, opts)


async def _former_identities(name: str, type_name: str, opts: pulumi.ResourceOptions) -> list[str]:
    places = await _places(opts.parent)
    aliases = [await pulumi.Output.from_input(alias).future() for alias in opts.aliases or ()]
    found = [await _declared(alias, name, places) for alias in aliases]
    pairs = [*_names(name, places), *(pair for declared in found for pair in declared)]
    identities = dict.fromkeys(_identity(place, type_name, former) for place, former in pairs)
    identities.pop(_identity(places[0], type_name, name), None)
    return list(identities)


async def _declared(alias: Any, name: str, places: list[str]) -> list[tuple[str, str]]:
    """Return the places and names that an alias describes.

    Args:
        alias: The alias, or its URN. Other values, such as an unknown one, describe nothing.
        name: Name of the resource.
        places: The current place of the resource, followed by its former ones.
    """
    if isinstance(alias, str):
        return _of_urn(alias, places)
    return await _of_alias(alias, name, places) if isinstance(alias, pulumi.Alias) else []


async def _of_alias(alias: Any, name: str, places: list[str]) -> list[tuple[str, str]]:
    """Return the places and names of an alias. A part that the program omits is `...`."""
    if alias.parent is not ...:
        places = await _places(alias.parent)
    stack, project = [
        None if part is ... else await pulumi.Output.from_input(part).future()
        for part in (alias.stack, alias.project)
    ]
    pairs = _names(name if alias.name in (..., None) else str(alias.name), places)
    return [(_moved(place, stack, project), former) for place, former in pairs]


def _of_urn(urn: str, places: Iterable[str]) -> list[tuple[str, str]]:
    """Return the places and the name in a URN. It has the type of the parent, but not its name."""
    parts = urn.removeprefix(_URN).split("::", _URN_PARTS - 1)
    if len(parts) < _URN_PARTS:
        return []
    stack, project, types, name = parts
    parent_types = types.rpartition("$")[0]
    if not parent_types:
        return [(f"{stack}::{project}", name)]
    return [(_moved(place, stack, project), name) for place in places if _types(place) == parent_types]


def _names(name: str, places: list[str]) -> list[tuple[str, str]]:
    """Return the places together with the name of the resource there.

    Like the engine, assume that a name which begins with the name of the parent was derived from it.
    """
    current = _name(places[0])
    pairs = [(place, name) for place in places]
    if current and name.startswith(current):
        pairs += [(place, _name(place) + name.removeprefix(current)) for place in places[1:]]
    return pairs


def _identity(place: str, type_name: str, name: str) -> str:
    organization = pulumi.get_organization() or "organization"  # empty under Pulumi's mocks
    return f"{organization}::{place}::{type_name}::{name}"


async def _places(parent: Any) -> list[str]:
    """Return the place of the children of a parent, followed by those under the aliases of the parent."""
    former = [await alias.future() for alias in _aliases(parent)]
    return [await _place(parent), *(urn for urn in former if urn)]


async def _place(parent: Any) -> str:
    """Return the URN of a parent, or the stack and project without one."""
    if parent is None:
        return f"{pulumi.get_stack()}::{pulumi.get_project()}"
    urn = parent.urn if isinstance(parent, pulumi.Resource) else pulumi.Output.from_input(parent)
    return await urn.future() or ""


def _aliases(parent: Any) -> list[pulumi.Output[str]]:
    """Return the URNs of the aliases of a parent. Pulumi does not record those of a grandparent."""
    return getattr(parent, "_aliases", [])


def _moved(place: str, stack: str | None, project: str | None) -> str:
    """Return a place in another stack or project."""
    prefix = _URN if place.startswith(_URN) else ""
    old_stack, old_project, *rest = place.removeprefix(_URN).split("::", 2)
    return prefix + "::".join((stack or old_stack, project or old_project, *rest))


def _types(place: str) -> str:
    """Return the types in the URN of a parent, or an empty string without a parent."""
    return place.split("::", _URN_PARTS - 1)[2] if place.startswith(_URN) else ""


def _name(place: str) -> str:
    """Return the name in the URN of a parent, or an empty string without a parent."""
    return place.split("::", _URN_PARTS - 1)[-1] if place.startswith(_URN) else ""
