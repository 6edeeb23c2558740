"""Resources that another resource depends on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.runtime._depends_on import _resolve_depends_on
from pulumi.runtime.rpc import _expand_dependencies

if TYPE_CHECKING:
    import pulumi


async def dependency_ids(opts: pulumi.ResourceOptions | None) -> list[Any]:
    """Return the ids of the resources in `depends_on`, as outputs that are unknown until the resources are created.

    A component is replaced by its children.
    """
    if opts is None or not opts.depends_on:
        return []
    resources = await _resolve_depends_on(opts._depends_on_list())  # noqa: SLF001 - no public equivalent
    expanded = await _expand_dependencies(resources, None)
    return [vars(found)["id"] for found in expanded.values() if "id" in vars(found)]
