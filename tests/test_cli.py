from __future__ import annotations

import subprocess
import sys

import pytest

from pulumi_openai_ft.cli import main

WITHOUT_EXTRA = (
    "import sys; sys.modules['starlette'] = None; from pulumi_openai_ft.cli import main; sys.exit(main({}))"
)


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="0"):
        main(["--help"])

    assert "emulator" in capsys.readouterr().out


def test_without_a_command_it_says_how_to_use_it(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([])

    assert "usage: openai-ft" in capsys.readouterr().err


def test_the_installed_command_knows_its_version() -> None:
    said = subprocess.run(
        [f"{sys.prefix}/bin/openai-ft", "--version"], capture_output=True, text=True, check=True
    )

    assert said.stdout.startswith("openai-ft 0.")


def test_a_missing_extra_is_named_with_what_to_install() -> None:
    command = [sys.executable, "-c", WITHOUT_EXTRA.format(["emulator"])]
    said = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (said.returncode, said.stdout) == (1, "")
    assert said.stderr.strip().endswith(
        "needs the package 'starlette': pip install 'pulumi-openai-ft[emulator]'"
    )
