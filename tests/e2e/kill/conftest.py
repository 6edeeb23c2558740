from __future__ import annotations

from contextlib import ExitStack, closing, contextmanager
from functools import cache
from typing import TYPE_CHECKING

import pytest
from tests.e2e.conftest import HOSTS, Stack, environment, select
from tests.e2e.kill.processes import PROCESSES, Service
from tests.e2e.kill.scenarios import Life
from tests.support import write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.kill.scenarios import Kind

SETTINGS = "config:\n  openai-ft:pollInterval:\n    value: 0.5\n"
NO_CHAT = '{"messages": "none"}\n' * 12


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    needs_proc = pytest.mark.skip(reason="processes are found by their environment in /proc")
    for item in items if not PROCESSES.is_dir() else ():
        if "e2e/kill" in item.nodeid:
            item.add_marker(needs_proc)


@pytest.fixture
def host(request: pytest.FixtureRequest) -> str:
    """Whose providers are killed. Seeds take turns: each host sees each victim."""
    seed: int | None = getattr(request.node, "callspec", None) and request.node.callspec.params.get("seed")
    return "ours" if seed is None else HOSTS[seed // 3 % len(HOSTS)]


@pytest.fixture
def begin(engine: str, host: str, tmp_path: Path) -> Iterator[Callable[[Kind], Life]]:
    """Begins the life of a stack of some kind, with a service of its own."""
    with ExitStack() as living:
        yield lambda kind: living.enter_context(life(engine, host, tmp_path, kind))


@pytest.fixture(scope="session")
def usual_seconds(
    engine: str, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Kind, str], dict[str, float]]:
    """How long `up` and `destroy` of some kind of stack take on this machine, on a host, if nobody is killed."""

    @cache
    def measure(kind: Kind, host: str) -> dict[str, float]:
        with life(engine, host, tmp_path_factory.mktemp("undisturbed"), kind) as undisturbed:
            up = undisturbed.undisturbed("up")
            undisturbed.up()
            destroy = undisturbed.undisturbed("destroy")
            undisturbed.destroy()
            return {"up": up, "destroy": destroy}

    return measure


@contextmanager
def life(engine: str, host: str, folder: Path, kind: Kind) -> Iterator[Life]:
    service = Service(folder / "data", kind.job_seconds)
    with (
        closing(service),
        closing(Life(kind, new_stack(engine, host, service, folder, kind), service, folder)) as begun,
    ):
        yield begun


def new_stack(engine: str, host: str, service: Service, folder: Path, kind: Kind) -> Stack:
    program = folder / "program"
    for made in (program, folder / "state"):
        made.mkdir()
    select(host, program)
    with (program / "Pulumi.yaml").open("a") as project:
        project.write(SETTINGS)
    (program / "__main__.py").write_text(kind.program)
    write_training_data(program / "good.jsonl")
    write_training_data(program / "other.jsonl", "Ask an administrator.")
    if kind.failing:
        (program / "other.jsonl").write_text(NO_CHAT)
    stack = Stack(program, environment(engine, service, folder, {}))
    stack.pulumi("stack", "init", "dev")
    return stack
