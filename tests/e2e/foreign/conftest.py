from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
from tests.e2e.conftest import HOSTS, STACK, Stack, copy_stack, environment, use_host
from tests.e2e.foreign.comparable import differences

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_openai_ft.emulator import Emulator

PROGRAMS = Path(__file__).parent / "programs"
# Both stacks run the same program: a provider that is pickled by value contains the path of its source file.
MAIN = "main: ../program\n"
Outcome = TypeVar("Outcome")


@dataclass
class Hosts:
    """Two stacks of the same program: on the stock host and on this package's host."""

    stock: Stack
    ours: Stack
    program: Path

    def both(self, run: Callable[[Stack], Outcome]) -> tuple[Outcome, Outcome]:
        """Run a function on both stacks in parallel, and return the results of the stock host and this package's host."""
        with ThreadPoolExecutor(2) as pool:
            stock, ours = pool.map(run, [self.stock, self.ours])
        return stock, ours

    def same(self, run: Callable[[Stack], Outcome]) -> Outcome:
        """Run a function on both stacks, assert that the results are equal, and return the result."""
        stock, ours = self.both(run)
        assert differences(stock, ours) == {}
        return ours

    def exchange_states(self) -> None:
        """Exchange the states, so that each host manages the resources created by the other."""
        stock, ours = (stack.folder / "state" for stack in (self.stock, self.ours))
        aside = stock.rename(stock.with_name("aside"))
        ours.rename(stock)
        aside.rename(ours)

    def stage(self, name: str) -> None:
        """Set the variable STAGE that the program and its providers read."""
        for stack in (self.stock, self.ours):
            stack.environment["STAGE"] = name


@pytest.fixture
def make_hosts(engine: str, service: Emulator, new_stack: Path, tmp_path: Path) -> Callable[..., Hosts]:
    """Return a function that makes the two stacks of a program from `programs`."""

    def make(program: str) -> Hosts:
        shutil.copytree(PROGRAMS / program, tmp_path / "program")
        stock, ours = (make_stack(engine, service, tmp_path, host) for host in HOSTS)
        hosts = Hosts(stock, ours, tmp_path / "program")
        for stack in (stock, ours):
            copy_stack(new_stack, stack.folder, stack.folder)
        hosts.stage("first")
        return hosts

    return make


def make_stack(engine: str, service: Emulator, root: Path, host: str) -> Stack:
    folder = root / host
    (folder / "records").mkdir(parents=True)
    use_host(host, folder)
    with (folder / "Pulumi.yaml").open("a") as project:
        project.write(MAIN)
    # Edits within a second do not invalidate compiled modules.
    changes: dict[str, str | None] = {
        "PULUMI_STACK": STACK,
        "RECORDS": str(folder / "records"),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return Stack(folder, environment(engine, service, folder, changes))
