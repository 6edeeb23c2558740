"""Checks whether the engine that started this process is still running.

Pulumi's stock host outlives an engine that is killed, and finishes the operations in progress. It could create a job
after the next `pulumi up` has already searched for existing jobs.
"""

from __future__ import annotations

import re
import socket
import sys
from typing import TYPE_CHECKING

from pulumi_openai_ft.errors import EngineDisconnectedError

if TYPE_CHECKING:
    from collections.abc import Sequence

CONNECT_TIMEOUT = 2.0
"""Maximum number of seconds that the local engine may take to accept a connection."""
_ADDRESS = re.compile(r"(127\.0\.0\.1|localhost):(\d+)")


def find_engine_address(arguments: Sequence[str]) -> str:
    """Return the engine's address from the arguments of a host, or an empty string. Skip logging options."""
    return next(filter(_ADDRESS.fullmatch, arguments), "")


def require_engine(arguments: Sequence[str] | None = None) -> None:
    """Make sure that the engine is still running, so that it can record a resource before you create it.

    Do nothing if the arguments contain no engine address: this process is then not a provider host.

    Args:
        arguments: Command-line arguments of the host; by default those of this process.

    Raises:
        EngineDisconnectedError: The engine is no longer running.
    """
    address = find_engine_address(sys.argv[1:] if arguments is None else arguments)
    if address and not is_listening(address):
        raise EngineDisconnectedError(
            "the Pulumi engine that started this operation is no longer running, so nothing was created: "
            "run the command again"
        )


def is_listening(address: str) -> bool:
    """Return whether an engine accepts connections at `<host>:<port>`, an address of this machine."""
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=CONNECT_TIMEOUT).close()
    except OSError:
        return False
    return True
