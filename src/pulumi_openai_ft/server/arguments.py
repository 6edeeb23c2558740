"""Values of command-line arguments that the services share."""

from __future__ import annotations

import argparse

_LARGEST_PORT = 65535


def port(text: str) -> int:
    """Return the number of a port. Raise an error for the parser if the text is not one."""
    if not text.isdecimal() or int(text) > _LARGEST_PORT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a port from 0 to {_LARGEST_PORT}")
    return int(text)
