"""The quickstart, followed command by command: against the emulator, also in the section on the real API."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
import sysconfig
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.docs.pages import PAGES, ROOT, Sample, samples
from tests.e2e.conftest import TEMPLATE, TEST_TIMEOUT, engine, engine_environment  # noqa: F401 - a fixture

if TYPE_CHECKING:
    from collections.abc import Iterator

ADDRESS = "http://127.0.0.1:8123/v1"
START = "openai-ft emulator --port 8123"
MOST_CPU_SECONDS = 60
PURELIB = Path(sysconfig.get_path("purelib"))
LINKED = {
    "python3 -m venv .venv": f"{sys.executable} -m venv --without-pip .venv",
    "pip install '../pulumi-openai-ft[emulator]'": f"""
for package in {PURELIB}/*; do case $package in */toktok*) ;; *) ln -s "$package" .venv/lib/python*/site-packages/ ;; esac; done
sed "s,{sys.prefix},$PWD/.venv," {sys.prefix}/bin/openai-ft >.venv/bin/openai-ft
chmod +x .venv/bin/openai-ft""",
}
"""Commands that install, and commands that link to the installed packages, except for the tokenizer of the extra
`tokens`."""
_STATE = re.compile(r"cd |export |unset |\. ")
"""Commands that change the state of a shell."""
_COUNT = re.compile(r"^\s*[+~=-]*\s?\d+ (?:to )?[a-z]+$", re.MULTILINE)
_FINDING = re.compile(r"^(?:ok|warning|problem) +[A-Za-z]+(?: [a-z]+)?(?=  )", re.MULTILINE)
_FIGURE = re.compile(r"trains (?:about|again, about) .*$|uploaded · [\d.]+ kB$", re.MULTILINE)
_STEP = re.compile(r"^(?:Created| +\d\.|The resources).*$", re.MULTILINE)


def stable_parts(text: str) -> list[str]:
    """Return the parts of a transcript that never vary."""
    patterns = (_COUNT, _FINDING, _FIGURE, _STEP)
    return [line.strip() for pattern in patterns for line in pattern.findall(text)]


@dataclass
class Reader:
    """A user who follows the page in a terminal.

    Attributes:
        folder: Folder in which the terminal is opened.
        environment: Variables of the terminal.
        replaced: Commands to run instead of commands of the page.
        address: Address of the emulator.
        state: Commands that change the state of the terminal, such as `cd`.
    """

    folder: Path
    environment: dict[str, str]
    replaced: dict[str, str]
    address: str = ""
    state: list[str] = field(default_factory=list)

    def run(self, block: str) -> str:
        """Run the commands of a block until one fails, and return the output."""
        lines = [self.replaced.get(line, line.replace(ADDRESS, self.address)) for line in block.splitlines()]
        done = subprocess.run(
            ["bash", "-ec", "\n".join([*self.state, *lines])],
            cwd=self.folder,
            env=self.environment,
            input="sk-any-text-works\n",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        self.state += [line for line in lines if _STATE.match(line)]
        return done.stdout

    @contextmanager
    def emulator(self, block: str) -> Iterator[None]:
        """Run the commands of the second terminal, with a free port."""
        commands = [*self.state, block.replace(START, f"exec {START}").replace("8123", "0")]
        process = subprocess.Popen(
            ["bash", "-ec", "\n".join(commands)],
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert process.stdout
            self.address = process.stdout.readline().strip()
            yield
        finally:
            process.terminate()
            process.communicate()


@pytest.fixture
def terminal(engine: str, tmp_path: Path) -> dict[str, str]:  # noqa: F811 - a fixture
    """Return the variables of a terminal without settings, in which Pulumi does not prompt."""
    variables = engine_environment(engine, tmp_path)
    del variables["PULUMI_BACKEND_URL"], variables["PULUMI_CONFIG_PASSPHRASE"]
    path = os.pathsep.join([engine, "/usr/bin", "/bin"])
    quiet = {"PULUMI_OPTION_COLOR": "never", "PULUMI_OPTION_NON_INTERACTIVE": "true"}
    return {**variables, **quiet, "PATH": path, "PULUMI_SKIP_CONFIRMATIONS": "true"}


def cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def blocks() -> tuple[Sample, Sample, list[Sample]]:
    """Return the block that creates the project, the block of the second terminal, and the other blocks."""
    first, *others = [sample for sample in samples("quickstart") if sample.language in {"bash", "text"}]
    (second,) = (sample for sample in others if START in sample.text)
    return first, second, [sample for sample in others if sample is not second]


@pytest.mark.core
@pytest.mark.e2e
@pytest.mark.timeout(TEST_TIMEOUT)
@pytest.mark.parametrize(
    "replaced", [pytest.param(LINKED, id="linked"), pytest.param({}, id="installed", marks=pytest.mark.long)]
)
def test_every_command_runs_and_prints_its_transcript(
    terminal: dict[str, str], tmp_path: Path, replaced: dict[str, str]
) -> None:
    (tmp_path / "pulumi-openai-ft").symlink_to(ROOT)
    reader = Reader(tmp_path, terminal, replaced)
    first, second, others = blocks()
    output = reader.run(first.text)
    before = cpu_seconds()

    with reader.emulator(second.text):
        for sample in others:
            if sample.text.startswith("unset OPENAI_FT_TODAY"):  # the section on the real API
                reader.environment["OPENAI_BASE_URL"] = reader.address
            if sample.language == "bash":
                output = reader.run(sample.text)
            elif not sample.text.startswith("http://"):
                shown = stable_parts(sample.text)
                assert [part for part in shown if part not in stable_parts(output)] == [], output

    assert cpu_seconds() - before < MOST_CPU_SECONDS


def test_the_page_shows_the_program_of_the_template() -> None:
    (program,) = (sample.text for sample in samples("quickstart") if sample.language == "python")

    assert program == (TEMPLATE / "__main__.py").read_text()


def test_the_page_lists_the_files_of_the_template() -> None:
    written = {path.name + "/" * path.is_dir() for path in TEMPLATE.iterdir()} - {"__pycache__/"}

    assert [name for name in written if f"| `{name}` |" not in PAGES["quickstart"]] == []
