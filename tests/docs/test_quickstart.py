"""The quickstart, done as it is written, up to the real API."""

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
DONE_ALREADY = re.compile(
    r"(mkdir|cd|python3 -m venv|\. \.venv|pip|pulumi login|export|openai-ft emulator) ?"
)
"""Commands that the test's own folder, environment and emulator stand for."""
_COUNT = re.compile(r"^\s*[+~=-]*\s?\d+ (?:to )?[a-z]+$", re.MULTILINE)
_FINDING = re.compile(r"^(?:ok|warning|problem) +[A-Za-z]+(?: [a-z]+)?(?=  )", re.MULTILINE)
_FIGURE = re.compile(r"^\s*trains about .*$|uploaded · [\d.]+ kB$", re.MULTILINE)
_DONE = re.compile(r"^(?:wrote|added) .*$", re.MULTILINE)


def telling(text: str) -> list[str]:
    """Return what of a transcript is the same each time."""
    patterns = (_COUNT, _FINDING, _DONE, _FIGURE)
    return [line.strip() for pattern in patterns for line in pattern.findall(text)]


def before_the_real_api() -> list[Sample]:
    end = PAGES["quickstart"].index("## Use the real API")
    last = PAGES["quickstart"].count("\n", 0, end)
    return [sample for sample in samples("quickstart") if int(sample.place.split(":")[1]) < last]


def linked(folder: Path) -> None:
    """Makes a project with an environment of our own packages, except for the tokenizer of the extra `tokens`."""
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


def installed(folder: Path) -> None:
    """Makes a project by the page's own commands, which install the package from the checkout."""
    (folder.parent / "pulumi-openai-ft").symlink_to(ROOT)
    (commands,) = (sample.text for sample in samples("quickstart") if "pip install" in sample.text)
    subprocess.run(["bash", "-ec", commands], cwd=folder.parent, check=True)


@pytest.mark.parametrize("make", [linked, pytest.param(installed, marks=pytest.mark.long)])
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
    names, said = iter(["make_data.py", "__main__.py"]), ""

    for sample in before_the_real_api():
        match sample.language:
            case "yaml":
                (folder / "Pulumi.yaml").write_text(sample.text)
            case "python":
                (folder / next(names)).write_text(sample.text)
            case "bash":
                said = done(sample.text.replace(ADDRESS, service.url), folder, env)
            case _:
                assert [line for line in telling(sample.text) if line not in telling(said)] == [], said

    assert next(names, None) is None


def done(commands: str, folder: Path, env: dict[str, str]) -> str:
    """What the commands say that are not done already."""
    said = ""
    for command in commands.splitlines():
        if not DONE_ALREADY.match(command):
            ran = subprocess.run(
                ["bash", "-c", command], cwd=folder, env=env, capture_output=True, text=True, check=False
            )
            said += ran.stdout + ran.stderr
            assert ran.returncode == 0, said
    return said
