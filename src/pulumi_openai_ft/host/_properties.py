"""Properties on their way to and from the engine."""

from __future__ import annotations

from typing import Any

from google.protobuf.struct_pb2 import Struct
from pulumi.output import Unknown
from pulumi.runtime import rpc


def received(struct: Struct, *, unknowns: bool = True) -> dict[str, Any]:
    """Properties from the engine; what is not known yet is an `Unknown`, or None where nobody asks for those."""
    properties: dict[str, Any] = rpc.deserialize_properties(struct, keep_unknowns=unknowns)
    return properties


def sent(properties: dict[str, Any]) -> Struct:
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
