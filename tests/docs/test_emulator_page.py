"""The page of the emulator documents every option, and its programs run."""

from __future__ import annotations

import argparse
import re
import shutil
from typing import TYPE_CHECKING

import pytest
from tests.docs.pages import PAGES, ROOT, samples

from pulumi_openai_ft.emulator import Emulator, command
from pulumi_openai_ft.emulator.faults import ACTIONS
from pulumi_openai_ft.emulator.inspection import OBJECTS
from pulumi_openai_ft.emulator.service_modes import MODES
from pulumi_openai_ft.emulator.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

PAGE = PAGES["emulator"]


def options() -> list[str]:
    parser = argparse.ArgumentParser(add_help=False)
    command.add_arguments(parser)
    return [action.option_strings[0] for action in parser._actions]


@pytest.mark.parametrize("option", options())
def test_every_option_is_documented(option: str) -> None:
    assert re.search(rf"^\| `{option}\b", PAGE, re.MULTILINE)


@pytest.mark.parametrize("name", [*MODES, *ACTIONS])
def test_every_mode_and_every_fault_is_documented(name: str) -> None:
    assert re.search(rf"^\| `{name}` \|", PAGE, re.MULTILINE)


@pytest.mark.parametrize("name", Settings.__annotations__)
def test_every_setting_is_documented(name: str) -> None:
    assert f"`{name}`" in PAGE


@pytest.mark.parametrize("name", OBJECTS)
def test_every_kind_of_object_is_documented(name: str) -> None:
    assert re.search(rf"objects/{{[^}}]*\b{name}\b", PAGE)


def test_exactly_the_existing_methods_are_documented() -> None:
    methods = {
        name for name, method in vars(Emulator).items() if callable(method) and not name.startswith("_")
    }

    assert set(re.findall(r"`(?:service\.)?(\w+)\(\)`", PAGE)) == methods - {"start", "stop"}


def test_the_official_client_gets_a_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (program,) = (sample.text for sample in samples("emulator") if "import openai\n" in sample.text)
    shutil.copy(ROOT / "examples" / "data" / "customer_support.jsonl", tmp_path)
    monkeypatch.chdir(tmp_path)

    exec(compile(program, "emulator.md", "exec"), {})  # noqa: S102 - the page's own program

    assert capsys.readouterr().out.startswith("ft:gpt-4o-mini-2024-07-18:")
