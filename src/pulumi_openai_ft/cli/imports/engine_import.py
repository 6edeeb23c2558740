"""Runs `pulumi import` for a list of resources."""

from __future__ import annotations

import os
import re
import signal
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, NoReturn, TextIO

from pulumi_openai_ft.cli.pulumi_cli import MISSING, command_path
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pulumi_openai_ft.cli.imports.import_list import ImportList

_OPTIONS = ("--protect=true", "--generate-code=false", "--skip-preview", "--yes", "--suppress-progress")
_IMPORTED = re.compile(r"^ = +\S*pulumi-python:dynamic/openai_ft:\S+ .* imported\b")
_DIAGNOSTICS, _RESULTS = "Diagnostics:", ("Resources:", "Outputs:", "Duration:")
_LAST_LINES = 15
_POLL_SECONDS = 0.1


@dataclass(frozen=True)
class EngineImport:
    """An import into a stack.

    Attributes:
        folder: Folder of the project.
        stack: Name of the stack, or None for the selected stack.
        show: Displays the number of imported resources.
        note: Prints a message for the user.
    """

    folder: Path
    stack: str | None
    show: Callable[[int, int], None]
    note: Callable[[str], None]

    def run(self, resources: ImportList) -> str:
        """Import resources. If some cannot be imported, the others are.

        Returns:
            The engine's errors, or an empty text.

        Raises:
            InputError: Pulumi is not installed.
            KeyboardInterrupt: The user pressed Ctrl-C. The engine has ended.
        """
        with TemporaryDirectory(prefix="openai-ft-import-") as name:
            folder = Path(name)
            resources.write(folder / "import.json")
            with (folder / "output").open("w+", encoding="utf-8", errors="replace") as output:
                process = self._start(folder / "import.json", output)
                with _ended_in_order(process, self.note):
                    self._watch(process, output, len(resources.entries))
                output.seek(0)
                return errors_in(output.read().splitlines()) if process.returncode else ""

    def _start(self, file: Path, output: TextIO) -> subprocess.Popen[bytes]:
        """Start the engine, so that it finishes even if this process is killed.

        It writes to a file, because it would end at a closed pipe. Its own process group receives Ctrl-C exactly once,
        through this process.
        """
        pulumi = command_path()
        if pulumi is None:
            raise InputError(MISSING)
        selection = ["--stack", self.stack] if self.stack else []
        return subprocess.Popen(  # noqa: S603 - the command is defined in this function
            [pulumi, "import", "--file", file, *_OPTIONS, *selection, "--non-interactive", "--color=never"],
            cwd=self.folder,
            env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "true"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
        )

    def _watch(self, process: subprocess.Popen[bytes], output: TextIO, total: int) -> None:
        """Show the progress until the engine has ended."""
        done, is_running = 0, True
        with Path(output.name).open(encoding="utf-8", errors="replace") as written:
            while is_running:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_POLL_SECONDS)
                    is_running = False
                done += sum(bool(_IMPORTED.match(line)) for line in written)
                self.show(done, total)


@contextmanager
def _ended_in_order(process: subprocess.Popen[bytes], note: Callable[[str], None]) -> Iterator[None]:
    """Pass Ctrl-C and SIGTERM on to the engine as Ctrl-C, and wait until it has saved the state and ended."""
    former = signal.signal(signal.SIGTERM, _exit)
    try:
        yield
    except (KeyboardInterrupt, SystemExit):
        note("stopping: the engine saves the resources that it has imported")
        while process.poll() is None:
            with suppress(KeyboardInterrupt):
                _interrupt(process)
                process.wait()
        raise
    finally:
        signal.signal(signal.SIGTERM, former)


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGINT)


def _exit(number: int, _frame: object) -> NoReturn:
    raise SystemExit(128 + number)


def errors_in(lines: list[str]) -> str:
    """Return the diagnostics in the engine's output, or its last lines if it has none."""
    if _DIAGNOSTICS not in lines:
        return "\n".join(line for line in lines[-_LAST_LINES:] if line.strip())
    after = lines[lines.index(_DIAGNOSTICS) + 1 :]
    end = next((number for number, line in enumerate(after) if line.startswith(_RESULTS)), len(after))
    return "\n".join(after[:end]).strip("\n")
