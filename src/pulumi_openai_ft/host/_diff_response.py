"""How the engine is told what differs, property by property."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pulumi.runtime.proto.provider_pb2 import DiffResponse, PropertyDiff

from pulumi_openai_ft._shared.property_paths import at, top_level

if TYPE_CHECKING:
    from pulumi_openai_ft._provider.base import Comparison


def diff_response(found: Comparison, olds: dict[str, Any], news: dict[str, Any]) -> DiffResponse:
    """The engine's form of a comparison of old outputs with new inputs."""
    detailed = {
        **{path: PropertyDiff(kind=_kind(path, olds, news)) for path in found.updating_paths},
        **{path: PropertyDiff(kind=_replacing[_kind(path, olds, news)]) for path in found.replacing_paths},
    }
    return DiffResponse(
        changes=DiffResponse.DIFF_SOME if found.changes else DiffResponse.DIFF_NONE,
        replaces=found.replaces,
        deleteBeforeReplace=bool(found.delete_before_replace),
        diffs=dict.fromkeys(map(top_level, (*found.updating_paths, *found.replacing_paths))),
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


_replacing = {
    PropertyDiff.ADD: PropertyDiff.ADD_REPLACE,
    PropertyDiff.DELETE: PropertyDiff.DELETE_REPLACE,
    PropertyDiff.UPDATE: PropertyDiff.UPDATE_REPLACE,
}


def _kind(path: str, olds: dict[str, Any], news: dict[str, Any]) -> Any:
    there = at(path, olds) is not None, at(path, news) is not None
    return {(False, True): PropertyDiff.ADD, (True, False): PropertyDiff.DELETE}.get(
        there, PropertyDiff.UPDATE
    )
