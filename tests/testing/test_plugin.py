"""The plugin in the pytest of a user: its loading, its messages, and a program run by the real engine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from tests.e2e.conftest import engine  # noqa: F401 - a fixture
from tests.support import write_training_data

from pulumi_openai_ft.emulator.service_modes import MODES

if TYPE_CHECKING:
    from pathlib import Path

PROJECT = """
name: shop
runtime: python
main: program
config:
  openai-ft:baseUrl:
    value: http://127.0.0.1:9/v1
"""
PROGRAM = """
import pulumi
import pulumi_openai_ft as openai_ft
from settings import MODEL

data = openai_ft.File("data", file="data.jsonl")
job = openai_ft.FineTuningJob("support", model=MODEL, training_file=data)
pulumi.export("model", job.fine_tuned_model)
"""
FUNCTION = """
import pytest, pulumi
import pulumi_openai_ft as openai_ft

@pytest.fixture
def openai_ft_program():
    def program():
        data = openai_ft.File("data", file="program/data.jsonl")
        pulumi.export("file", data.id)
    return program
"""


@dataclass
class UserPytest:
    """The pytest of a user, in a project that has a Pulumi program and no configuration of pytest."""

    folder: Path
    path: str

    def run(self, tests: str, *options: str, without: str = "", **environment: str) -> tuple[int, str]:
        """Run a test file. Return the exit code and the output.

        Args:
            tests: The content of the test file.
            options: Further arguments of pytest.
            without: A package that cannot be imported.
            environment: Variables to set.
        """
        (self.folder / "test_program.py").write_text(tests)
        hidden = f"import sys; sys.modules[{without!r}] = None; " if without else ""
        code = f"{hidden}import sys, pytest; sys.exit(pytest.main(sys.argv[1:]))"
        done = subprocess.run(
            [sys.executable, "-c", code, "-q", "-p", "no:cacheprovider", "-W", "error", *options],
            cwd=self.folder,
            env={"HOME": str(self.folder), "PATH": self.path, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout


def sources(folder: Path) -> set[str]:
    """Return the names of all files, except compiled ones."""
    return {path.name for path in folder.rglob("*") if path.is_file() and path.suffix != ".pyc"}


@pytest.fixture
def user(tmp_path: Path) -> UserPytest:
    (tmp_path / "Pulumi.yaml").write_text(PROJECT)
    program = tmp_path / "program"
    program.mkdir()
    (program / "__main__.py").write_text(PROGRAM)
    (program / "settings.py").write_text('MODEL = "gpt-4o-mini"\n')
    write_training_data(program / "data.jsonl")
    return UserPytest(tmp_path, os.environ["PATH"])


@pytest.fixture
def user_with_engine(user: UserPytest, engine: str) -> UserPytest:  # noqa: F811 - the fixture
    user.path = os.pathsep.join([engine, user.path])
    return user


def test_the_plugin_loads_nothing_before_its_use(user: UserPytest) -> None:
    code, output = user.run(
        "import sys\n"
        "def test_it():\n"
        "    heavy = {'pulumi', 'pydantic', 'httpx', 'starlette', 'uvicorn', 'yaml'}\n"
        "    assert heavy & sys.modules.keys() == set()\n"
    )

    assert code == 0, output


def test_fixtures_and_mark_are_listed(user: UserPytest) -> None:
    _, fixtures = user.run("", "--fixtures")
    _, markers = user.run("", "--markers")

    for name in ("emulator", "mocks", "program", "stack"):
        assert f"openai_ft_{name} -- " in fixtures
    assert "@pytest.mark.openai_ft_emulator(**options): " in markers


MISTAKES = """
import pytest

@pytest.mark.openai_ft_emulator(mode="azur")
def test_mode(openai_ft_emulator): pass

@pytest.mark.openai_ft_emulator(sped=3)
def test_option(openai_ft_emulator): pass

@pytest.mark.openai_ft_emulator(3)
def test_value(openai_ft_emulator): pass

def test_no_pulumi(openai_ft_stack): pass

class TestProgram:
    @pytest.fixture
    def openai_ft_program(self): return "/"
    def test_program(self, openai_ft_stack): pass
"""


MESSAGES = [
    f"the mark openai_ft_emulator: Unknown mode 'azur': must be one of {', '.join(MODES)}.",
    "the mark openai_ft_emulator: unknown option 'sped'; did you mean 'speed'?",
    "the mark openai_ft_emulator takes options by name, such as mode='azure', not (3,)",
    "openai_ft_stack: the command `pulumi` is not on PATH: install Pulumi (docs/install.md)",
    (
        "openai_ft_stack: no Pulumi.yaml in / or its parents; pass the folder of the project, or create a project with "
        "`openai-ft new`; to test another program, override the fixture openai_ft_program"
    ),
]


def test_a_users_mistake_is_one_sentence(user: UserPytest) -> None:
    user.path = "/usr/bin:/bin"

    code, output = user.run(MISTAKES)

    assert code == 1
    errors = output.split(" ERRORS =")[1].split(" short test summary info =")[0]
    assert [line for line in errors.splitlines() if not re.match("=|_{5}", line)] == MESSAGES


TWO_TESTS = """
import httpx, pytest

URLS = []

@pytest.mark.parametrize("turn", [1, 2])
def test_it(turn, openai_ft_emulator):
    headers = {"authorization": "Bearer sk-x"}
    assert httpx.get(f"{openai_ft_emulator.base_url}/files", headers=headers).status_code == 200
    assert len(openai_ft_emulator.requests()) == 1
    URLS.append(openai_ft_emulator.base_url)
    if turn == 2:
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{URLS[0]}/files", headers=headers)
"""


def test_each_test_has_its_own_emulator(user: UserPytest) -> None:
    code, output = user.run(TWO_TESTS)

    assert (code, "2 passed" in output) == (0, True), output


def test_a_missing_extra_is_named(user: UserPytest) -> None:
    code, output = user.run("def test_it(openai_ft_emulator): pass", without="starlette")

    assert code == 1
    sentence = (
        "openai_ft_emulator requires the package 'starlette'; install the extra `emulator` (docs/install.md)"
    )
    assert sentence in output.splitlines()
    assert "During handling" not in output


@pytest.mark.e2e
@pytest.mark.long
def test_a_project_runs_with_engine_and_with_mocks(user_with_engine: UserPytest) -> None:
    """Both kinds in one process, in the order that leaves the mocks' global state for the stack."""
    before = sources(user_with_engine.folder)

    code, output = user_with_engine.run(
        "from pathlib import Path\n"
        "def test_mocks(openai_ft_mocks):\n"
        "    assert openai_ft_mocks.run(Path(__file__).parent) == {'model': 'ft:gpt-4o-mini:mocks::support'}\n"
        "def test_engine(openai_ft_stack, openai_ft_emulator):\n"
        "    outputs = openai_ft_stack.up().outputs\n"
        "    (job,) = openai_ft_emulator.jobs()\n"
        "    assert outputs['model'].value == job.fine_tuned_model\n"
        "    assert len(openai_ft_emulator.requests('POST', '/v1/fine_tuning/jobs')) == 1\n"
        "    assert openai_ft_stack.get_config('openai-ft:apiKey').secret\n",
        OPENAI_BASE_URL="http://127.0.0.1:9/v1",
    )

    assert code == 0, output
    assert sources(user_with_engine.folder) - before == {"test_program.py"}


@pytest.mark.e2e
@pytest.mark.long
def test_a_function_runs_on_our_host(user_with_engine: UserPytest) -> None:
    code, output = user_with_engine.run(
        f"{FUNCTION}\n"
        "def test_mocks(openai_ft_mocks, openai_ft_program):\n"
        "    assert openai_ft_mocks.run(openai_ft_program) == {'file': 'file-data'}\n"
        "def test_engine(openai_ft_stack, openai_ft_emulator):\n"
        "    outputs = openai_ft_stack.up().outputs\n"
        "    (file,) = openai_ft_emulator.files()\n"
        "    assert outputs['file'].value == file.id\n"
    )

    assert code == 0, output
