"""Command-line entry point of the host. The arguments contain the engine's address."""

from __future__ import annotations

import sys

from pulumi_openai_ft.host import _startup

with _startup.loading():
    from pulumi_openai_ft.host._server import serve


def main() -> None:
    """Serve until the engine exits or ends the host."""
    serve(sys.argv[1:])


if __name__ == "__main__":
    main()
