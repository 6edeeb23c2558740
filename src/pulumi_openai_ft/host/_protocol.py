"""Conversions between the engine's protocol messages and Python values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from google.protobuf.struct_pb2 import Struct
from pulumi.output import Unknown
from pulumi.runtime import rpc
from pulumi.runtime.proto.provider_pb2 import DiffResponse, PropertyDiff

from pulumi_openai_ft._shared.property_paths import get_at, top_level

if TYPE_CHECKING:
    from pulumi_openai_ft._provider.base import DetailedDiff


def from_struct(struct: Struct, *, unknowns: bool = True) -> dict[str, Any]:
    """Return properties from the engine as a dict. Unknown values are `Unknown`, or None if `unknowns` is false."""
    properties: dict[str, Any] = rpc.deserialize_properties(struct, keep_unknowns=unknowns)
    return properties


def to_struct(properties: dict[str, Any]) -> Struct:
    """Return properties as a struct for the engine, without None values."""
    struct = Struct()
    struct.update({name: _encode_unknowns(value) for name, value in properties.items() if value is not None})
    return struct


def _encode_unknowns(value: Any) -> Any:
    if isinstance(value, Unknown):
        return rpc.UNKNOWN
    if isinstance(value, dict):
        return {key: _encode_unknowns(item) for key, item in value.items()}
    return [_encode_unknowns(item) for item in value] if isinstance(value, list | tuple) else value


def diff_response(diff: DetailedDiff, olds: dict[str, Any], news: dict[str, Any]) -> DiffResponse:
    """Return the engine's message for a diff between old outputs and new inputs."""
    detailed = {
        **{path: PropertyDiff(kind=_kind(path, olds, news)) for path in diff.updating_paths},
        **{path: PropertyDiff(kind=_replacing[_kind(path, olds, news)]) for path in diff.replacing_paths},
    }
    return DiffResponse(
        changes=DiffResponse.DIFF_SOME if diff.changes else DiffResponse.DIFF_NONE,
        replaces=diff.replaces,
        deleteBeforeReplace=bool(diff.delete_before_replace),
        diffs=dict.fromkeys(map(top_level, (*diff.updating_paths, *diff.replacing_paths))),
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


_replacing = {
    PropertyDiff.ADD: PropertyDiff.ADD_REPLACE,
    PropertyDiff.DELETE: PropertyDiff.DELETE_REPLACE,
    PropertyDiff.UPDATE: PropertyDiff.UPDATE_REPLACE,
}


def _kind(path: str, olds: dict[str, Any], news: dict[str, Any]) -> Any:
    presence = get_at(path, olds) is not None, get_at(path, news) is not None
    return {(False, True): PropertyDiff.ADD, (True, False): PropertyDiff.DELETE}.get(
        presence, PropertyDiff.UPDATE
    )
