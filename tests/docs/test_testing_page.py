"""The tests on the page about testing pass for the program that it names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.docs.pages import PAGES, ROOT, samples
from tests.e2e.conftest import engine  # noqa: F401 - a fixture

from pulumi_openai_ft import testing
from pulumi_openai_ft.testing import EmulatorFixture, Mocks, plugin

if TYPE_CHECKING:
    from pathlib import Path

PAGE = PAGES["testing"]
TESTS = [sample.text for sample in samples("testing") if "def test_" in sample.text]
UNIT_TESTS = [text for text in TESTS if "openai_ft_stack" not in text]
FURTHER_UNIT_TESTS = """
def test_a_job_fails(tmp_path):
    mocks = FailedJob()

    def program():
        job = openai_ft.FineTuningJob("job", model="gpt-4o-mini", training_file="file-1")
        pulumi.export("status", job.status)
        pulumi.export("end", openai_ft.get_model("gpt-4o-mini").shutdown_date)

    assert mocks.run(program) == {"status": "failed", "end": "2027-01-14"}
"""
"""Uses the class on the page."""


def run_tests(folder: Path, tests: list[str], path: str) -> tuple[int, str]:
    """Run the page's tests of the example in a copy of it. Return the exit code and the output."""
    for name in ("bin", "data"):
        shutil.copytree(ROOT / "examples" / name, folder / name)
    shutil.copytree(ROOT / "examples" / "testing", folder / "testing", ignore=shutil.ignore_patterns("tests"))
    (folder / "testing" / "tests").mkdir()
    for number, text in enumerate(tests):
        (folder / "testing" / "tests" / f"test_{number}.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "tests"],
        cwd=folder / "testing",
        env={"HOME": str(folder), "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout


def test_the_unit_tests_pass(tmp_path: Path) -> None:
    (own_mocks,) = (sample.text for sample in samples("testing") if "class FailedJob" in sample.text)
    imports = "import pulumi\nimport pulumi_openai_ft as openai_ft\n"

    code, output = run_tests(
        tmp_path, [*UNIT_TESTS, imports + own_mocks + FURTHER_UNIT_TESTS], os.environ["PATH"]
    )

    assert (code, "2 passed" in output) == (0, True), output


@pytest.mark.e2e
@pytest.mark.long
def test_the_tests_with_an_engine_pass(tmp_path: Path, engine: str) -> None:  # noqa: F811 - the fixture
    with_engine = [text for text in TESTS if text not in UNIT_TESTS]

    code, output = run_tests(tmp_path, with_engine, os.pathsep.join([engine, os.environ["PATH"]]))

    assert (code, "4 passed" in output) == (0, True), output


@pytest.mark.parametrize("owner", [EmulatorFixture, Mocks])
def test_every_member_is_documented(owner: type) -> None:
    members = {name for name in [*vars(owner), *owner.__annotations__] if not name.startswith("_")}

    assert [name for name in members if f"`{name}" not in PAGE and f" {name}(" not in PAGE] == []


@pytest.mark.parametrize("name", dir(testing))
def test_every_public_name_exists_and_is_documented(name: str) -> None:
    assert getattr(testing, name).__name__ == name
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("name", [name for name in vars(plugin) if name.startswith("openai_ft_")])
def test_every_fixture_is_documented(name: str) -> None:
    assert f"`{name}`" in PAGE
