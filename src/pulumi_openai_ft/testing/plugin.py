"""The pytest plugin: fixtures for tests of Pulumi programs. Each imports its modules only if a test uses it."""

from __future__ import annotations

import difflib
import inspect
import sys
from os import pathsep
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi import automation

    from pulumi_openai_ft.emulator import Emulator
    from pulumi_openai_ft.testing.emulator import EmulatorFixture
    from pulumi_openai_ft.testing.mocks import Mocks
    from pulumi_openai_ft.testing.program import Program

EMULATOR_MARK = "openai_ft_emulator"


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark of this plugin."""
    config.addinivalue_line(
        "markers",
        f"{EMULATOR_MARK}(**options): options of the emulator of openai_ft_emulator, such as mode='azure'",
    )


@pytest.fixture
def openai_ft_emulator(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[EmulatorFixture]:
    """An emulator of the API, for one test: a server on a free port of 127.0.0.1, with all data in memory.

    A job finishes when it is first read. The mark `openai_ft_emulator` sets other options of
    `pulumi_openai_ft.emulator.Emulator`. During the test, the environment variables `OPENAI_*` contain the emulator's
    address and made-up keys, so that no request of the test can reach a real service by mistake.
    """
    emulator = _emulator(request.node)
    from pulumi_openai_ft._settings import SOURCES  # noqa: PLC0415
    from pulumi_openai_ft.testing.emulator import EmulatorFixture  # noqa: PLC0415 - loads pydantic

    for source in SOURCES.values():
        for variable in source.environment:
            monkeypatch.delenv(variable, raising=False)
    with emulator:
        fixture = EmulatorFixture(emulator)
        for variable, value in fixture.environment().items():
            monkeypatch.setenv(variable, value)
        yield fixture


@pytest.fixture
def openai_ft_program(request: pytest.FixtureRequest) -> Program:
    """The program of `openai_ft_stack`. Override this fixture to choose another program.

    Returns:
        The folder of a Pulumi project, or a function that registers resources. By default the folder of the test file:
        the project is the nearest Pulumi.yaml in it and its parents.
    """
    return request.path.parent


@pytest.fixture
def openai_ft_stack(
    openai_ft_emulator: EmulatorFixture,
    openai_ft_program: Program,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> automation.Stack:
    """A new stack of the program, which the real engine runs against the emulator: a stack of Pulumi's Automation API.

    Its configuration has the emulator's address and made-up keys. Its state is in a temporary folder, and disappears with
    the emulator after the test, so a test need not destroy the stack. The program runs in the Python of pytest, and on
    the host that its Pulumi.yaml selects. A function runs on the host of this package.
    """
    from pulumi_openai_ft.errors import OpenAIFTError  # noqa: PLC0415
    from pulumi_openai_ft.testing.stack import create_stack  # noqa: PLC0415 - loads pulumi

    monkeypatch.setenv("PATH", str(Path(sys.executable).parent), prepend=pathsep)
    monkeypatch.delenv("PULUMI_OPTION_CONFIG_FILE", raising=False)
    try:
        return create_stack(openai_ft_program, tmp_path_factory.mktemp("openai-ft-stack"), openai_ft_emulator)
    except OpenAIFTError as error:
        _fail(f"openai_ft_stack: {error}")


@pytest.fixture
def openai_ft_mocks() -> Mocks:
    """Mocks of Pulumi's engine that record the resources of a program, for tests without an engine and an emulator."""
    from pulumi_openai_ft.testing.mocks import Mocks  # noqa: PLC0415 - loads pulumi

    return Mocks()


def _emulator(node: pytest.Item) -> Emulator:
    """Return an emulator with the options of a test's marks."""
    try:
        from pulumi_openai_ft.emulator import Emulator, EmulatorError  # noqa: PLC0415 - needs the packages of an extra
    except ModuleNotFoundError as missing:
        package = str(missing.name).split(".")[0]
        _fail(
            f"openai_ft_emulator requires the package {package!r}; install the extra `emulator` (docs/install.md)"
        )
    options = _options(node, list(inspect.signature(Emulator).parameters))
    try:
        return Emulator(**options)
    except EmulatorError as error:
        _fail(f"the mark {EMULATOR_MARK}: {error}")


def _options(node: pytest.Item, allowed: list[str]) -> dict[str, Any]:
    """Return the options of the emulator. The mark nearest to the test wins."""
    options: dict[str, Any] = {}
    for mark in reversed(list(node.iter_markers(EMULATOR_MARK))):
        if mark.args:
            _fail(f"the mark {EMULATOR_MARK} takes options by name, such as mode='azure', not {mark.args}")
        options |= mark.kwargs
    for name in options.keys() - allowed:
        near = difflib.get_close_matches(name, allowed, 1)
        hint = f"did you mean {near[0]!r}?" if near else f"use {', '.join(allowed)}"
        _fail(f"the mark {EMULATOR_MARK}: unknown option {name!r}; {hint}")
    return options


def _fail(message: str) -> NoReturn:
    """Let a fixture fail with a message alone, without a traceback and without the exception that is being handled."""
    raise pytest.fail.Exception(message, pytrace=False) from None
