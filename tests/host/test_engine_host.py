from __future__ import annotations

import time
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from pulumi.dynamic import CreateResult
from pulumi.runtime.proto import engine_pb2
from tests.host.support import LONGEST_WAIT, Engine

from pulumi_openai_ft.errors import CommandInterruptedError, IncompleteResourceError
from pulumi_openai_ft.host._engine_host import EngineHost, EngineLog
from pulumi_openai_ft.host._operations import Operation, Operations

if TYPE_CHECKING:
    from collections.abc import Iterator

URN = "urn:pulumi:dev::shop::a:b:C::support"


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine().serving() as engine:
        yield engine


@pytest.fixture
def host(engine: Engine) -> EngineHost:
    return EngineHost(log=EngineLog(engine.address), operations=Operations())


@pytest.fixture
def operation() -> Operation:
    operation = Operation(URN)
    operation.enter()
    return operation


@pytest.mark.usefixtures("operation")
class TestLog:
    """Messages in the engine's output."""

    def test_a_message_stays_in_the_diagnostics(self, host: EngineHost, engine: Engine) -> None:
        host.info("created job ftjob-1")

        (log,) = engine.logs
        assert (log.urn, log.message, log.ephemeral) == (URN, "created job ftjob-1", False)
        assert log.severity == engine_pb2.INFO

    def test_a_warning_is_marked(self, host: EngineHost, engine: Engine) -> None:
        host.warn("it will be shut down")

        (log,) = engine.logs
        assert (log.urn, log.severity, log.ephemeral) == (URN, engine_pb2.WARNING, False)

    def test_progress_is_shown_in_the_resources_row(self, host: EngineHost, engine: Engine) -> None:
        host.set_status("step 3/9")

        (log,) = engine.logs
        assert (log.urn, log.message, log.ephemeral) == (URN, "step 3/9", True)
        assert host.shows_progress

    @pytest.mark.parametrize("address", ["", "127.0.0.1:9"], ids=["none", "not listening"])
    def test_messages_without_an_engine_are_dropped(self, address: str) -> None:
        """A host can run without an engine in tests and for inspection."""
        host = EngineHost(log=EngineLog(address), operations=Operations())
        began = time.monotonic()

        host.info("hello")

        assert time.monotonic() - began < 1


@pytest.mark.usefixtures("operation")
class TestInterruption:
    """The effect of Ctrl-C on a provider."""

    def test_an_interruption_wakes_a_sleeping_operation(self, host: EngineHost) -> None:
        failures: list[Exception] = []

        def sleep() -> None:
            try:
                host.time.sleep(LONGEST_WAIT)
            except CommandInterruptedError as error:
                failures.append(error)

        sleeper = Thread(target=sleep)
        sleeper.start()
        host.operations.interrupt()
        sleeper.join(LONGEST_WAIT / 2)

        assert not sleeper.is_alive()
        assert [str(error) for error in failures] == ["the command was interrupted"]

    def test_an_uninterrupted_sleep_takes_its_time(self, host: EngineHost) -> None:
        began = time.monotonic()

        host.time.sleep(0.02)

        assert time.monotonic() - began >= 0.02

    def test_an_interruption_raises_before_creation(self, host: EngineHost) -> None:
        assert not host.is_interrupted
        host.operations.interrupt()

        assert host.is_interrupted
        with pytest.raises(CommandInterruptedError, match="before anything was created"):
            host.raise_if_interrupted()

    def test_an_operation_with_consent_is_not_abandoned_before_creation(
        self, host: EngineHost, operation: Operation
    ) -> None:
        def create() -> CreateResult:
            host.raise_if_interrupted()
            operation.abandon()
            return host.complete_create(CreateResult("ftjob-1", {}), lambda: CreateResult("ftjob-1", {}))

        assert host.operations.run(operation, create).id == "ftjob-1"


class TestFinish:
    """The rest of a create, once its resource exists."""

    def test_returns_the_completed_result(self, host: EngineHost, operation: Operation) -> None:
        first, last = CreateResult("ftjob-1", {}), CreateResult("ftjob-1", {"status": "succeeded"})

        assert host.complete_create(first, lambda: last) is last
        assert operation.created is first

    def test_raises_errors_once_the_id_is_recorded(self, host: EngineHost, operation: Operation) -> None:
        created = CreateResult("ftjob-1", {})

        def fail() -> CreateResult:
            assert operation.created is created
            raise IncompleteResourceError("it is still running", {})

        with pytest.raises(IncompleteResourceError, match="it is still running"):
            host.complete_create(created, fail)
