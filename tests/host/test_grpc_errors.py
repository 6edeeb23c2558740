"""The host's error details can be read as `google.rpc.Status`."""

from __future__ import annotations

import subprocess
import sys

import pytest
from google.protobuf import any_pb2
from google.protobuf.struct_pb2 import Struct
from pulumi.runtime.proto.provider_pb2 import ErrorResourceInitFailed
from tests.host.support import ROOT

from pulumi_openai_ft.host._grpc_errors import _Status

READ = """
import sys
from pulumi.runtime.proto.provider_pb2 import ErrorResourceInitFailed
from pulumi_openai_ft.host import _grpc_errors, _servicer
from {module} import Status

status = Status.FromString(sys.stdin.buffer.read())
(detail,) = status.details
left = ErrorResourceInitFailed()
assert detail.Unpack(left)
print(status.code, status.message, detail.type_url, left.id, list(left.reasons), left.properties["seed"], sep="|")
"""
# A process cannot load both declarations, so each is loaded in a separate process.
DECLARATIONS = ["google.rpc.status_pb2", "pulumi.runtime.proto.status_pb2"]


@pytest.mark.parametrize("declaration", DECLARATIONS)
def test_both_declarations_can_read_the_status(declaration: str) -> None:
    """Third-party providers may load either declaration."""
    properties = Struct()
    properties.update({"seed": 7})
    detail = any_pb2.Any()
    detail.Pack(ErrorResourceInitFailed(id="ftjob-1", reasons=["it is late"], properties=properties))
    status = _Status(code=2, message="ü is late", details=[detail.SerializeToString()])

    ran = subprocess.run(
        [sys.executable, "-c", READ.format(module=declaration)],
        cwd=ROOT,
        input=status.SerializeToString(),
        stdout=subprocess.PIPE,
        check=True,
    )

    assert ran.stdout.decode() == (
        "2|ü is late|type.googleapis.com/pulumirpc.ErrorResourceInitFailed|ftjob-1|['it is late']|7.0\n"
    )
