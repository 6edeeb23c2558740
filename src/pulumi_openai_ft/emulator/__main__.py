from __future__ import annotations

import argparse
import sys

from pulumi_openai_ft.emulator.command import add_arguments, run


def main() -> int:
    """Run the emulator as a module. Return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m pulumi_openai_ft.emulator", description="An emulator of OpenAI's fine-tuning API."
    )
    add_arguments(parser)
    return run(parser.parse_args())


if __name__ == "__main__":
    sys.exit(main())
