from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from tests.host.support import (
    IDENTITY,
    MODEL,
    Engine,
    Host,
    HostProcess,
    configuration,
    connected,
    served,
    upload,
)

from pulumi_openai_ft._client.client import _connected

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pulumi_openai_ft.emulator import Emulator


@pytest.fixture(scope="session")
def _engine_of_all() -> Iterator[Engine]:
    with Engine().serving() as engine:
        yield engine


@pytest.fixture(scope="session")
def process(_engine_of_all: Engine) -> Iterator[HostProcess]:
    """Start the process that all tests share, and check that it never writes to stderr."""
    with HostProcess(_engine_of_all.address) as process:
        yield process
        assert process.stderr == ""


@pytest.fixture(scope="session")
def _host_of_all(process: HostProcess, _engine_of_all: Engine) -> Iterator[Host]:
    with connected(process.address, _engine_of_all) as host:
        yield host


@pytest.fixture
def unconfigured(_host_of_all: Host) -> Host:
    """Return the shared host, with the configuration of the last test that used it."""
    _host_of_all.engine.logs.clear()
    return _host_of_all


@pytest.fixture
def host(unconfigured: Host, service: Emulator) -> Host:
    """Return a host whose stack uses a service where jobs finish at the first poll."""
    unconfigured.configure(configuration(service.url))
    return unconfigured


@pytest.fixture
def slow_host(unconfigured: Host, slow_service: Emulator) -> Host:
    """Return a host whose stack uses a service whose time passes only in `advance`."""
    unconfigured.configure(configuration(slow_service.url))
    return unconfigured


@pytest.fixture
def own_process(slow_service: Emulator) -> Iterator[tuple[Host, HostProcess]]:
    """Start a host that the test may interrupt or kill. Its service's time passes only in `advance`."""
    with (
        Engine().serving() as engine,
        HostProcess(engine.address) as process,
        connected(process.address, engine) as host,
    ):
        host.configure(configuration(slow_service.url))
        yield host, process


@pytest.fixture
def own_host(slow_service: Emulator) -> Iterator[Host]:
    """Start a host in the test's process, which is faster, for tests that cancel it.

    It uses the same service.
    """
    with Engine().serving() as engine, served(engine) as address, connected(address, engine) as host:
        host.configure(configuration(slow_service.url))
        yield host
    for api in _connected.values():
        api.close()


@pytest.fixture
def file_id(host: Host, training_data: Path) -> str:
    """Upload a training file, and return its id."""
    return upload(host, training_data)


@pytest.fixture
def job_inputs(file_id: str) -> dict[str, Any]:
    """Return inputs of a job that succeeds."""
    return {**IDENTITY, "model": MODEL, "training_file": file_id}


@pytest.fixture
def slow_job_inputs(slow_host: Host, training_data: Path) -> dict[str, Any]:
    """Return inputs of a job that trains until the test advances the time."""
    return {**IDENTITY, "model": MODEL, "training_file": upload(slow_host, training_data)}
