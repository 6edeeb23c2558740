"""Starts and stops the emulator."""

from __future__ import annotations

import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, Self

import uvicorn

from pulumi_openai_ft.emulator import inspection
from pulumi_openai_ft.emulator.app import build_emulator_app
from pulumi_openai_ft.emulator.backend import EmulatorBackend
from pulumi_openai_ft.emulator.clock import Clock
from pulumi_openai_ft.emulator.middleware import DroppableProtocol, StoppableServer
from pulumi_openai_ft.emulator.service_modes import MODES
from pulumi_openai_ft.emulator.settings import DEFAULT_DAY, Settings
from pulumi_openai_ft.server.stop_request import StopRequest
from pulumi_openai_ft.server.storage import StorageError, opened

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from types import TracebackType

    from pulumi_openai_ft.emulator.faults import Fault
    from pulumi_openai_ft.emulator.request_log import JournalEntry
    from pulumi_openai_ft.server.auth import Key
    from pulumi_openai_ft.server.blobs import Blobs
    from pulumi_openai_ft.server.store import Store

HOST = "127.0.0.1"
_KEEP_ALIVE_SECONDS = 75


class EmulatorError(Exception):
    """The emulator cannot start, or is not running. The message contains the next step."""


class Emulator:
    """An emulated fine-tuning service on 127.0.0.1. Use it as a context manager, or call `start` and `stop`.

    Args:
        port: Port; 0 selects a free port.
        data: Directory for all data. By default, data is lost when the emulator stops.
        speed: Simulated seconds of training per real second. With 0, a job finishes when a client first reads it.
        seed: Seed for the loss curves of jobs that set none.
        job_seconds: Simulated duration of a job in seconds.
        projects: Ids of the organization's other projects; by default any `proj_…` is valid.
        closed: Whether to reject new jobs, like OpenAI for a closed organization.
        polls_until_done: Number of reads by clients after which a job finishes; overrides `speed`.
        clock: A clock that overrides `speed` and `polls_until_done`.
        keys: Accepted keys; by default every key works.
        today: Date that determines which models are available.
        mode: Service to emulate, a key of `MODES`.

    Attributes:
        settings: Settings, which you can change while the emulator runs.
    """

    def __init__(  # tests set each parameter separately
        self,
        *,
        port: int = 0,
        data: Path | str | None = None,
        speed: float = 0.0,
        seed: int = 0,
        job_seconds: float = 120.0,
        projects: Sequence[str] = (),
        closed: bool = False,
        polls_until_done: int = 0,
        clock: Clock | None = None,
        keys: Sequence[str] = (),
        today: date = DEFAULT_DAY,
        mode: str = "openai",
    ) -> None:
        if mode not in MODES:
            raise EmulatorError(f"Unknown mode {mode!r}: must be one of {', '.join(MODES)}.")
        self.settings: Settings = Settings(
            projects=tuple(projects), closed=closed, job_seconds=job_seconds, today=today, mode=mode
        )
        self._port = port
        self._data = None if data is None else Path(data)
        self._seed = seed
        self._keys = keys
        self._clock = clock or _clock(speed, polls_until_done, job_seconds)
        self._running = ExitStack()
        self._backend: EmulatorBackend | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Start the emulator, and return when it accepts requests.

        Raises:
            EmulatorError: The port or the data directory cannot be used.
        """
        with ExitStack() as stack:
            listener = stack.enter_context(_listener(self._port))
            store, blobs = _opened(stack, self._data)
            backend = EmulatorBackend(self.settings, self._clock, store, blobs, self._seed)
            for key in self._keys:
                backend.keyring.add(key)
            stack.callback(_serve(backend, listener))
            self._port = listener.getsockname()[1]
            self._backend = backend
            self._running = stack.pop_all()

    def stop(self) -> None:
        """End all requests and close the store. Do nothing if the emulator is not running."""
        self._backend = None
        self._running.close()

    @property
    def url(self) -> str:
        """Return the base URL for clients, `http://127.0.0.1:PORT/v1`. It remains the same after a restart."""
        if not self._port:
            raise EmulatorError("The emulator has no URL before it is started: call start() first.")
        return f"http://{HOST}:{self._port}/v1"

    @property
    def backend(self) -> EmulatorBackend:
        """Return the backend. Raise `EmulatorError` if the emulator is not running."""
        if self._backend is None:
            raise EmulatorError("The emulator is not running: call start() or use it in a with statement.")
        return self._backend

    def reset(self) -> None:
        """Delete all objects, journal entries and faults. Settings and keys remain."""
        self.backend.reset()

    def advance(self, seconds: float) -> None:
        """Move the clock forward by simulated seconds."""
        self.backend.advance(seconds)

    def fault(self, method: str, path: str, action: str, times: int | None = 1, **options: Any) -> Fault:
        """Add a fault, like POST /_emulator/faults. See `faults.Fault` for the arguments."""
        spec = {"method": method, "path": path, "action": action, "times": times, **options}
        return self.backend.faults.add(spec)

    def clear_faults(self) -> None:
        """Remove all faults."""
        self.backend.faults.clear()

    def add_key(self, key: str, *, project: str | None = None, scopes: Sequence[str] | None = None) -> Key:
        """Register a key. From then on, only registered project keys, or registered admin keys, work."""
        return self.backend.keyring.add(key, project=project, scopes=scopes)

    def journal(self, **filters: Any) -> list[JournalEntry]:
        """Return the requests so far, oldest first.

        Args:
            filters: `method`, `path`, `status` and `after`; see `request_log.Journal.entries`.
        """
        return self.backend.journal.entries(**filters)

    def counts(self) -> dict[str, int]:
        """Return the number of requests per method and route, such as `GET /v1/files`."""
        return self.backend.journal.counts()

    def files(self) -> inspection.Objects:
        """Return all files, oldest first: the API's objects with their `project`."""
        return inspection.files(self.backend)

    def uploads(self) -> inspection.Objects:
        """Return all uploads, oldest first: the API's objects with their `project`."""
        return inspection.uploads(self.backend)

    def jobs(self) -> inspection.Objects:
        """Return all jobs, oldest first: the API's objects with their `project`. This does not count as a read."""
        return inspection.jobs(self.backend)

    def permissions(self) -> inspection.Objects:
        """Return all permissions, oldest first: the API's objects with their `checkpoint`."""
        return inspection.permissions(self.backend)

    def models(self) -> inspection.Objects:
        """Return all fine-tuned models, oldest first: the API's objects with their `project` and `job`."""
        return inspection.models(self.backend)


def serve(emulator: Emulator) -> int:
    """Run an emulator in the foreground until SIGINT or SIGTERM. Return the exit code.

    Print the base URL as the only line on stdout once the emulator accepts requests. All other output goes to stderr.
    """
    stop = StopRequest()
    try:
        with stop.by_signals(), emulator:
            print(emulator.url, flush=True)  # noqa: T201  # scripts read this line
            _hint(f"Emulating OpenAI's fine-tuning API; help: {emulator.url.removesuffix('/v1')}/_emulator/")
            today = emulator.settings.today
            _hint(f"The service's date is {today}: set OPENAI_FT_TODAY={today} for programs and policies.")
            if emulator.backend.catalog.takes_no_jobs(today):
                _hint("The service accepts no new jobs on this date: set an earlier date with --today.")
            _hint("Any key works; keys that begin with sk-admin- are admin keys. Press Ctrl-C to stop.")
            stop.wait()
    except EmulatorError as error:
        _hint(str(error))
        return 1
    return 0


def _hint(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201  # for users at a terminal


def _opened(stack: ExitStack, folder: Path | None) -> tuple[Store, Blobs]:
    try:
        return stack.enter_context(opened(folder, "--data"))
    except StorageError as error:
        raise EmulatorError(str(error)) from error


def _clock(speed: float, reads: int, job_seconds: float) -> Clock:
    if reads:
        return Clock.by_polls(reads, job_seconds)
    return Clock(speed=speed) if speed else Clock.at_once()


def _listener(port: int) -> socket.socket:
    # With an explicit protocol, asyncio disables Nagle's algorithm, which would delay each response by 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise EmulatorError(
            f"Port {port} cannot be used: {error}. Choose another port, or 0 for a free port."
        ) from error
    return listener


def _serve(backend: EmulatorBackend, listener: socket.socket) -> Any:
    """Serve in a thread. Return a function that stops the server, once the server accepts requests."""
    config = uvicorn.Config(
        build_emulator_app(backend),
        http=DroppableProtocol,
        ws="none",
        loop="asyncio",
        lifespan="off",
        log_config=None,
        log_level="error",
        access_log=False,
        date_header=False,
        server_header=False,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
    )
    server = StoppableServer(config, backend.faults.ended)
    thread = Thread(target=server.run, args=([listener],), name="openai-ft-emulator", daemon=True)
    thread.start()
    server.accepting.wait()

    def stop() -> None:
        server.stop()
        thread.join()

    return stop
