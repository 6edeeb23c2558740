"""The emulator as a thing to start and stop."""

from __future__ import annotations

import signal
import socket
import sys
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, Self

import uvicorn

from pulumi_openai_ft.emulator import inspection
from pulumi_openai_ft.emulator.app import build_app
from pulumi_openai_ft.emulator.backend import Backend
from pulumi_openai_ft.emulator.clock import Clock
from pulumi_openai_ft.emulator.middleware import DroppableProtocol, StoppableServer
from pulumi_openai_ft.emulator.service_modes import MODES
from pulumi_openai_ft.emulator.settings import DEFAULT_DAY, Settings
from pulumi_openai_ft.emulator.storage import EmulatorError, opened

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from types import FrameType, TracebackType

    from pulumi_openai_ft.emulator.auth import Key
    from pulumi_openai_ft.emulator.faults import Fault
    from pulumi_openai_ft.emulator.request_log import JournalEntry

HOST = "127.0.0.1"
_KEEP_ALIVE_SECONDS = 75


class Emulator:
    """An emulated fine-tuning service on loopback, as a context manager or with `start` and `stop`.

    `port` 0 takes a free one. `data` is a folder in which everything survives; without it all is gone at the end.
    `speed` is simulated seconds of training per real second, 0 ends a job when it is first read; `reads` ends it
    when it has been read so often; `clock` overrides both. `keys` are the only ones that work, if there are any.
    `mode` names the service to behave like (see `modes`).
    The rest is as in `Settings`, and all of `Settings` can be changed while it runs.
    """

    def __init__(  # each of them is a thing that tests set alone
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
            raise EmulatorError(f"There is no mode {mode!r}: name one of {', '.join(MODES)}.")
        self.settings = Settings(
            projects=tuple(projects), closed=closed, job_seconds=job_seconds, today=today, mode=mode
        )
        self._port = port
        self._data = None if data is None else Path(data)
        self._seed = seed
        self._keys = keys
        self._clock = clock or _clock(speed, polls_until_done, job_seconds)
        self._running = ExitStack()
        self._backend: Backend | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Returns once requests are accepted. Raises EmulatorError where port or data folder cannot be had."""
        with ExitStack() as stack:
            listener = stack.enter_context(_listener(self._port))
            store, blobs = stack.enter_context(opened(self._data))
            backend = Backend(self.settings, self._clock, store, blobs, self._seed)
            for key in self._keys:
                backend.keyring.add(key)
            stack.callback(_serve(backend, listener))
            self._port = listener.getsockname()[1]
            self._backend = backend
            self._running = stack.pop_all()

    def stop(self) -> None:
        """Ends all requests and closes the books; stopping twice does no harm."""
        self._backend = None
        self._running.close()

    @property
    def url(self) -> str:
        """The base URL for clients, as `http://127.0.0.1:PORT/v1`; a second start keeps it."""
        if not self._port:
            raise EmulatorError("The emulator has no address before it is started.")
        return f"http://{HOST}:{self._port}/v1"

    @property
    def backend(self) -> Backend:
        """What the server serves. Raises EmulatorError unless it runs."""
        if self._backend is None:
            raise EmulatorError("The emulator is not running; call start() or use it in a with statement.")
        return self._backend

    def reset(self) -> None:
        """Empties books, journal and faults; settings and keys stay."""
        self.backend.reset()

    def advance(self, seconds: float) -> None:
        """Skips simulated seconds."""
        self.backend.advance(seconds)

    def fault(self, method: str, path: str, action: str, times: int | None = 1, **options: Any) -> Fault:
        """Puts a fault in force, as POST /_emulator/faults does (see `faults`)."""
        wish = {"method": method, "path": path, "action": action, "times": times, **options}
        return self.backend.faults.add(wish)

    def clear_faults(self) -> None:
        """Ends all faults."""
        self.backend.faults.clear()

    def add_key(self, key: str, *, project: str | None = None, scopes: Sequence[str] | None = None) -> Key:
        """Makes a key known; from then on, only known keys of its sort work."""
        return self.backend.keyring.add(key, project=project, scopes=scopes)

    def journal(self, **filters: Any) -> list[JournalEntry]:
        """The requests so far, oldest first, by `method`, `path` (a glob or a route), `status`, `after`."""
        return self.backend.journal.entries(**filters)

    def counts(self) -> dict[str, int]:
        """How often each method and route was asked, as `GET /v1/files`."""
        return self.backend.journal.counts()

    def files(self) -> inspection.Objects:
        """All files, oldest first: the API's objects and their `project`."""
        return inspection.files(self.backend)

    def uploads(self) -> inspection.Objects:
        """All uploads, oldest first: the API's objects and their `project`."""
        return inspection.uploads(self.backend)

    def jobs(self) -> inspection.Objects:
        """All jobs, oldest first: the API's objects and their `project`. This does not count as reading them."""
        return inspection.jobs(self.backend)

    def permissions(self) -> inspection.Objects:
        """All grants, oldest first: the API's objects and their `checkpoint`."""
        return inspection.permissions(self.backend)

    def models(self) -> inspection.Objects:
        """All fine-tuned models, oldest first: the API's objects, their `project` and `job`."""
        return inspection.models(self.backend)


def serve(emulator: Emulator) -> int:
    """Runs an emulator in the foreground until SIGINT or SIGTERM, and returns the exit code.

    Once requests are accepted, its base URL stands alone on the first line of stdout; all else goes to stderr.
    """
    told = Event()

    def tell(_number: int, _frame: FrameType | None) -> None:
        told.set()

    before = {number: signal.signal(number, tell) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with emulator:
            print(emulator.url, flush=True)  # noqa: T201  # the command's promise to scripts
            _hint(f"Emulating OpenAI's fine-tuning API; help: {emulator.url.removesuffix('/v1')}/_emulator/")
            today = emulator.settings.today
            _hint(f"It is {today} at the service: set OPENAI_FT_TODAY={today} for programs and policies.")
            if emulator.backend.catalog.takes_no_jobs(today):
                _hint("The service takes no new jobs on that day: name an earlier day with --today.")
            _hint("Any key works; keys that begin with sk-admin- are admin keys. Ctrl-C ends it.")
            told.wait()
    except EmulatorError as error:
        _hint(str(error))
        return 1
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _hint(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201  # for people at a terminal


def _clock(speed: float, reads: int, job_seconds: float) -> Clock:
    if reads:
        return Clock.by_polls(reads, job_seconds)
    return Clock(speed=speed) if speed else Clock.at_once()


def _listener(port: int) -> socket.socket:
    # With the protocol named, asyncio turns Nagle's algorithm off; without, each answer waits 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except (OSError, OverflowError) as error:
        listener.close()
        raise EmulatorError(
            f"Port {port} cannot be used: {error}. Name another one, or 0 for any."
        ) from error
    return listener


def _serve(backend: Backend, listener: socket.socket) -> Any:
    """Serves in a thread; returns what stops it, once it accepts requests."""
    config = uvicorn.Config(
        build_app(backend),
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
