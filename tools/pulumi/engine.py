"""Find or build the Pulumi engine that this checkout uses.

This requires only Python 3.11, because it runs before the virtual environment is created.
"""

import argparse
import sys
from collections.abc import Callable

import cache
import golang
import official
import recipe
from problem import ProblemError, exit_code


def ensure() -> int:
    """Print the folder to put first on PATH. Build the engine if it does not exist."""
    print(official.directory() or recipe.ensure())
    return 0


def where() -> int:
    """Print the folder to put first on PATH. Fail if the engine does not exist."""
    found = official.directory() or recipe.target()
    if not found.is_dir():
        raise ProblemError("this checkout has no Pulumi engine yet; run make setup")
    print(found)
    return 0


def go() -> int:
    """Print the go command that builds the engine. Install it if it is missing."""
    print(golang.executable())
    return 0


def test() -> int:
    """Run the Go tests of the language host."""
    return golang.test()


COMMANDS: dict[str, Callable[[], int]] = {"ensure": ensure, "where": where, "go": go, "test": test}


def main() -> int:
    """Run the command line and return its exit code."""
    return exit_code("engine", COMMANDS[_arguments().command])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__,
        epilog=f"All results are in {cache.root()}; you can remove this folder at any time.",
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, command in COMMANDS.items():
        commands.add_parser(name, help=command.__doc__, description=command.__doc__)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
