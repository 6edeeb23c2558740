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
    """The process that all tests share. Whatever it is asked, it has nothing to tell on stderr."""
    with HostProcess(_engine_of_all.address) as process:
        yield process
        assert process.stderr == ""


@pytest.fixture(scope="session")
def _host_of_all(process: HostProcess, _engine_of_all: Engine) -> Iterator[Host]:
    with connected(process.address, _engine_of_all) as host:
        yield host


@pytest.fixture
def unconfigured(_host_of_all: Host) -> Host:
    """A host that all tests share, as the last test has configured it."""
    _host_of_all.engine.logs.clear()
    return _host_of_all


@pytest.fixture
def host(unconfigured: Host, service: Emulator) -> Host:
    """A host whose stack uses a service where jobs are done at the first look."""
    unconfigured.configure(configuration(service.url))
    return unconfigured


@pytest.fixture
def slow_host(unconfigured: Host, slow_service: Emulator) -> Host:
    """A host whose stack uses a service whose time stands still until the test moves it."""
    unconfigured.configure(configuration(slow_service.url))
    return unconfigured


@pytest.fixture
def own_process(slow_service: Emulator) -> Iterator[tuple[Host, HostProcess]]:
    """A host that the test may interrupt or kill. It uses the service whose time stands still."""
    with (
        Engine().serving() as engine,
        HostProcess(engine.address) as process,
        connected(process.address, engine) as host,
    ):
        host.configure(configuration(slow_service.url))
        yield host, process


@pytest.fixture
def own_host(slow_service: Emulator) -> Iterator[Host]:
    """A host that the test may cancel, in the test's process: that starts sooner. It uses the same service."""
    with Engine().serving() as engine, served(engine) as address, connected(address, engine) as host:
        host.configure(configuration(slow_service.url))
        yield host
    for api in _connected.values():
        api.close()


@pytest.fixture
def file_id(host: Host, training_data: Path) -> str:
    """A training file at the service."""
    return upload(host, training_data)


@pytest.fixture
def job_inputs(file_id: str) -> dict[str, Any]:
    """Inputs of a job that trains well."""
    return {**IDENTITY, "model": MODEL, "training_file": file_id}


@pytest.fixture
def slow_job_inputs(slow_host: Host, training_data: Path) -> dict[str, Any]:
    """Inputs of a job that trains for as long as the test wants."""
    return {**IDENTITY, "model": MODEL, "training_file": upload(slow_host, training_data)}
