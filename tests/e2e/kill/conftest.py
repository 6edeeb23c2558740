from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from functools import cache
from typing import TYPE_CHECKING

import pytest
from tests.e2e.conftest import HOSTS, Stack, environment, use_host
from tests.e2e.kill.processes import PROCESSES, Service
from tests.e2e.kill.scenarios import StackLifecycle
from tests.support import write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.kill.scenarios import Scenario

SETTINGS = "config:\n  openai-ft:pollInterval:\n    value: 0.5\n"
INVALID_DATA = '{"messages": "none"}\n' * 12


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    needs_proc = pytest.mark.skip(reason="processes are found by their environment in /proc")
    for item in items if not PROCESSES.is_dir() else ():
        if "e2e/kill" in item.nodeid:
            item.add_marker(needs_proc)


@pytest.fixture
def host(request: pytest.FixtureRequest) -> str:
    """Return the host of the providers to kill. Seeds alternate, so that each host gets each victim."""
    seed: int | None = getattr(request.node, "callspec", None) and request.node.callspec.params.get("seed")
    return "ours" if seed is None else HOSTS[seed // 3 % len(HOSTS)]


@pytest.fixture
def start_lifecycle(engine: str, host: str, tmp_path: Path) -> Iterator[Callable[[Scenario], StackLifecycle]]:
    """Return a function that creates the stack of a scenario, with its own service."""
    with ExitStack() as lifecycles:
        yield lambda scenario: lifecycles.enter_context(lifecycle(engine, host, tmp_path, scenario))


@pytest.fixture(scope="session")
def usual_durations(
    engine: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Scenario, str], dict[str, float]]:
    """Return a function that measures `up` and `destroy` of a scenario on a host without a kill, in seconds."""

    @cache
    def measure(scenario: Scenario, host: str) -> dict[str, float]:
        with lifecycle(engine, host, tmp_path_factory.mktemp("without_kill"), scenario) as measured:
            up = measured.run_without_kill("up")
            measured.up()
            destroy = measured.run_without_kill("destroy")
            measured.destroy()
            return {"up": up, "destroy": destroy}

    return measure


@contextmanager
def lifecycle(engine: str, host: str, folder: Path, scenario: Scenario) -> Iterator[StackLifecycle]:
    service = Service(folder / "data", scenario.job_seconds)
    with (
        closing(service),
        closing(
            StackLifecycle(scenario, new_stack(engine, host, service, folder, scenario), service, folder)
        ) as created,
    ):
        yield created


def new_stack(engine: str, host: str, service: Service, folder: Path, scenario: Scenario) -> Stack:
    program = folder / "program"
    for made in (program, folder / "state"):
        made.mkdir()
    use_host(host, program)
    with (program / "Pulumi.yaml").open("a") as project:
        project.write(SETTINGS)
    (program / "__main__.py").write_text(scenario.program)
    write_training_data(program / "good.jsonl")
    write_training_data(program / "other.jsonl", "Ask an administrator.")
    if scenario.failing:
        (program / "other.jsonl").write_text(INVALID_DATA)
    stack = Stack(program, environment(engine, service, folder, {}))
    stack.pulumi("stack", "init", "dev")
    return stack
