"""Build the engine `ray` from the configuration, and check its cluster."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft.serve.engines.ray.client import RayClient, RayError
from pulumi_openai_ft.serve.engines.ray.engine import RayEngine
from pulumi_openai_ft.serve.engines.ray.shared_folder import SharedFolderCheck
from pulumi_openai_ft.serve.engines.ray.submission import Command, Resources
from pulumi_openai_ft.serve.errors import ServeError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pulumi_openai_ft.serve.config import Engine, RuntimeEnvironment, ServeConfig

SECONDS_TO_CHECK = 120.0
_PAUSE = 0.5


def build_engine(config: ServeConfig, *, seconds: float) -> RayEngine:
    """Return the engine. It calls the cluster only after `open`.

    Args:
        config: The configuration.
        seconds: Seconds between two rounds of calls.
    """
    client, command = _client(config.engine), _command(config.engine)
    return RayEngine(client, command, _shared_folder(config, client, command), seconds=seconds)


def check_token(config: ServeConfig) -> None:
    """Raise a ServeError with the next step if the cluster's token cannot be read."""
    try:
        _token(config.engine)()
    except RayError as error:
        raise ServeError(str(error)) from None


def check_cluster(config: ServeConfig) -> str:
    """Return a description of the cluster after a check of its token and of the shared folder.

    Raises:
        ServeError: The cluster cannot be used. The message is a sentence with the next step.
    """
    client = _client(config.engine)
    check = _shared_folder(config, client, _command(config.engine))
    try:
        version = client.version()
        problem = _result(client, check)
        usage = client.usage()
    except RayError as error:
        raise ServeError(f"{error} Check engine.address and the token, and that the cluster runs") from None
    finally:
        check.reset()
        client.close()
    if problem:
        raise ServeError(problem)
    amounts = ", ".join(f"{usage[name][1]:g} {name}s" for name in ("CPU", "GPU") if name in usage)
    return f"Ray {version} at {config.engine.address}, {amounts}; it shares {config.data}"


def _result(client: RayClient, check: SharedFolderCheck) -> str:
    """Perform a check, and return the problem that it found, or an empty string."""
    deadline = time.monotonic() + SECONDS_TO_CHECK
    while time.monotonic() < deadline:
        check.advance(client.submissions())
        if check.passed or check.problem:
            return check.problem
        time.sleep(_PAUSE)
    return f"the cluster did not run the check in {SECONDS_TO_CHECK:.0f} s: it may be busy"


def _client(engine: Engine) -> RayClient:
    assert engine.address is not None, "the configuration requires it"
    return RayClient(engine.address, _token(engine))


def _token(engine: Engine) -> Callable[[], str]:
    """Return a function that reads the token, and raises a RayError if there is none."""

    def read() -> str:
        if engine.token_env is not None:
            found, source = (
                os.environ.get(engine.token_env, ""),
                f"engine.token_env is {engine.token_env}, which",
            )
        else:
            assert engine.token_file is not None
            found, source = _content(engine.token_file), f"engine.token_file is {engine.token_file}, which"
        if not found.strip():
            raise RayError(f"{source} contains no token: put the token of the Ray cluster there.")
        token = found.strip()
        if not (token.isascii() and token.isprintable()):
            raise RayError(
                f"{source} contains characters that no token has: put the token of the Ray cluster there."
            )
        return token

    return read


def _content(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _command(engine: Engine) -> Command:
    resources = Resources(engine.cpus, engine.gpus, engine.memory, engine.accelerator_type, engine.workers)
    return Command(engine.python, resources, _runtime_env(engine.runtime_env))


def _runtime_env(given: RuntimeEnvironment) -> dict[str, Any]:
    found = {"image_uri": given.image, "pip": list(given.pip), "env_vars": given.env_vars}
    return {name: value for name, value in found.items() if value}


def _shared_folder(config: ServeConfig, client: RayClient, command: Command) -> SharedFolderCheck:
    models = [config.folder(base) for base in config.bases]
    return SharedFolderCheck(client, command, config.data, models)
