"""The lifecycle of third-party dynamic resources is the same on the stock host and on this package's host."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.foreign.comparable import calls, operations, plan, resource, revealed, state

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack
    from tests.e2e.foreign.conftest import Hosts

pytestmark = pytest.mark.e2e
STREAMS = [
    "on standard output",
    "on standard error",
    "warning: through Pulumi's log",
    "through Python's log",
]


def preview(stack: Stack) -> dict[str, Any]:
    return {"plan": plan(stack), "calls": calls(stack)}


def bring_up(stack: Stack) -> dict[str, Any]:
    said = stack.up().text
    streams = [line for line in STREAMS if f"    {line}\n" in said]
    return {"calls": calls(stack), "state": state(stack), "streams": streams}


def refresh(stack: Stack) -> dict[str, Any]:
    stack.refresh()
    return {"calls": calls(stack), "state": state(stack)}


def destroy(stack: Stack) -> dict[str, int]:
    stack.destroy()
    return calls(stack)


@pytest.mark.long
def test_providers_pickled_by_value_behave_alike(make_hosts: Callable[..., Hosts]) -> None:
    hosts = make_hosts("by_value")
    hosts.same(preview)

    made = hosts.same(bring_up)

    assert made["streams"] == STREAMS
    around = resource(made["state"], "around")
    assert around["outputs"]["folder"] == around["outputs"]["first_on_path"] == str(hosts.program)
    hosts.exchange_states()
    assert operations(hosts.same(preview)["plan"]) == {}

    hosts.stage("second")
    edited = operations(hosts.same(preview)["plan"])
    assert edited == {
        **dict.fromkeys(["around", "bare", "changed", "fed", "loses", "two"], "update"),
        "replaced": "replace",
    }
    hosts.same(bring_up)
    hosts.same(refresh)
    hosts.same(destroy)


def test_providers_in_modules_behave_alike(make_hosts: Callable[..., Hosts]) -> None:
    hosts = make_hosts("in_modules")
    hosts.both(configure)

    made = hosts.same(bring_up)["state"]

    # The stock host also lets providers clean up at exit, but not always.
    assert (Path(hosts.ours.environment["RECORDS"]) / "exited").exists()
    assert revealed(resource(made, "box")["outputs"])["token"] == "hush"
    assert resource(made, "bob")["outputs"]["hired"] == ["Ann", "Bob"]

    hosts.both(lambda stack: stack.pulumi("config", "set", "region", "west"))
    hosts.stage("second")
    edited = hosts.same(preview)
    assert operations(edited["plan"]) == {
        **dict.fromkeys(["bob", "box"], "update"),
        **dict.fromkeys(["moved", "rebadged"], "replace"),
        "found": "read",
    }
    assert any('"desk": "Unknown"' in call for call in edited["calls"])
    hosts.same(bring_up)

    hosts.both(drift)
    after = hosts.same(refresh)["state"]
    assert resource(after, "drifted")["inputs"]["role"] == "director"
    assert operations(hosts.same(preview)["plan"]) == {
        "drifted": "update",
        "gone": "create",
        "found": "read",
    }
    hosts.same(destroy)


def configure(stack: Stack) -> None:
    plaintext_settings = ("region=north", "other:region=south", "shelves.upper=3")
    settings = [part for setting in plaintext_settings for part in ("--plaintext", setting)]
    stack.pulumi("config", "set-all", "--path", *settings, "--secret", "token=hush")


def drift(stack: Stack) -> None:
    """Promote Ed and dismiss Flo outside of Pulumi."""
    world = Path(stack.environment["RECORDS"]) / "world.json"
    world.write_text(json.dumps({"Ed@e1": {"role": "director"}, "Flo@f1": None}))
