import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.tools.support import Build, Machine

TOOLS = Path(__file__).parents[2] / "tools" / "pulumi"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    made = Machine(tmp_path)
    made.bin.mkdir()
    shutil.copytree(TOOLS, made.tools, ignore=shutil.ignore_patterns("__pycache__"))
    return made


@pytest.fixture
def held_build(machine: Machine) -> Iterator[Build]:
    machine.add_go()
    build = Build(machine)
    yield build
    build.close()
