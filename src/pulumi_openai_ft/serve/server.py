"""Starts the service in the foreground."""

from __future__ import annotations

import logging
import socket
import sys
from threading import Event, Thread
from typing import TYPE_CHECKING

import uvicorn

from pulumi_openai_ft.serve.config import load_config
from pulumi_openai_ft.serve.downloads import download_missing
from pulumi_openai_ft.serve.errors import ServeError
from pulumi_openai_ft.serve.live_keys import LiveKeys
from pulumi_openai_ft.serve.service import Service
from pulumi_openai_ft.server.stop_request import StopRequest
from pulumi_openai_ft.server.storage import StorageError, opened

if TYPE_CHECKING:
    from pathlib import Path

    from starlette.types import ASGIApp

    from pulumi_openai_ft.serve.config import ServeConfig
    from pulumi_openai_ft.serve.engines.interface import Engine
    from pulumi_openai_ft.serve.listener import Listener

_KEEP_ALIVE_SECONDS = 75
_GRACE_SECONDS = 10


def run(
    config: ServeConfig,
    listener: Listener,
    *,
    config_file: Path,
    engine: Engine | None = None,
    tick: float = 1.0,
) -> int:
    """Serve until SIGINT or SIGTERM. Return the exit code. Training runs continue after the end.

    Print the base URL as the only line on stdout once the service accepts requests. All other output goes to stderr.

    Args:
        config: The configuration. Its base models that are not downloaded yet are downloaded first.
        listener: Where to listen.
        config_file: File of the configuration, whose keys may change while it runs.
        engine: Engine that trains. By default, the one of the configuration.
        tick: Seconds between two rounds of the training loop.

    Raises:
        ServeError: The data folder or the address cannot be used, or a download failed.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    config.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _bound(listener) as bound:
        try:
            with opened(config.data, "`data` in the configuration") as (store, blobs):
                if config.not_downloaded():
                    download_missing(config)
                    config = load_config(config_file)
                guards_host = listener.is_loopback and not listener.behind_proxy
                keys = LiveKeys(config_file, config.keys)
                service = Service(
                    config, keys, store, blobs, engine=engine, guards_host=guards_host, tick=tick
                )
                _serve(service.app(), bound, listener)
        except StorageError as error:
            raise ServeError(str(error)) from error
    return 0


def _serve(app: ASGIApp, bound: socket.socket, listener: Listener) -> None:
    stop = StopRequest()
    server = _Server(_uvicorn_config(app, listener), stop)
    thread = Thread(target=server.run, args=([bound],), name="server")
    with stop.by_signals():
        try:
            thread.start()
            server.accepting.wait()
            if server.started:
                print(_url(bound, listener), flush=True)  # noqa: T201  # scripts read this line
                _hint(
                    "Press Ctrl-C to stop the service. Training runs continue and are found again at the next start."
                )
            stop.wait()
        finally:
            server.should_exit = True
            thread.join()


class _Server(uvicorn.Server):
    """A server for a thread, which reports when it accepts requests, and when it ends by itself."""

    def __init__(self, config: uvicorn.Config, stop: StopRequest) -> None:
        super().__init__(config)
        self.accepting = Event()
        self._stop = stop

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.accepting.set()

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        try:
            super().run(sockets)
        finally:
            self.accepting.set()
            self._stop.make()


def _uvicorn_config(app: ASGIApp, listener: Listener) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=listener.behind_proxy,
        timeout_keep_alive=_KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        ssl_certfile=None if listener.tls is None else listener.tls.certificate,
        ssl_keyfile=None if listener.tls is None else listener.tls.key,
    )


def _bound(listener: Listener) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            listener.host, listener.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP
        )[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        raise ServeError(
            f"{listener.host} port {listener.port} cannot be used: {error.strerror}. Choose another --port or --host"
        ) from None
    return bound


def _url(bound: socket.socket, listener: Listener) -> str:
    scheme = "http" if listener.tls is None else "https"
    host = f"[{listener.host}]" if ":" in listener.host else listener.host
    return f"{scheme}://{host}:{bound.getsockname()[1]}/v1"


def _hint(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201  # for users at a terminal
