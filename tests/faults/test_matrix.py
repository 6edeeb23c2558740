"""Each fault at each call of each operation: no job is created twice, no object is lost, and the stack converges.

The calls are recorded in a run of each operation without a fault, so the matrix includes new calls automatically.
`make test` runs cells that contain each pair of values (see `pairwise`) with OpenAI, `make test-long` runs all cells,
and those pairs with Azure.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.faults.faults import FAULTS, FaultCase, calls_to_hit
from tests.faults.harness import SETTINGS_BY_MODE
from tests.faults.pairwise import Cell, Pair, all_cells, pairwise_cells
from tests.faults.scenarios import SCENARIOS, Scenario, projects_are_added_and_removed
from tests.support import ADMIN_KEY, API_KEY

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._client.retries import jitter_rng
from pulumi_openai_ft._provider.base import Provider
from pulumi_openai_ft.emulator.faults import ACTIONS
from pulumi_openai_ft.errors import JobFailedError, OpenAIFTError
from pulumi_openai_ft.host._own_resources import MODULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from _pytest.mark import ParameterSet
    from tests.faults.faults import Call
    from tests.faults.harness import Harness
    from tests.faults.stack_resource import StackResource

CLOSED_PORT = "http://127.0.0.1:9/v1"
MAX_COMMANDS = 3
"""Commands after which the stack must match the program."""
ADVICE = re.compile(
    r"run the command again|run `pulumi|\bcheck\b|\bwait a minute|correct (the|what)|look at the organi"
)
OPERATIONS = ("check", "diff", "create", "read", "import_", "update", "delete")
ENDPOINTS = {
    name for name, member in vars(Client).items() if callable(member) and not name.startswith("_")
} - {"close", "content_from", "local_time"}
"""Methods of the client that send the provider's requests. Only `openai-ft export` reads content from a position."""
HARMLESS_ACTIONS = {"lag", "drop_then_act", "edit"}
"""Actions that the matrix excludes: they only delay a response, or edit it (tests/provider/test_odd_responses.py)."""

ONLINE = [scenario for scenario in SCENARIOS if not scenario.is_offline]


def in_two_workers(scenarios: Sequence[Scenario]) -> list[ParameterSet]:
    """Return parameters that run in two workers only, because each worker computes the cells of `make test`."""
    return [
        pytest.param(scenario, id=scenario.name, marks=pytest.mark.xdist_group(f"pairwise-{number % 2}"))
        for number, scenario in enumerate(scenarios)
    ]


every_online_scenario = pytest.mark.parametrize(
    "scenario", ONLINE, ids=[scenario.name for scenario in ONLINE]
)
every_scenario = pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.name for scenario in SCENARIOS])
every_fault = pytest.mark.parametrize("fault", FAULTS, ids=str)


@pytest.fixture(
    params=[pytest.param(mode, marks=[pytest.mark.long] * (mode != "openai")) for mode in SETTINGS_BY_MODE]
)
def harness(_harness: Harness, request: pytest.FixtureRequest) -> Iterator[Harness]:
    """A harness with an empty service and no faults, for OpenAI and Azure."""
    _harness.mode = request.param
    _harness.reset()
    yield _harness
    _harness.mode = "openai"
    _harness.reset()


@pytest.fixture(scope="session")
def known_calls() -> dict[tuple[str, str], list[Call]]:
    """The calls of scenarios that are already recorded, by mode and scenario."""
    return {}


@pytest.fixture
def calls(
    harness: Harness, known_calls: dict[tuple[str, str], list[Call]]
) -> Callable[[Scenario], list[Call]]:
    """Return a function that records the calls of a scenario in a run without a fault."""

    def record(scenario: Scenario) -> list[Call]:
        resource = begin(harness, scenario)
        after = harness.latest
        error = run(scenario, resource)
        assert error is None or scenario.fails, error
        return calls_to_hit(harness, after)

    def get(scenario: Scenario) -> list[Call]:
        key = harness.mode, scenario.name
        if key not in known_calls:
            known_calls[key] = record(scenario)
        return known_calls[key]

    return get


@pytest.fixture
def all_calls(calls: Callable[[Scenario], list[Call]]) -> dict[str, list[Call]]:
    return {scenario.name: calls(scenario) for scenario in SCENARIOS}


@pytest.fixture(scope="session")
def pairwise_cache() -> dict[str, list[Cell]]:
    """A cache for the cells of `make test`, by mode."""
    return {}


@pytest.fixture
def pairwise(
    harness: Harness, all_calls: dict[str, list[Call]], pairwise_cache: dict[str, list[Cell]]
) -> list[Cell]:
    """The cells of `make test`."""
    if harness.mode not in pairwise_cache:
        pairwise_cache[harness.mode] = pairwise_cells(all_calls)
    return pairwise_cache[harness.mode]


def begin(harness: Harness, scenario: Scenario) -> StackResource:
    jitter_rng.seed(0)
    harness.reset()
    resource = scenario.prepare(harness)
    harness.messages.clear()
    return resource


def run(scenario: Scenario, resource: StackResource) -> OpenAIFTError | None:
    return attempt(lambda: scenario.run(resource))


def attempt(command: Callable[[], None]) -> OpenAIFTError | None:
    """Run a command and return its error. Any error but our own is a bug and is raised."""
    try:
        command()
    except OpenAIFTError as error:
        return error
    return None


def converge(scenario: Scenario, resource: StackResource) -> None:
    """Run the command again, as a user would, until the stack has converged."""
    scenario = next_scenario(scenario)
    for _ in range(MAX_COMMANDS):
        error = run(scenario, resource)
        assert error is None or (scenario.fails and isinstance(error, JobFailedError)), error
        if is_done(scenario, resource):
            return
    raise AssertionError(
        f"{MAX_COMMANDS} commands later, the outputs {resource.outs} still do not match the inputs {resource.inputs}"
    )


def next_scenario(scenario: Scenario) -> Scenario:
    """Return the scenario of the next command: any `up` completes a forced replacement."""
    by_force = scenario.command == "force"
    return Scenario(scenario.prepare, "up", scenario.leaves, scenario.fails) if by_force else scenario


def is_done(scenario: Scenario, resource: StackResource) -> bool:
    if scenario.command == "destroy":
        return resource.id is None
    return scenario.command != "up" or scenario.fails or resource.has_converged()


def assert_consistent(harness: Harness, scenario: Scenario, resource: StackResource) -> None:
    """Assert that the service has exactly the expected objects, and that the state matches."""
    assert harness.contents() == scenario.leaves
    if scenario.command in ("destroy", "check"):
        return
    resource.refresh()
    assert resource.id is not None
    assert scenario.fails or resource.has_converged()


def assert_readable(texts: Iterable[str]) -> None:
    for text in texts:
        for forbidden in (API_KEY, ADMIN_KEY, "Traceback", "<html", "\n"):
            assert forbidden not in text, text


def assert_actionable(error: OpenAIFTError) -> None:
    assert_readable([str(error)])
    assert ADVICE.search(str(error)), error


def assert_survived(
    harness: Harness, scenario: Scenario, resource: StackResource, error: OpenAIFTError | None
) -> None:
    """Assert that an operation with a fault created no extra job, and that the next command completes it."""
    assert_readable(line for message in harness.messages for line in message.splitlines())
    if error:
        assert_actionable(error)
    announced = [text for text in harness.messages if "the next `pulumi up`" in text]
    harness.clear_faults()
    if scenario.command != "destroy" and not resource.pending_deletes:
        assert len(harness.contents().jobs) <= len(scenario.leaves.jobs)
    if not (error or announced):
        assert harness.contents() == scenario.leaves
    converge(scenario, resource)
    assert_consistent(harness, scenario, resource)


@every_scenario
def test_operations_succeed_without_a_fault(harness: Harness, scenario: Scenario) -> None:
    """Without faults, each operation succeeds; this is the reference for the tests with faults."""
    resource = begin(harness, scenario)

    error = run(scenario, resource)

    assert error is None or scenario.fails, error
    assert harness.contents() == scenario.leaves
    converge(scenario, resource)
    assert_consistent(harness, scenario, resource)


@pytest.mark.parametrize("scenario", in_two_workers(ONLINE))
def test_faults_of_each_pair_are_survived(
    harness: Harness, scenario: Scenario, pairwise: Sequence[Cell]
) -> None:
    assert_survives(harness, scenario, [cell for cell in pairwise if cell.scenario == scenario.name])


@pytest.mark.long
@every_online_scenario
@every_fault
def test_each_fault_is_survived_at_each_call(
    harness: Harness, scenario: Scenario, fault: FaultCase, calls: Callable[[Scenario], list[Call]]
) -> None:
    assert_survives(harness, scenario, [Cell(scenario.name, call, fault) for call in calls(scenario)])


def assert_survives(harness: Harness, scenario: Scenario, cells: Sequence[Cell]) -> None:
    """Check each cell: the operation succeeds or reports what to do, and the next command completes it."""
    assert cells
    problems = []
    for cell in cells:
        try:
            assert_survives_at(harness, scenario, cell)
        except Exception as problem:  # noqa: BLE001 - the other cells must still run
            problem.add_note(f"{cell.fault} at {cell.call}")
            problems.append(problem)
    if problems:
        raise ExceptionGroup(scenario.name, problems)


def assert_survives_at(harness: Harness, scenario: Scenario, cell: Cell) -> None:
    resource = begin(harness, scenario)
    before = {job["id"] for job in harness.service.jobs()}
    injected = cell.fault.hit(harness, cell.call)

    error = run(scenario, resource)

    assert injected.struck
    assert error is None or scenario.fails or not cell.fault.must_be_survived(cell.call), error
    if not cell.fault.may_orphan_a_job(cell.call):
        assert {job["id"] for job in harness.service.jobs()} - before <= {resource.id}
    assert_survived(harness, scenario, resource, error)


@pytest.mark.xdist_group("pairwise-0")
def test_the_quick_lane_contains_each_pair(
    all_calls: dict[str, list[Call]], pairwise: Sequence[Cell]
) -> None:
    cells = all_cells(all_calls)

    assert pairs(pairwise) == pairs(cells)
    assert set(pairwise) <= set(cells)
    assert len(pairwise) < len(cells) / 3


def pairs(cells: Iterable[Cell]) -> set[Pair]:
    return set().union(*(cell.pairs for cell in cells))


def test_the_long_lane_contains_each_cell() -> None:
    marks: list[pytest.Mark] = vars(test_each_fault_is_survived_at_each_call)["pytestmark"]
    lists = {mark.args[0]: mark.args[1] for mark in marks if mark.name == "parametrize"}

    assert lists == {"scenario": ONLINE, "fault": FAULTS}
    assert len({scenario.name for scenario in SCENARIOS}) == len(SCENARIOS)
    assert len({str(fault) for fault in FAULTS}) == len(FAULTS)
    assert "long" in {mark.name for mark in marks}


def test_offline_scenarios_make_no_request(all_calls: dict[str, list[Call]]) -> None:
    assert [name for name, calls in all_calls.items() if calls] == [scenario.name for scenario in ONLINE]


def test_each_action_of_the_emulator_is_a_fault() -> None:
    assert {fault.action for fault in FAULTS} == ACTIONS.keys() - HARMLESS_ACTIONS


@every_online_scenario
def test_an_unreachable_service_is_reported(harness: Harness, scenario: Scenario) -> None:
    """An operation reports refused connections, and the next command completes it."""
    resource = begin(harness, scenario)
    harness.base_url = CLOSED_PORT

    error = run(scenario, resource)

    assert_survived(harness, scenario, resource, error)


def test_destroy_revokes_permissions_of_an_interrupted_update(harness: Harness) -> None:
    resource = projects_are_added_and_removed(harness)
    harness.service.fault("DELETE", "~.*/permissions/.*", "status", None, status=503)
    resource.up()
    harness.clear_faults()

    resource.destroy()

    assert harness.contents().permissions == frozenset()


def test_scenarios_run_each_operation_and_endpoint(harness: Harness) -> None:
    for scenario in SCENARIOS:
        run(scenario, begin(harness, scenario))

    kinds = [kind.__name__ for kind in Provider.__subclasses__()]
    assert len(kinds) == len(MODULES)
    assert {f"{kind}.{operation}" for kind in kinds for operation in OPERATIONS} <= harness.operations
    assert len(ENDPOINTS) == 23
    assert harness.used & ENDPOINTS == ENDPOINTS
