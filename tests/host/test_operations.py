from __future__ import annotations

import time
from threading import Event, Thread
from typing import TYPE_CHECKING

import pytest
from pulumi.dynamic import CreateResult

from pulumi_openai_ft.errors import CommandInterruptedError, InputError
from pulumi_openai_ft.host import _operations
from pulumi_openai_ft.host._operations import Operation, Operations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

URN = "urn:pulumi:dev::shop::a:b:C::support"
LONGEST_WAIT = 10.0
GRACE_PERIOD = 0.05


@pytest.fixture(autouse=True)
def _short_grace_period(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_operations, "GRACE_PERIOD", GRACE_PERIOD)


@pytest.fixture
def response() -> Iterator[Event]:
    """Yield an event that ends a hanging service's response, at the latest when the test ends."""
    response = Event()
    yield response
    response.set()


def outcome(run: Callable[[], object]) -> Callable[[], object]:
    """Run a function in a thread. The returned function gives its result, or raises its exception."""
    found: list[object] = []

    def keep() -> None:
        try:
            found.append(run())
        except Exception as error:  # noqa: BLE001 - raised again
            found.append(error)

    thread = Thread(target=keep, daemon=True)
    thread.start()

    def result() -> object:
        thread.join(LONGEST_WAIT)
        (only,) = found
        if isinstance(only, Exception):
            raise only
        return only

    return result


def test_an_operation_returns_the_result_of_its_work() -> None:
    assert Operations().run(Operation(URN), lambda: 7) == 7


def test_an_operation_raises_the_error_of_its_work() -> None:
    def fail() -> None:
        raise InputError("it is wrong")

    with pytest.raises(InputError, match="it is wrong"):
        Operations().run(Operation(URN), fail)


def test_work_can_access_its_operation() -> None:
    operations, operation = Operations(), Operation(URN)

    assert operations.run(operation, Operation.current) is operation


def test_operations_do_not_see_each_other(response: Event) -> None:
    operations, first, second = Operations(), Operation("first"), Operation("second")

    def wait_and_get() -> Operation:
        response.wait(LONGEST_WAIT)
        return Operation.current()

    found = outcome(lambda: operations.run(first, wait_and_get))
    assert operations.run(second, Operation.current) is second
    response.set()

    assert found() is first


def test_a_hanging_operation_is_abandoned_when_nothing_is_lost(response: Event) -> None:
    operations, begun = Operations(), Event()

    def hang() -> None:
        begun.set()
        response.wait(LONGEST_WAIT)

    result = outcome(lambda: operations.run(Operation(URN), hang))
    begun.wait(LONGEST_WAIT)
    operations.interrupt()

    with pytest.raises(CommandInterruptedError, match="interrupted while waiting for a response"):
        result()


def test_an_operation_that_may_have_created_is_waited_for(response: Event) -> None:
    operations, begun, operation = Operations(), Event(), Operation(URN)

    def create() -> int:
        operation.mark_creating()
        begun.set()
        response.wait(LONGEST_WAIT)
        return 7

    result = outcome(lambda: operations.run(operation, create))
    begun.wait(LONGEST_WAIT)
    operations.interrupt()
    time.sleep(3 * GRACE_PERIOD)
    response.set()

    assert result() == 7


def test_an_operation_that_creates_after_interruption_is_abandoned_too(response: Event) -> None:
    """A pending create finishes late, and then the next request hangs."""
    operations, begun, was_created = Operations(), Event(), Event()
    operation, created = Operation(URN), CreateResult("ftjob-1", {})

    def create() -> None:
        operation.mark_creating()
        begun.set()
        was_created.wait(LONGEST_WAIT)
        operation.mark_created(created)
        response.wait(LONGEST_WAIT)

    result = outcome(lambda: operations.run(operation, create))
    begun.wait(LONGEST_WAIT)
    operations.interrupt()
    time.sleep(3 * GRACE_PERIOD)
    was_created.set()

    with pytest.raises(CommandInterruptedError):
        result()
    assert operation.created is created


def test_an_abandoned_operation_creates_nothing_more() -> None:
    operation = Operation(URN)
    operation.abandon()

    with pytest.raises(CommandInterruptedError):
        operation.mark_creating()


def test_an_operation_begun_after_interruption_is_abandoned_too(response: Event) -> None:
    """The engine still sends calls that it had planned."""
    operations = Operations()
    operations.interrupt()
    time.sleep(3 * GRACE_PERIOD)

    with pytest.raises(CommandInterruptedError):
        operations.run(Operation(URN), lambda: response.wait(LONGEST_WAIT / 2))


def test_an_interruption_does_not_affect_finished_operations() -> None:
    operations, operation = Operations(), Operation(URN)
    operations.run(operation, lambda: 7)

    operations.interrupt()
    operations.interrupt()
    operation.abandon()

    assert operations.interrupted.is_set()


def test_an_abandoned_operation_may_still_fail(response: Event) -> None:
    operations, begun, ended = Operations(), Event(), Event()

    def hang() -> None:
        begun.set()
        try:
            response.wait(LONGEST_WAIT)
            raise InputError("too late")
        finally:
            ended.set()

    result = outcome(lambda: operations.run(Operation(URN), hang))
    begun.wait(LONGEST_WAIT)
    operations.interrupt()
    with pytest.raises(CommandInterruptedError):
        result()

    response.set()
    assert ended.wait(LONGEST_WAIT)
