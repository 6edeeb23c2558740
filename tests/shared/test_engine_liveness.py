from __future__ import annotations

import socket

import pytest

from pulumi_openai_ft._shared.engine_liveness import find_engine_address, require_engine
from pulumi_openai_ft.errors import EngineDisconnectedError


def test_a_listening_engine_is_running() -> None:
    with socket.create_server(("127.0.0.1", 0)) as engine:
        require_engine([f"127.0.0.1:{engine.getsockname()[1]}"])


def test_an_engine_that_does_not_listen_has_ended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as engine:
        address = f"127.0.0.1:{engine.getsockname()[1]}"

    with pytest.raises(EngineDisconnectedError, match="nothing was created: run the command again"):
        require_engine(["--logtostderr", address])


@pytest.mark.parametrize("arguments", [[], ["emulator", "--port", "0"], ["example.com:80"]])
def test_a_process_without_an_engine_may_create(arguments: list[str]) -> None:
    require_engine(arguments)


def test_the_address_is_found_among_options_of_logging() -> None:
    assert find_engine_address(["--logtostderr", "-v=9", "127.0.0.1:4711"]) == "127.0.0.1:4711"
    assert find_engine_address(["--logtostderr"]) == ""
