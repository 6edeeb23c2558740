"""The process that holds the models, and the exchange of JSON lines with it.

`pulumi_openai_ft.trainer.answers` describes the lines.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_LONGEST_LINE = 1 << 24
_LAST_LINES = 5
_SECONDS_TO_EXIT = 5.0
_log = logging.getLogger(__name__)

Event = dict[str, Any]


class ProcessEndedError(Exception):
    """The process ended before it answered. The message contains its exit code and its last lines of output."""


class Exchange:
    """A request to the process and the events that answer it.

    Attributes:
        number: Number of the request, unique in the process.
    """

    def __init__(self, number: int) -> None:
        self.number = number
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()

    def add(self, event: Event | None) -> None:
        """Add an event; None if the process has ended."""
        self._events.put_nowait(event)

    async def next(self) -> Event:
        """Return the next event. Raise `ProcessEndedError` if the process has ended."""
        event = await self._events.get()
        if event is None:
            raise ProcessEndedError
        return event


class ModelProcess:
    """A running process. Create it with `start`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._numbers = count(1)
        self._exchanges: dict[int, Exchange] = {}
        self._last_lines: deque[str] = deque(maxlen=_LAST_LINES)
        self._readers = [asyncio.ensure_future(self._read_events()), asyncio.ensure_future(self._read_log())]

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str]) -> Self:
        """Start the process. Raise `OSError` if that is impossible.

        The process gets a separate session, so that Ctrl-C at a terminal reaches the server only. It ends when its
        input is closed, also if the server is killed.

        Args:
            command: The command.
            environment: All environment variables of the process.
        """
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            limit=_LONGEST_LINE,
            start_new_session=True,
        )
        return cls(process)

    @property
    def pid(self) -> int:
        """Return the id of the process."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Return whether the process has ended."""
        return self._process.returncode is not None or self._readers[0].done()

    def open(self) -> Exchange:
        """Return a new exchange, which collects events until `forget`."""
        exchange = Exchange(next(self._numbers))
        self._exchanges[exchange.number] = exchange
        if self.ended:
            exchange.add(None)
        return exchange

    async def send(self, exchange: Exchange, operation: Event) -> None:
        """Send the request of an exchange. Raise `ProcessEndedError` if the process has ended."""
        line = json.dumps({"id": exchange.number, **operation}).encode() + b"\n"
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(line)
            await self._process.stdin.drain()
        except OSError as error:
            raise ProcessEndedError from error

    def forget(self, exchange: Exchange) -> None:
        """Ignore all further events of a request."""
        self._exchanges.pop(exchange.number, None)

    async def describe_end(self) -> str:
        """Return the exit code and the last lines of output, for the log."""
        await asyncio.wait(self._readers, timeout=_SECONDS_TO_EXIT)
        with suppress(TimeoutError):
            await asyncio.wait_for(self._process.wait(), _SECONDS_TO_EXIT)
        output = " | ".join(self._last_lines) or "no output"
        return f"exit code {self._process.returncode}, last output: {output}"

    def kill(self) -> None:
        """End the process at once."""
        with suppress(ProcessLookupError):
            self._process.kill()

    async def close(self) -> None:
        """End the process, at once if it does not end by itself."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _SECONDS_TO_EXIT)
        except TimeoutError:
            self.kill()
            await self._process.wait()
        await asyncio.wait(self._readers)

    async def _read_events(self) -> None:
        assert self._process.stdout is not None
        try:
            async for line in self._process.stdout:
                event = json.loads(line)
                if exchange := self._exchanges.get(event["id"]):
                    exchange.add(event)
        except ValueError:
            _log.exception("The process that holds the models wrote an invalid line; it is stopped.")
            self.kill()
        finally:
            for exchange in self._exchanges.values():
                exchange.add(None)

    async def _read_log(self) -> None:
        assert self._process.stderr is not None
        with suppress(ValueError):  # a line longer than the limit
            async for line in self._process.stderr:
                text = line.decode("utf-8", "replace").rstrip()
                self._last_lines.append(text)
                _log.info("%s", text)
