"""Each problem of the page occurs as described, with the text of its heading."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.docs.pages import PAGES
from tests.e2e.conftest import TEST_TIMEOUT, engine, environment, service  # noqa: F401 - fixtures
from tests.support import TODAY

from pulumi_openai_ft.cli.new import create
from pulumi_openai_ft.cli.supported_systems import ON_WINDOWS
from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Iterator

STACK = "pulumi stack init dev\n"
WITHOUT_PACKAGE = 'import sys; sys.modules["starlette"] = None; from pulumi_openai_ft.cli.main import main; main(["emulator"])'
COMMANDS = {
    "openai-ft: command not found": "PATH=/usr/bin:/bin\nopenai-ft new",
    "pulumi: command not found": "PATH=/usr/bin:/bin\npulumi up",
    "Invalid requirement: '../pulumi-openai-ft": "python -m pip install --no-index -r requirements.txt",
    "requires the package": f"python -c '{WITHOUT_PACKAGE}'",
    "is not empty": "openai-ft new",
    "PULUMI_ACCESS_TOKEN must be set for login": f"unset PULUMI_BACKEND_URL\n{STACK}",
    "no stack selected": "pulumi preview",
    "passphrase must be set": f"unset PULUMI_CONFIG_PASSPHRASE\n{STACK}",
    "incorrect passphrase": f"{STACK}PULUMI_CONFIG_PASSPHRASE=other pulumi config set --secret openai-ft:apiKey sk-x",
    "is not a virtual environment": "rm .venv\nopenai-ft doctor",
    "no folder at path": f"{STACK}rm -r bin\npulumi preview",
    "no API key is set": "unset OPENAI_API_KEY\nopenai-ft doctor",
    "Connection refused": "OPENAI_BASE_URL=http://127.0.0.1:9/v1 openai-ft doctor",
    "Address already in use": "port=${OPENAI_BASE_URL##*:}\nopenai-ft emulator --port ${port%/v1}",
    "has not accepted new jobs since": "OPENAI_FT_TODAY=2027-02-01 openai-ft doctor",
}
"""Commands that lead to a problem in a new project, by the heading of the problem."""
LONG_COMMANDS = {
    "No module named 'pulumi_openai_ft'": f"""{STACK}rm .venv
python -m venv --without-pip .venv
for package in {sysconfig.get_path("purelib")}/*; do
    case $package in *openai_ft*) ;; *) ln -s $package .venv/lib/python*/site-packages/ ;; esac
done
pulumi preview""",
    "permission denied": f"{STACK}chmod -x bin/*\npulumi preview",
    "cannot be read": f"{STACK}rm customer_support.jsonl\npulumi preview",
    "was not found: fine_tune_id": f"{STACK}pulumi up --yes\nOPENAI_BASE_URL=$RESTARTED pulumi destroy --yes",
}
ELSEWHERE = {
    "Windows is not supported": "tests/cli inject the name of the system",
    "the stack is currently locked": "tests/e2e/kill kills engines",
}
"""Problems that other tests produce."""
HEADINGS = re.findall(r"^### (.+)$", PAGES["troubleshooting"], re.MULTILINE)


@pytest.fixture
def terminal(engine: str, service: Emulator, tmp_path: Path) -> Iterator[dict[str, str]]:  # noqa: F811 - fixtures
    """Return the variables of a terminal with a new project, and a second emulator in place of a restarted one."""
    create(tmp_path / "support-bot")
    (tmp_path / "support-bot" / ".venv").symlink_to(sys.prefix)
    (tmp_path / "state").mkdir()
    with Emulator(today=TODAY) as restarted:
        names = {"PULUMI_OPTION_NON_INTERACTIVE": "true", "RESTARTED": restarted.url}
        variables = environment(engine, service, tmp_path, {**names, "LC_ALL": "C.UTF-8"})
        variables["PATH"] = os.pathsep.join([engine, str(Path(sys.executable).parent), "/usr/bin", "/bin"])
        yield variables


def test_every_heading_has_a_command() -> None:
    assert sorted(HEADINGS) == sorted({*COMMANDS, *LONG_COMMANDS, *ELSEWHERE})


@pytest.mark.e2e
@pytest.mark.timeout(TEST_TIMEOUT)
@pytest.mark.parametrize(
    "heading", [*COMMANDS, *(pytest.param(heading, marks=pytest.mark.long) for heading in LONG_COMMANDS)]
)
def test_a_problem_occurs_with_its_message(heading: str, terminal: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", (COMMANDS | LONG_COMMANDS)[heading]],
        cwd=tmp_path / "support-bot",
        env=terminal,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert heading in done.stdout


def test_the_message_for_windows_has_its_heading() -> None:
    assert ON_WINDOWS.startswith("Windows is not supported")
