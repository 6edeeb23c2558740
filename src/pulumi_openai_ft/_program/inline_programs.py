"""Inline programs of Pulumi's Automation API. They run in the process of their caller, and so in its directory."""

from __future__ import annotations

import os
from typing import Any

import pulumi
from pulumi.runtime import settings


def path_for_provider(path: Any) -> Any:
    """Return the path of a local file by which the provider finds the same file as the program.

    The provider runs in the directory of the project. Only an inline program may run in another one, so only there is
    a relative path made absolute: states of other programs contain no paths of a machine.
    """
    if not _is_inline():
        return path
    if isinstance(path, pulumi.Output):
        return path.apply(_absolute)
    return _absolute(path)


def _absolute(path: Any) -> Any:
    return os.path.abspath(path) if isinstance(path, str) else path  # noqa: PTH100 - as a text, without links resolved


def _is_inline() -> bool:
    """Return whether this is an inline program: Pulumi's language hosts set the project's directory, mocks have no engine."""
    from pulumi.runtime.proto.resource_pb2_grpc import ResourceMonitorStub  # noqa: PLC0415 - loaded by Pulumi

    return settings.SETTINGS.root_directory is None and isinstance(
        settings.get_monitor(), ResourceMonitorStub
    )
