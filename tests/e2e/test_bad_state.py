"""State entries that cannot be loaded: each is reported in a sentence, and the other resources are deployed."""

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

    from tests.e2e.conftest import CommandResult, Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = pytest.mark.e2e
CONTINUE_ON_ERROR = "--continue-on-error"
"""Makes the engine continue with other resources after a step fails."""
STACK_ERRORS = {"update failed", "preview failed"}
"""The errors that the engine adds for the whole stack."""
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
    """A stack with a damaged state."""
    made = with_data(make_stack(PROGRAM, NAMES="good newer vase"))
    made.up()
    state = json.loads(made.export())
    damage({entry["urn"].rsplit("::", 1)[1]: entry for entry in state["deployment"]["resources"]}, state)
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


def assert_reported(result: CommandResult, *names: str) -> None:
    """Assert that the command failed, with exactly one sentence for each of the resources."""
    assert result.code == 1, result.text
    assert "Traceback" not in result.text
    errors = re.findall(r"error: (?:Preview failed: )?(.+)", result.text.partition("Diagnostics:\n")[2])
    reported = sorted(error for error in errors if error not in STACK_ERRORS)
    expected = [SENTENCES[name] for name in sorted(names)]
    assert [error[: len(begin)] for error, begin in zip(reported, expected, strict=True)] == expected


def test_a_bad_state_is_reported_and_the_rest_continues(stack: Stack, service: Emulator) -> None:
    write_training_data(stack.folder / "data.jsonl", answer="Under Account, then Security.")
    stack.environment["NAMES"] = "newer good added"
    before = resources(stack)

    assert_reported(stack.preview(code=None), "newer")
    assert_reported(stack.up(CONTINUE_ON_ERROR, code=None), "gadget", "newer", "vase")

    after = resources(stack)
    assert set(after) == {"added", "good", "gadget", "newer", "vase"}
    assert after["newer"]["id"] == before["newer"]["id"]
    assert after["good"]["id"] != before["good"]["id"]
    assert_reported(stack.refresh(code=None), "gadget", "newer", "vase")
    assert_reported(stack.destroy(CONTINUE_ON_ERROR, code=None), "gadget", "newer", "vase")
    assert set(resources(stack)) == {"gadget", "newer", "vase"}
    assert [file["id"] for file in service.files()] == [after["newer"]["id"]]
