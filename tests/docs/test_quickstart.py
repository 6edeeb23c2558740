"""The quickstart, done as it is written, up to the real API."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from tests.docs.pages import PAGES, Sample, samples
from tests.e2e.conftest import engine, environment, service  # noqa: F401 - fixtures

if TYPE_CHECKING:
    from pathlib import Path

    from pulumi_openai_ft.emulator import Emulator

pytestmark = pytest.mark.e2e
ADDRESS = "http://127.0.0.1:8123/v1"
DONE_ALREADY = re.compile(
    r"(mkdir|cd|python3 -m venv|\. \.venv|pip|pulumi login|export|openai-ft emulator) ?"
)
"""Commands that the test's own folder, environment and emulator stand for."""
_COUNT = re.compile(r"^\s*[+~=-]*\s?\d+ (?:to )?[a-z]+$", re.MULTILINE)
_FINDING = re.compile(r"^(?:ok|warning|problem) +[A-Za-z]+(?: [a-z]+)?(?=  )", re.MULTILINE)
_DONE = re.compile(r"^(?:wrote|added) .*$", re.MULTILINE)


def telling(text: str) -> list[str]:
    """What of a transcript is the same each time."""
    return [line.strip() for pattern in (_COUNT, _FINDING, _DONE) for line in pattern.findall(text)]


def before_the_real_api() -> list[Sample]:
    end = PAGES["quickstart"].index("## The real API")
    last = PAGES["quickstart"].count("\n", 0, end)
    return [sample for sample in samples("quickstart") if int(sample.place.split(":")[1]) < last]


def test_it_does_what_it_shows(engine: str, service: Emulator, tmp_path: Path) -> None:  # noqa: F811 - fixtures
    folder = tmp_path / "support-bot"
    folder.mkdir()
    (tmp_path / "state").mkdir()
    (folder / ".venv").symlink_to(sys.prefix)
    unset = dict.fromkeys(("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_BASE_URL"))
    env = environment(engine, service, tmp_path, unset)
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
