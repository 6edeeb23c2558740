"""Commands in the documentation exist, with their options."""

from __future__ import annotations

import re
import shlex
import subprocess
from functools import cache

import pytest
from tests.docs.pages import ALL_SAMPLES, PAGES, ROOT, inline_code
from tests.e2e.conftest import engine  # noqa: F401 - a fixture

from pulumi_openai_ft.cli import main

SHELLS = ("", "bash", "sh", "shell", "console", "text")
_COMMAND = re.compile(r"^\s*(?:\$ )?(?:[A-Z_]+=\S+ )*(openai-ft|pulumi|make) (.+)$", re.MULTILINE)
_WORD = re.compile(r"[a-z][a-z-]*")
Command = tuple[str, tuple[str, ...], str]


def commands_in(text: str) -> list[Command]:
    """Return program, subcommands (before the first operand), and an option or an empty text for each
    command.
    """
    found: list[Command] = []
    for program, rest in _COMMAND.findall(text.replace("\\\n", " ")):
        words = _words(rest)
        names: list[str] = []
        for word in words:
            if not _WORD.fullmatch(word):
                break
            names.append(word)
        options = [word.split("=")[0] for word in words if re.match(r"--?[a-zA-Z]", word)]
        found.extend((program, tuple(names), option) for option in (options or [""]))
    return found


def _words(command: str) -> list[str]:
    try:
        return shlex.split(command, comments=True)
    except ValueError:  # a quotation mark in a sentence
        return command.split()


DOCUMENTED = sorted(
    {
        command
        for page in PAGES
        for text in [
            *inline_code(page),
            *(
                sample.text
                for sample in ALL_SAMPLES
                if sample.place.startswith(f"{page}:") and sample.language in SHELLS
            ),
        ]
        for command in commands_in(text)
    }
)


def of(program: str) -> list[Command]:
    return [command for command in DOCUMENTED if command[0] == program]


def test_commands_are_found() -> None:
    text = "$ pulumi config set --secret openai-ft:apiKey\nPULUMI_K=1 pulumi up --yes -v=9\nnot pulumi up\n"

    assert commands_in(text) == [
        ("pulumi", ("config", "set"), "--secret"),
        ("pulumi", ("up",), "--yes"),
        ("pulumi", ("up",), "-v"),
    ]
    assert of("openai-ft")
    assert of("pulumi")


@pytest.mark.parametrize("command", of("openai-ft"), ids=str)
def test_documented_commands_and_options_of_this_package_exist(
    command: Command, capsys: pytest.CaptureFixture[str]
) -> None:
    _, names, option = command
    with pytest.raises(SystemExit) as ended:
        main.main([*names, "--help"])
    reported = capsys.readouterr().out

    assert ended.value.code == 0
    assert not option or re.search(rf"(?<![\w-]){option}(?![\w-])", reported)


@pytest.mark.parametrize("command", of("make"), ids=str)
def test_make_has_the_target(command: Command) -> None:
    _, names, _ = command

    assert re.search(rf"^{names[0]}:", (ROOT / "Makefile").read_text(), re.MULTILINE)


@cache
def printed_by_pulumi(folder: str, *names: str) -> str:
    command = [f"{folder}/pulumi", *names, "--help"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.core
@pytest.mark.e2e
@pytest.mark.parametrize("command", of("pulumi"), ids=str)
def test_documented_pulumi_commands_and_options_exist(engine: str, command: Command) -> None:  # noqa: F811 - the fixture
    _, names, option = command
    reported = printed_by_pulumi(engine, *names[:2])

    assert not names or f"pulumi {names[0]}" in reported
    assert not option or re.search(rf"(?<![\w-]){option}(?![\w-])", reported)
