"""gRPC errors that report failed operations to the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

import grpc
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, message_factory

if TYPE_CHECKING:
    from pulumi.runtime.proto import provider_pb2

DETAILS = "grpc-status-details-bin"
UNKNOWN = grpc.StatusCode.UNKNOWN


def fail(context: grpc.ServicerContext, reason: str) -> NoReturn:
    """Abort a call with a message for the user."""
    context.abort(UNKNOWN, reason)
    raise AssertionError


def abort_partial(context: grpc.ServicerContext, failure: provider_pb2.ErrorResourceInitFailed) -> NoReturn:
    """Abort a create or update whose resource exists, so that the engine records its current state."""
    detail = any_pb2.Any()
    detail.Pack(failure)
    status = _Status(
        code=UNKNOWN.value[0], message="; ".join(failure.reasons), details=[detail.SerializeToString()]
    )
    context.set_trailing_metadata(((DETAILS, status.SerializeToString()),))
    fail(context, status.message)


def _status_class() -> Any:
    """Return a message class with the wire format of `google.rpc.Status`.

    The declaration is repeated here because the two packages that contain it cannot be loaded together, and a
    third-party provider may load either.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name="status.proto", package="pulumi_openai_ft", syntax="proto3"
    )
    field = descriptor_pb2.FieldDescriptorProto
    status = file.message_type.add(name="Status")
    status.field.add(name="code", number=1, type=field.TYPE_INT32, label=field.LABEL_OPTIONAL)
    status.field.add(name="message", number=2, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    status.field.add(name="details", number=3, type=field.TYPE_BYTES, label=field.LABEL_REPEATED)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("pulumi_openai_ft.Status"))


_Status = _status_class()
