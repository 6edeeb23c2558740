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
    """Properties from the engine; what is not known yet is an `Unknown`, or None where nobody asks for those."""
    properties: dict[str, Any] = rpc.deserialize_properties(struct, keep_unknowns=unknowns)
    return properties


def to_struct(properties: dict[str, Any]) -> Struct:
    """Properties for the engine, without those that are None."""
    struct = Struct()
    struct.update({name: _known(value) for name, value in properties.items() if value is not None})
    return struct


def _known(value: Any) -> Any:
    if isinstance(value, Unknown):
        return rpc.UNKNOWN
    if isinstance(value, dict):
        return {key: _known(item) for key, item in value.items()}
    return [_known(item) for item in value] if isinstance(value, list | tuple) else value


def type_of(urn: str) -> str:
    """The type of a URN's resource, without those of its parents."""
    return urn.split("::", 3)[2].rsplit("$", maxsplit=1)[-1] if urn.count("::") > 2 else ""  # noqa: PLR2004 - urn:pulumi:stack::project::types::name


def name_of(urn: str) -> str:
    """The name of a URN's resource, which may hold anything."""
    return urn.split("::", 3)[-1]


ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\r": r"\r"})
"""Characters that Pulumi's code generator forgets to escape (pkg/v3 3.259, gen_program_expressions.go)."""


def escape_for_codegen(value: Any) -> Any:
    """Return inputs of an import with escapes, so that the program that `pulumi import` prints has the same values.

    Pulumi's generator writes a text of several lines between triple quotes and escapes nothing in it. Only the
    printed program is affected: resources are compared by the state's outputs.
    """
    if isinstance(value, dict):
        return {escape_for_codegen(key): escape_for_codegen(item) for key, item in value.items()}
    if isinstance(value, list):
        return [escape_for_codegen(item) for item in value]
    return value.translate(ESCAPES) if isinstance(value, str) and _is_of_several_lines(value) else value


def _is_of_several_lines(text: str) -> bool:
    return text.count("\n") > 1 or "\n" in text[1:-1]


def diff_response(found: DetailedDiff, olds: dict[str, Any], news: dict[str, Any]) -> DiffResponse:
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
    there = get_at(path, olds) is not None, get_at(path, news) is not None
    return {(False, True): PropertyDiff.ADD, (True, False): PropertyDiff.DELETE}.get(
        there, PropertyDiff.UPDATE
    )
