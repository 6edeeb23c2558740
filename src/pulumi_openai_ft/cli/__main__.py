"""Starts the `openai-ft` command."""

from __future__ import annotations

import signal
import sys


def run() -> None:
    """Run the command and exit. Ctrl-C during the imports, which take most of the start, ends it without a traceback."""
    is_handled = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not ignored, as by nohup
    if is_handled:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from pulumi_openai_ft.cli.main import main  # noqa: PLC0415

    if is_handled:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.exit(main())


if __name__ == "__main__":
    run()
