"""The identity of a requesting resource and the inputs of reads, through Pulumi's own mocks.

The program runs in a separate process, as Pulumi's mocks create event loops that are never closed.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from pulumi_openai_ft._provider.base import is_get_call
from pulumi_openai_ft._shared.state_names import FORMER_IDENTITIES, IDENTITY

PROGRAM = """
import json
import pulumi
import pulumi_openai_ft as openai_ft

class Registered(pulumi.runtime.Mocks):
    found = {}

    def new_resource(self, args):
        self.found[args.name] = {"id": args.resource_id, "inputs": args.inputs}
        return args.resource_id or f"{args.name}-id", args.inputs

    def call(self, args):
        return {}

STACK = "urn:pulumi:dev::shop::pulumi:pulumi:Stack"

class Team(pulumi.ComponentResource):
    def __init__(self, name, parent=None, **options):
        super().__init__("shop:index:Team", name, opts=pulumi.ResourceOptions(parent=parent, **options))

def job(name, **options):
    openai_ft.FineTuningJob(name, model="m", training_file="file-1", opts=pulumi.ResourceOptions(**options))

def program():
    red, blue = Team("red"), Team("blue")
    job("plain")
    job("child", parent=red)
    job("grandchild", parent=Team("inner", parent=red))
    job("renamed", aliases=[pulumi.Alias(name="old"), pulumi.Alias(name="older")])
    job("moved", parent=red, aliases=[pulumi.Alias(parent=blue)])
    job("both", parent=red, aliases=[pulumi.Alias(name="old", parent=blue)])
    job("by-urn", aliases=["urn:pulumi:test::store::a:b:C::old"])
    job("by-parents-urn", parent=red, aliases=[STACK + "$shop:index:Team$a:b:C::old"])
    job("by-other-urn", parent=red, aliases=["urn:pulumi:dev::shop::shop:index:Crew$a:b:C::old"])
    job("by-no-urn", aliases=["old"])
    job("by-output", aliases=[pulumi.Output.from_input(pulumi.Alias(name="old"))])
    job("was-top", parent=red, aliases=[pulumi.Alias(parent=pulumi.ROOT_STACK_RESOURCE)])
    job("was-elsewhere", aliases=[pulumi.Alias(stack="test", project="store")])
    job("was-elsewhere-too", parent=red, aliases=[pulumi.Alias(stack="test")])
    job("by-parent-urn", aliases=[pulumi.Alias(parent="urn:pulumi:dev::shop::a:b:C::red")])
    ops = Team("ops", aliases=[pulumi.Alias(name="it")])
    job("ops", parent=ops)
    job("ops-job", parent=ops)
    job("child-of-renamed", parent=ops)
    job("both-renamed", parent=ops, aliases=[pulumi.Alias(name="old")])
    openai_ft.File("data")
    found = openai_ft.FineTuningJob.get("found", "ftjob-7", opts=pulumi.ResourceOptions(parent=red))
    openai_ft.FineTuningCheckpointPermission.get("grants", found.fine_tuned_model.apply(lambda name: "ft:m:o::x"))
    openai_ft.File.get("file", "file-7")

pulumi.runtime.set_mocks(Registered(), project="shop", stack="dev")
pulumi.runtime.test(program)()
print(json.dumps(Registered.found))
"""
OF_A_JOB = "FineTuningJob"


@pytest.fixture(scope="module")
def registered() -> dict[str, Any]:
    """Return each resource's inputs, and its id if the resource is only read."""
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PROGRAM], stdout=subprocess.PIPE, text=True, check=True
    )
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def identity(registered: dict[str, Any], name: str) -> str:
    found: str = registered[name]["inputs"][IDENTITY]
    return found


@pytest.mark.parametrize(("name", "kind"), [("plain", OF_A_JOB), ("data", "File")])
def test_a_resource_is_identified_by_stack_type_and_name(
    registered: dict[str, Any], name: str, kind: str
) -> None:
    assert identity(registered, name) == f"organization::dev::shop::{kind}::{name}"


@pytest.mark.parametrize(
    ("name", "parent"), [("child", "Team::red"), ("grandchild", "Team$shop:index:Team::inner")]
)
def test_a_child_is_known_by_its_parent_too(registered: dict[str, Any], name: str, parent: str) -> None:
    found = identity(registered, name)

    assert found.startswith("organization::urn:pulumi:dev::shop::")
    assert found.endswith(f"shop:index:{parent}::{OF_A_JOB}::{name}")


def test_aliases_give_former_names(registered: dict[str, Any]) -> None:
    assert registered["renamed"]["inputs"][FORMER_IDENTITIES] == [
        f"organization::dev::shop::{OF_A_JOB}::old",
        f"organization::dev::shop::{OF_A_JOB}::older",
    ]


def test_aliases_give_former_parents(registered: dict[str, Any]) -> None:
    (moved,) = registered["moved"]["inputs"][FORMER_IDENTITIES]
    (both,) = registered["both"]["inputs"][FORMER_IDENTITIES]

    assert moved.endswith(f"shop:index:Team::blue::{OF_A_JOB}::moved")
    assert both.endswith(f"shop:index:Team::blue::{OF_A_JOB}::old")


TEAM = "urn:pulumi:{}::shop::pulumi:pulumi:Stack$shop:index:Team::"
FORMER_TEAM = "urn:pulumi:dev::shop::shop:index:Team::it::"
"""Pulumi's mocks add the stack's type to URNs, unlike the engine."""
FORMER = {
    "by-urn": ["test::store::{}::old"],
    "by-parents-urn": [TEAM.format("dev") + "red::{}::old"],
    "by-other-urn": [],
    "by-no-urn": [],
    "by-output": ["dev::shop::{}::old"],
    "was-top": ["dev::shop::{}::was-top"],
    "was-elsewhere": ["test::store::{}::was-elsewhere"],
    "was-elsewhere-too": [TEAM.format("test") + "red::{}::was-elsewhere-too"],
    "by-parent-urn": ["urn:pulumi:dev::shop::a:b:C::red::{}::by-parent-urn"],
    "ops": [FORMER_TEAM + "{}::ops", FORMER_TEAM + "{}::it"],
    "ops-job": [FORMER_TEAM + "{}::ops-job", FORMER_TEAM + "{}::it-job"],
    "child-of-renamed": [FORMER_TEAM + "{}::child-of-renamed"],
    "both-renamed": [
        FORMER_TEAM + "{}::both-renamed",
        TEAM.format("dev") + "ops::{}::old",
        FORMER_TEAM + "{}::old",
    ],
}
"""Former identities, without the organization, of resources with an alias, or whose parent has one."""


@pytest.mark.parametrize("name", FORMER)
def test_each_form_of_alias_gives_former_identities(registered: dict[str, Any], name: str) -> None:
    assert registered[name]["inputs"][FORMER_IDENTITIES] == [
        f"organization::{expected.format(OF_A_JOB)}" for expected in FORMER[name]
    ]


def test_without_aliases_there_are_no_former_names(registered: dict[str, Any]) -> None:
    assert FORMER_IDENTITIES not in registered["plain"]["inputs"]


@pytest.mark.parametrize(("name", "id_"), [("found", "ftjob-7"), ("grants", "ft:m:o::x"), ("file", "file-7")])
def test_a_read_sends_only_the_id(registered: dict[str, Any], name: str, id_: str) -> None:
    inputs = registered[name]["inputs"]

    assert registered[name]["id"] == id_
    assert {key for key in inputs if not key.startswith("__")} == set()


def test_inputs_distinguish_a_get_from_a_refresh(registered: dict[str, Any]) -> None:
    assert is_get_call(registered["found"]["inputs"])
    assert not is_get_call({"status": "succeeded"})
