"""Whether the engine that started this process is still there.

The stock host outlives an engine that is killed, and finishes what it was doing. What it would still buy then, the
next `pulumi up` cannot see coming.
"""

from __future__ import annotations

import re
import socket
import sys
from typing import TYPE_CHECKING

from pulumi_openai_ft.errors import EngineDisconnectedError

if TYPE_CHECKING:
    from collections.abc import Sequence

LONGEST_LOOK = 2.0
"""Seconds that the engine, on this machine, may take to accept a connection."""
_ADDRESS = re.compile(r"(127\.0\.0\.1|localhost):(\d+)")


def find_engine_address(arguments: Sequence[str]) -> str:
    """The engine's address among the arguments of a host, which may hold options of logging too; empty if it is not."""
    return next(filter(_ADDRESS.fullmatch, arguments), "")


def require_engine(arguments: Sequence[str] | None = None) -> None:
    """Makes sure that somebody is there who will record what is about to be created.

    Args:
        arguments: Arguments of this process, by default its own. The engine's address is one of those of a host of
            providers; where there is none, nobody has to be there.

    Raises:
        EngineDisconnectedError: The engine is gone.
    """
    address = find_engine_address(sys.argv[1:] if arguments is None else arguments)
    if address and not is_listening(address):
        raise EngineDisconnectedError(
            "the Pulumi engine that asked for this is gone, so nothing is created for it: run the command again"
        )


def is_listening(address: str) -> bool:
    """Whether an engine listens on this machine at `<host>:<port>`."""
    host, port = address.rsplit(":", 1)
    try:
        socket.create_connection((host, int(port)), timeout=LONGEST_LOOK).close()
    except OSError:
        return False
    return True
