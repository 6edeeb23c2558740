"""Third-party resources and this package's in the same program."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.foreign.comparable import differences, operations, plan, resource, state
from tests.support import write_training_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack
    from tests.e2e.foreign.conftest import Hosts

    from pulumi_openai_ft.emulator import Emulator

pytestmark = pytest.mark.e2e


def bring_up(stack: Stack) -> dict[str, Any]:
    stack.up()
    return state(stack)


def entries(state: dict[str, Any], file: str) -> list[dict[str, Any]]:
    """Return the state of the third-party resources, without the id of the file, which differs between hosts."""
    found = [entry for entry in state["resources"] if "Entry" in entry["type"]]
    shown: list[dict[str, Any]] = json.loads(json.dumps(found).replace(file, "the file"))
    return shown


def preview(stack: Stack) -> dict[str, str]:
    return operations(plan(stack))


def test_a_file_between_two_third_party_resources_works(
    make_hosts: Callable[..., Hosts], service: Emulator
) -> None:
    hosts = make_hosts("mixed")
    write_training_data(hosts.program / "data.jsonl")

    states = hosts.both(bring_up)

    files = [resource(state, "data")["id"] for state in states]
    assert {file["id"]: file["filename"] for file in service.files()} == dict.fromkeys(files, "support.jsonl")
    assert [resource(state, "listed")["inputs"]["file"] for state in states] == files
    stock, ours = (entries(state, file) for state, file in zip(states, files, strict=True))
    assert differences(stock, ours) == {}

    hosts.stage("second")
    assert hosts.same(preview) == {"listed": "update"}

    hosts.both(lambda stack: stack.destroy())
    assert service.files() == []
