"""Failing third-party providers: errors and state are the same on both hosts."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.foreign.comparable import state

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack
    from tests.e2e.foreign.conftest import Hosts

pytestmark = pytest.mark.e2e
FRAMES = re.compile(r"(\n {6,}.*)+")
"""The lines of a traceback between "Traceback" and the exception: they name the host's own files."""
ADDRESS = re.compile(r"0x[0-9a-f]+")
SECTION = re.compile(r"^  \S+ \((?P<name>[\w-]+)\):\n(?P<text>(?:    .*\n|\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Failing:
    """A failing command."""

    command: tuple[str, ...]

    def __call__(self, stack: Stack) -> dict[str, Any]:
        """Return the diagnostics of each resource, without traceback lines that name files of the host.

        The diagnostics of the program are excluded: Pulumi interrupts it, and may or may not show its traceback.
        """
        result = stack.pulumi(*self.command, code=None)
        diagnostics = result.text.partition("Diagnostics:\n")[2].partition("\nResources:")[0]
        sections = SECTION.finditer(FRAMES.sub("", ADDRESS.sub("address", diagnostics)) + "\n")
        resources = {found["name"]: found["text"].strip() for found in sections if found["name"] != PROGRAM}
        return {"code": result.code, **resources}


PROGRAM = "shop-dev"
PREVIEW = Failing(("preview",))
UP = Failing(("up", "--yes", "--skip-preview", "--continue-on-error"))
REFRESH = Failing(("refresh", "--yes", "--skip-preview"))
DESTROY = Failing(("destroy", "--yes", "--skip-preview", "--continue-on-error"))
ERROR = "fragile.OutOfOrderError: cannot {} 100% of {{this}}:\n    second line, ünï"


@pytest.fixture
def hosts(make_hosts: Callable[..., Hosts]) -> Hosts:
    return make_hosts("failing")


FAILING_CHECKS = {
    "check": ERROR.format("check"),
    "check several": "property size value {1} has a problem: must be {odd}: 100%",
    "check nothing": "TypeError: 'NoneType' object does not support item assignment",
    "configure": "ValueError: missing required configuration key: mood",
}


def failing_checks(stack: Stack) -> list[dict[str, Any]]:
    """Return the diagnostics of previews that fail at a check. Two run in parallel, because the engine may wait."""
    staged = (replace(stack, environment={**stack.environment, "STAGE": stage}) for stage in FAILING_CHECKS)
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(PREVIEW, staged))


@pytest.mark.long
def test_failing_checks_are_reported_alike(hosts: Hosts) -> None:
    for (stage, sentence), diagnostics in zip(
        FAILING_CHECKS.items(), hosts.same(failing_checks), strict=True
    ):
        assert diagnostics.pop("code") == 1
        assert sentence in diagnostics[stage.replace(" ", "-")]


def test_failing_methods_are_reported_alike(hosts: Hosts) -> None:
    for stage, command, failing in (
        ("create", UP, {"create", "number", "object", "no-id", "nothing"}),
        ("diff", PREVIEW, {"diff"}),
        ("update", UP, {"update"}),
        ("read", REFRESH, {"read", "reads-nothing"}),
        ("delete", DESTROY, {"delete"}),
    ):
        hosts.stage(stage)
        diagnostics = hosts.same(command)
        assert set(diagnostics) - {"code"} == failing
        assert ERROR.format(stage) in diagnostics[stage]
        if command in {UP, DESTROY}:
            hosts.same(state)


def test_our_host_reports_errors_that_kill_the_stock_host(hosts: Hosts) -> None:
    imported = hosts.ours.pulumi(
        "import", "pulumi-python:dynamic/shop:Vase", "old", "vase-1", "--yes", code=None
    )
    assert imported.code != 0
    assert "resource 'old' cannot be imported: only the program" in imported.text
    assert "Traceback" not in imported.text

    hosts.stage("leave")
    assert "SystemExit: leaving" in hosts.ours.up(code=1).text
