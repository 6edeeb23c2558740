"""Entries of a state that cannot be served: one sentence names each, and the rest of the stack goes on."""

from __future__ import annotations

import copy
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.running import resources, with_data
from tests.support import write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Ran, Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = pytest.mark.e2e
GO_ON = "--continue-on-error"
"""What makes the engine go on with other resources once the step of one has failed."""
OF_THE_STACK = {"update failed", "preview failed"}
"""What the engine adds for the stack as a whole."""
PROGRAM = """
import os
import pulumi_openai_ft as ft
from pulumi.dynamic import CreateResult, Resource, ResourceProvider

class Vases(ResourceProvider):
    def create(self, props):
        return CreateResult("vase-1", {})

class Vase(Resource):
    def __init__(self, name):
        super().__init__(Vases(), name, {})

for name in os.environ["NAMES"].split():
    if name == "vase":
        Vase(name)
    else:
        ft.File(name, file="data.jsonl")
"""
SENTENCES = {
    "gadget": "resource 'gadget': unknown type 'pulumi-python:dynamic/openai_ft:Gadget'",
    "newer": "resource 'newer': its state was written by a newer version of pulumi-openai-ft than the installed",
    "vase": "resource 'vase': the dynamic provider in its property __provider cannot be loaded",
}


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """A stack whose state somebody has damaged."""
    made = with_data(make_stack(PROGRAM, NAMES="good newer vase"))
    made.up()
    state = json.loads(made.export())
    damage({one["urn"].rsplit("::", 1)[1]: one for one in state["deployment"]["resources"]}, state)
    (made.folder / "damaged.json").write_text(json.dumps(state))
    made.pulumi("stack", "import", "--file", "damaged.json")
    return made


def damage(by_name: dict[str, Any], state: dict[str, Any]) -> None:
    gadget = copy.deepcopy(by_name["good"])
    gadget.update(
        urn=gadget["urn"].replace(":File::good", ":Gadget::gadget"),
        type=gadget["type"].replace(":File", ":Gadget"),
        id="gadget-1",
    )
    state["deployment"]["resources"].append(gadget)
    by_name["newer"]["outputs"]["__state_format"] = 2
    for properties in ("inputs", "outputs"):
        by_name["vase"][properties]["__provider"] = "no pickle"


def assert_reported(ran: Ran, *names: str) -> None:
    """The command fails for each of them, told in a sentence, and for nothing else."""
    assert ran.code == 1, ran.text
    assert "Traceback" not in ran.text
    errors = re.findall(r"error: (?:Preview failed: )?(.+)", ran.text.partition("Diagnostics:\n")[2])
    reported = sorted(error for error in errors if error not in OF_THE_STACK)
    expected = [SENTENCES[name] for name in sorted(names)]
    assert [error[: len(begin)] for error, begin in zip(reported, expected, strict=True)] == expected


def test_a_bad_state_is_reported_and_the_rest_continues(stack: Stack, service: Emulator) -> None:
    write_training_data(stack.folder / "data.jsonl", answer="Under Account, then Security.")
    stack.environment["NAMES"] = "newer good added"
    before = resources(stack)

    assert_reported(stack.preview(code=None), "newer")
    assert_reported(stack.up(GO_ON, code=None), "gadget", "newer", "vase")

    after = resources(stack)
    assert set(after) == {"added", "good", "gadget", "newer", "vase"}
    assert after["newer"]["id"] == before["newer"]["id"]
    assert after["good"]["id"] != before["good"]["id"]
    assert_reported(stack.refresh(code=None), "gadget", "newer", "vase")
    assert_reported(stack.destroy(GO_ON, code=None), "gadget", "newer", "vase")
    assert set(resources(stack)) == {"gadget", "newer", "vase"}
    assert [file["id"] for file in service.files()] == [after["newer"]["id"]]
