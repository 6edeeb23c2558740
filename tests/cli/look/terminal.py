"""A command in a terminal of a given size."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
import time
from codecs import IncrementalDecoder, getincrementaldecoder
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

MAX_WAIT = 60.0
"""Seconds that a test waits for a text."""
ALTERNATE_SCREEN, NORMAL_SCREEN, SHOWN_CURSOR = "\x1b[?1049h", "\x1b[?1049l", "\x1b[?25h"
HOME = "\x1b[H"
"""Begins each picture of a live display."""
_PROGRAM = """
import os, sys
os.login_tty(0)  # so that Ctrl-C interrupts the command
from pulumi_openai_ft.cli.main import main
sys.exit(main())
"""


@dataclass
class Terminal:
    """A command that runs in a terminal.

    Attributes:
        process: The command.
        side: The terminal's side of the connection.
        text: All that the command has written.
    """

    process: subprocess.Popen[bytes]
    side: int
    text: str = ""
    _decoder: IncrementalDecoder = field(default_factory=getincrementaldecoder("utf-8"))

    @classmethod
    def start(
        cls, *arguments: str, columns: int = 100, rows: int = 30, environment: Mapping[str, str] | None = None
    ) -> Self:
        """Start `openai-ft` with arguments."""
        side, other = pty.openpty()
        cls._resize(side, columns, rows)
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, *arguments],
            stdin=other,
            stdout=other,
            stderr=other,
            env={**os.environ, "TERM": "xterm-256color", **(environment or {})},
        )
        os.close(other)
        return cls(process, side)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self.side)

    def resize(self, columns: int, rows: int) -> None:
        """Change the size."""
        self._resize(self.side, columns, rows)

    def press(self, keys: bytes) -> None:
        """Send keys. The terminal turns Ctrl-C into an interrupt."""
        os.write(self.side, keys)

    def read_until(self, text: str) -> str:
        """Return what the command writes from now on, up to a text."""
        return self._await(text, lambda shown: shown if text in shown else "")

    def read_picture(self, text: str) -> str:
        """Return the first complete picture from now on that contains a text."""

        def complete(shown: str) -> str:
            return next((picture for picture in shown.split(HOME)[1:-1] if text in picture), "")

        return self._await(text, complete)

    def end(self) -> int:
        """Wait for the end of the command, and return its exit code."""
        while self._read():
            pass
        return self.process.wait(MAX_WAIT)

    def _await(self, text: str, find: Callable[[str], str]) -> str:
        """Return what a function finds in the output from now on, as soon as it is not empty."""
        start, deadline = len(self.text), time.monotonic() + MAX_WAIT
        while not (found := find(self.text[start:])):
            assert time.monotonic() < deadline, f"{text!r} was not shown in {self.text[start:]!r}"
            assert self._read(), f"the command ended before it showed {text!r}: {self.text[start:]!r}"
        return found

    def _read(self) -> bool:
        """Read what the command has written. Return False after its end."""
        if not select.select([self.side], [], [], 1)[0]:
            return True
        try:
            content = os.read(self.side, 65536)
        except OSError:  # Linux reports the end of the other side as an error
            return False
        self.text += self._decoder.decode(content)
        return bool(content)

    @staticmethod
    def _resize(side: int, columns: int, rows: int) -> None:
        fcntl.ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
