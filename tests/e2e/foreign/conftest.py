from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pytest
from tests.e2e.conftest import HOSTS, Stack, environment, select
from tests.e2e.foreign.comparable import differences

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_openai_ft.emulator import Emulator

PROGRAMS = Path(__file__).parent / "programs"
# Both stacks run the very same program: a provider that is pickled by value holds the path of its source.
MAIN = "main: ../program\n"
Said = TypeVar("Said")


@dataclass
class Hosts:
    """One program as two stacks, one on the stock host and one on ours."""

    stock: Stack
    ours: Stack
    program: Path

    def both(self, run: Callable[[Stack], Said]) -> tuple[Said, Said]:
        """Does the same with both stacks at the same time: what it says of the stock host's and of ours."""
        with ThreadPoolExecutor(2) as pool:
            stock, ours = pool.map(run, [self.stock, self.ours])
        return stock, ours

    def same(self, run: Callable[[Stack], Said]) -> Said:
        """Does the same with both stacks, which must say the same."""
        stock, ours = self.both(run)
        assert differences(stock, ours) == {}
        return ours

    def exchange_states(self) -> None:
        """From here on each host serves what the other one made."""
        stock, ours = (stack.folder / "state" for stack in (self.stock, self.ours))
        aside = stock.rename(stock.with_name("aside"))
        ours.rename(stock)
        aside.rename(ours)

    def stage(self, name: str) -> None:
        """Edits the program: what it and its providers find in STAGE."""
        for stack in (self.stock, self.ours):
            stack.environment["STAGE"] = name


@pytest.fixture
def make_hosts(engine: str, service: Emulator, tmp_path: Path) -> Callable[..., Hosts]:
    """Makes the two stacks of a program from `programs`."""

    def make(program: str) -> Hosts:
        shutil.copytree(PROGRAMS / program, tmp_path / "program")
        stock, ours = (make_stack(engine, service, tmp_path, host) for host in HOSTS)
        hosts = Hosts(stock, ours, tmp_path / "program")
        hosts.both(lambda stack: stack.pulumi("stack", "init", "dev"))
        hosts.stage("first")
        return hosts

    return make


def make_stack(engine: str, service: Emulator, root: Path, host: str) -> Stack:
    folder = root / host
    for part in ("state", "records"):
        (folder / part).mkdir(parents=True)
    select(host, folder)
    with (folder / "Pulumi.yaml").open("a") as project:
        project.write(MAIN)
    # Programs are edited within a second, which compiled modules don't notice.
    changes: dict[str, str | None] = {"RECORDS": str(folder / "records"), "PYTHONDONTWRITEBYTECODE": "1"}
    return Stack(folder, environment(engine, service, folder, changes))
