"""Every call of every operation meets every fault: nothing is paid twice, nothing is lost, all converges.

The calls are not listed here: each operation is run once without trouble, and what it asked for is then struck, one
call after the other. So a new call is in the matrix by itself.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.faults.faults import STRIKES, Call, Strike, struck_calls
from tests.faults.scenarios import SCENARIOS, Scenario, projects_come_and_go
from tests.support import ADMIN_KEY, API_KEY

from pulumi_openai_ft._client import client as _api
from pulumi_openai_ft._client.retries import jitter_rng
from pulumi_openai_ft._provider.base import Provider
from pulumi_openai_ft.errors import JobFailedError, OpenAIFTError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from _pytest.mark.structures import ParameterSet
    from tests.faults.harness import World
    from tests.faults.resource_state import Row

CLOSED_PORT = "http://127.0.0.1:9/v1"
MOST_COMMANDS = 3
"""Commands after which all must be as the program wants it."""
ADVICE = re.compile(
    r"run the command again|run `pulumi|\bcheck\b|\bwait a minute|correct (the|what)|look at the organi"
)
OPERATIONS = ("check", "diff", "create", "read", "import_", "update", "delete")

every_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.name for scenario in SCENARIOS])


def cells() -> list[ParameterSet]:
    return [
        pytest.param(scenario, strike, id=f"{scenario.name}-{strike}", marks=_marks(strike))
        for scenario in SCENARIOS
        for strike in STRIKES
    ]


def _marks(strike: Strike) -> list[pytest.MarkDecorator]:
    return [pytest.mark.long] if strike.is_long else []


@pytest.fixture(scope="session")
def known_calls() -> dict[str, list[Call]]:
    return {}


@pytest.fixture
def calls(world: World, known_calls: dict[str, list[Call]]) -> Callable[[Scenario], list[Call]]:
    """Gives the calls of a scenario, which is run once without trouble to learn them."""

    def learn(scenario: Scenario) -> list[Call]:
        row = begin(world, scenario)
        after = world.latest
        error = run(scenario, row)
        assert error is None or scenario.fails, error
        return struck_calls(world, after)

    def get(scenario: Scenario) -> list[Call]:
        if scenario.name not in known_calls:
            known_calls[scenario.name] = learn(scenario)
        return known_calls[scenario.name]

    return get


def begin(world: World, scenario: Scenario) -> Row:
    jitter_rng.seed(0)
    world.reset()
    row = scenario.prepare(world)
    world.said.clear()
    return row


def run(scenario: Scenario, row: Row) -> OpenAIFTError | None:
    return attempt(lambda: scenario.run(row))


def attempt(command: Callable[[], None]) -> OpenAIFTError | None:
    """Runs a command. Anything but our own errors is a bug and goes through."""
    try:
        command()
    except OpenAIFTError as error:
        return error
    return None


def converge(scenario: Scenario, row: Row) -> None:
    """Does what the user does next: runs the command again, until nothing is left to do."""
    scenario = again(scenario)
    for _ in range(MOST_COMMANDS):
        error = run(scenario, row)
        assert error is None or (scenario.fails and isinstance(error, JobFailedError)), error
        if is_done(scenario, row):
            return
    raise AssertionError(
        f"{MOST_COMMANDS} commands later, {row.outs} is still not what {row.inputs} asks for"
    )


def again(scenario: Scenario) -> Scenario:
    """Nobody asks for a replacement by force twice; what is left of it, any `up` does."""
    by_force = scenario.command == "force"
    return Scenario(scenario.prepare, "up", scenario.leaves, scenario.fails) if by_force else scenario


def is_done(scenario: Scenario, row: Row) -> bool:
    if scenario.command == "destroy":
        return row.id is None
    return scenario.command != "up" or scenario.fails or row.has_converged()


def assert_kept(world: World, scenario: Scenario, row: Row) -> None:
    """The books hold what was wanted and nothing else, and the state knows it."""
    assert world.left() == scenario.leaves
    if scenario.command in ("destroy", "check"):
        return
    row.refresh()
    assert row.id is not None
    assert scenario.fails or row.has_converged()


def assert_readable(texts: Iterable[str]) -> None:
    for text in texts:
        for forbidden in (API_KEY, ADMIN_KEY, "Traceback", "<html", "\n"):
            assert forbidden not in text, text


def assert_sentence(error: OpenAIFTError) -> None:
    assert_readable([str(error)])
    assert ADVICE.search(str(error)), error


def assert_survived(world: World, scenario: Scenario, row: Row, error: OpenAIFTError | None) -> None:
    """What holds once an operation has met trouble: nothing too much is there, and the next command sets all right."""
    assert_readable(world.said)
    if error:
        assert_sentence(error)
    told = [text for text in world.said if "the next `pulumi up`" in text]
    world.be_kind()
    if scenario.command != "destroy" and not row.condemned:
        assert len(world.left().jobs) <= len(scenario.leaves.jobs)
    if not (error or told):
        assert world.left() == scenario.leaves
    converge(scenario, row)
    assert_kept(world, scenario, row)


@every_scenario
def test_without_trouble(world: World, scenario: Scenario) -> None:
    """Each operation does what it is for; this is what the struck ones are measured by."""
    row = begin(world, scenario)

    error = run(scenario, row)

    assert error is None or scenario.fails, error
    assert world.left() == scenario.leaves
    converge(scenario, row)
    assert_kept(world, scenario, row)


@pytest.mark.parametrize(("scenario", "strike"), cells())
def test_a_fault_is_survived(
    world: World, scenario: Scenario, strike: Strike, calls: Callable[[Scenario], list[Call]]
) -> None:
    """Whichever call is struck, the operation succeeds or says what to do, and the next command sets all right."""
    broken = []
    for call in calls(scenario):
        row = begin(world, scenario)
        bought = {job["id"] for job in world.service.jobs()}
        fault = strike.hit(world, call)
        try:
            error = run(scenario, row)
            assert fault.struck
            assert error is None or scenario.fails or not strike.must_be_survived(call), error
            if not strike.loses_purchases(call):
                assert {job["id"] for job in world.service.jobs()} - bought <= {row.id}
            assert_survived(world, scenario, row, error)
        except Exception as problem:  # noqa: BLE001 - the other calls are struck all the same
            problem.add_note(f"at {call}")
            broken.append(problem)
    if broken:
        raise ExceptionGroup(f"{scenario.name}: {strike}", broken)


@every_scenario
def test_an_unreachable_service_is_reported(world: World, scenario: Scenario) -> None:
    """An operation on a service that refuses connections says so, and changes nothing that the next one misses."""
    row = begin(world, scenario)
    world.base_url = CLOSED_PORT

    error = run(scenario, row)

    assert_survived(world, scenario, row, error)


def test_destroy_revokes_permissions_of_an_interrupted_update(world: World) -> None:
    world.reset()
    row = projects_come_and_go(world)
    world.service.fault("DELETE", "~.*/permissions/.*", "status", None, status=503)
    row.up()
    world.be_kind()

    row.destroy()

    assert world.left().grants == frozenset()


def test_no_operation_and_no_endpoint_is_left_out(world: World) -> None:
    """What a provider can do, and what it can ask the service, is in one of the scenarios."""
    for scenario in SCENARIOS:
        run(scenario, begin(world, scenario))

    kinds = [kind.__name__ for kind in Provider.__subclasses__()]
    assert {f"{kind}.{operation}" for kind in kinds for operation in OPERATIONS} <= world.operations
    assert endpoints_in_use() - world.used == set()


def endpoints_in_use() -> set[str]:
    """Methods of `Api` that our code names outside of it."""
    code = "".join(
        module.read_text() for module in Path(_api.__file__).parent.glob("*.py") if module.name != "_api.py"
    )
    endpoints = [name for name in vars(_api.Client) if not name.startswith("_")]
    return {name for name in endpoints if re.search(rf"\.{name}\b", code)} - {"close"}
