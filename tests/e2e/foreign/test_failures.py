"""When other people's providers fail, their users see the same on both hosts, and find the same state."""

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
        """Return the diagnostics of each resource, without lines that name the host's own files.

        The program's own are left out: Pulumi interrupts it, and whether its traceback is shown is a matter of time.
        """
        ran = stack.pulumi(*self.command, code=None)
        diagnostics = ran.text.partition("Diagnostics:\n")[2].partition("\nResources:")[0]
        sections = SECTION.finditer(FRAMES.sub("", ADDRESS.sub("address", diagnostics)) + "\n")
        resources = {found["name"]: found["text"].strip() for found in sections if found["name"] != PROGRAM}
        return {"code": ran.code, **resources}


PROGRAM = "shop-dev"
PREVIEW = Failing(("preview",))
UP = Failing(("up", "--yes", "--skip-preview", "--continue-on-error"))
REFRESH = Failing(("refresh", "--yes", "--skip-preview"))
DESTROY = Failing(("destroy", "--yes", "--skip-preview", "--continue-on-error"))
ERROR = "fragile.OutOfOrderError: cannot {} 100% of {{this}}:\n    second line, ünï"


@pytest.fixture
def hosts(make_hosts: Callable[..., Hosts]) -> Hosts:
    return make_hosts("failing")


UNCHECKED = {
    "check": ERROR.format("check"),
    "check several": "property size value {1} has a problem: must be {odd}: 100%",
    "check nothing": "TypeError: 'NoneType' object does not support item assignment",
    "configure": "ValueError: missing required configuration key: mood",
}


def unchecked(stack: Stack) -> list[dict[str, Any]]:
    """What previews say that stop at a check; two at a time, for the engine may wait for seconds when it gives up."""
    staged = (replace(stack, environment={**stack.environment, "STAGE": stage}) for stage in UNCHECKED)
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(PREVIEW, staged))


def test_inputs_that_cannot_be_checked(hosts: Hosts) -> None:
    for (stage, sentence), said in zip(UNCHECKED.items(), hosts.same(unchecked), strict=True):
        assert said.pop("code") == 1
        assert sentence in said[stage.replace(" ", "-")]


def test_a_method_that_fails(hosts: Hosts) -> None:
    for stage, command, failing in (
        ("create", UP, {"create", "number", "object", "no-id", "nothing"}),
        ("diff", PREVIEW, {"diff"}),
        ("update", UP, {"update"}),
        ("read", REFRESH, {"read", "reads-nothing"}),
        ("delete", DESTROY, {"delete"}),
    ):
        hosts.stage(stage)
        said = hosts.same(command)
        assert set(said) - {"code"} == failing
        assert ERROR.format(stage) in said[stage]
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
