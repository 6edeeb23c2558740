"""The quickstart, followed command by command up to the section on the real API."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.docs.pages import PAGES, Sample, samples
from tests.e2e.conftest import engine, environment, service  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_openai_ft.emulator import Emulator

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]
ADDRESS = "http://127.0.0.1:8123/v1"
REPLACED = re.compile(r"(mkdir|cd|python3 -m venv|\. \.venv|pip|pulumi login|export|openai-ft emulator) ?")
"""Commands that the test skips, because its folder, environment and emulator replace them."""
_COUNT = re.compile(r"^\s*[+~=-]*\s?\d+ (?:to )?[a-z]+$", re.MULTILINE)
_FINDING = re.compile(r"^(?:ok|warning|problem) +[A-Za-z]+(?: [a-z]+)?(?=  )", re.MULTILINE)
_FIGURE = re.compile(r"^\s*trains about .*$|uploaded · [\d.]+ kB$", re.MULTILINE)
_DONE = re.compile(r"^(?:wrote|added) .*$", re.MULTILINE)


def stable_parts(text: str) -> list[str]:
    """Return the parts of a transcript that never vary."""
    patterns = (_COUNT, _FINDING, _DONE, _FIGURE)
    return [line.strip() for pattern in patterns for line in pattern.findall(text)]


def before_the_real_api() -> list[Sample]:
    end = PAGES["quickstart"].index("## Use the real API")
    last = PAGES["quickstart"].count("\n", 0, end)
    return [sample for sample in samples("quickstart") if int(sample.place.split(":")[1]) < last]


def create_linked_project(folder: Path) -> None:
    """Create a project whose environment links to the installed packages, except for the tokenizer of the
    extra `tokens`.
    """
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    packages = Path(sysconfig.get_path("purelib", vars={"base": str(folder / ".venv")}))
    for package in Path(sysconfig.get_path("purelib")).iterdir():
        if not package.name.startswith("toktok"):
            (packages / package.name).symlink_to(package)
    command = folder / ".venv" / "bin" / "openai-ft"
    command.write_text(
        (Path(sys.executable).parent / command.name).read_text().replace(sys.prefix, str(folder / ".venv"))
    )
    command.chmod(0o755)


def create_installed_project(folder: Path) -> None:
    """Create a project with the page's own commands, which install the package from the checkout."""
    (folder.parent / "pulumi-openai-ft").symlink_to(ROOT)
    (commands,) = (sample.text for sample in samples("quickstart") if "pip install" in sample.text)
    subprocess.run(["bash", "-ec", commands], cwd=folder.parent, check=True)


@pytest.mark.core
@pytest.mark.parametrize(
    "make", [create_linked_project, pytest.param(create_installed_project, marks=pytest.mark.long)]
)
def test_the_transcripts_match_the_commands(
    engine: str,  # noqa: F811 - a fixture
    service: Emulator,  # noqa: F811 - a fixture
    tmp_path: Path,
    make: Callable[[Path], None],
) -> None:
    folder = tmp_path / "support-bot"
    (tmp_path / "state").mkdir()
    make(folder)
    unset = dict.fromkeys(("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_BASE_URL"))
    env = environment(engine, service, tmp_path, unset)
    env["PATH"] = os.pathsep.join([engine, f"{folder}/.venv/bin", "/usr/bin", "/bin"])
    names, output = iter(["make_data.py", "__main__.py"]), ""

    for sample in before_the_real_api():
        match sample.language:
            case "yaml":
                (folder / "Pulumi.yaml").write_text(sample.text)
            case "python":
                (folder / next(names)).write_text(sample.text)
            case "bash":
                output = run_commands(sample.text.replace(ADDRESS, service.url), folder, env)
            case _:
                assert [
                    line for line in stable_parts(sample.text) if line not in stable_parts(output)
                ] == [], output

    assert next(names, None) is None


def run_commands(commands: str, folder: Path, env: dict[str, str]) -> str:
    """Run the commands that the test does not replace, and return their output."""
    output = ""
    for command in commands.splitlines():
        if not REPLACED.match(command):
            ran = subprocess.run(
                ["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, check=False
            )
            output += ran.stdout + ran.stderr
            assert ran.returncode == 0, output
    return output
