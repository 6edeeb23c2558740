"""Serves the engine whose address is among the arguments."""

from __future__ import annotations

import sys

from pulumi_openai_ft.host import _startup

with _startup.loading():
    from pulumi_openai_ft.host._server import serve


def main() -> None:
    """Serves until the engine is done."""
    serve(sys.argv[1:])


if __name__ == "__main__":
    main()
