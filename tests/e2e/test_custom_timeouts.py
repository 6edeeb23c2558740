"""The engine's resource option `custom_timeouts` limits how long a command waits for a job."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.conftest import HOSTS, ON_BOTH_HOSTS, Stack
from tests.e2e.running import finish_jobs, freeze_jobs, resources, with_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from pulumi_openai_ft.emulator import Emulator

pytestmark = pytest.mark.e2e
PROGRAM = """
import os
import pulumi
import pulumi_openai_ft as ft

limits = pulumi.CustomTimeouts(**eval(os.environ["LIMITS"]))

def limited(args):
    args.opts.custom_timeouts = limits
    return pulumi.ResourceTransformResult(args.props, args.opts)

if "transform" in os.environ["WAY"]:
    pulumi.runtime.register_resource_transform(limited)
opts = pulumi.ResourceOptions(custom_timeouts=limits) if "option" in os.environ["WAY"] else None
if "component" in os.environ["WAY"]:
    model = ft.FineTunedModel(
        "job", model="gpt-4o-mini", training_file="data.jsonl",
        opts=pulumi.ResourceOptions(custom_timeouts=limits),
    )
else:
    data = ft.File("data", file="data.jsonl", opts=opts)
    job = ft.FineTuningJob("job", model="gpt-4o-mini", training_file=data, opts=opts)
"""
FAILS = {"stock": 0, "ours": 1}
"""Exit codes of an `up` that leaves a job unfinished: Pulumi's own host cannot report it and fail."""


def make(make_stack: Callable[..., Stack], way: str, **limits: str) -> Stack:
    return with_data(make_stack(PROGRAM, LIMITS=repr(limits), WAY=way))


def of_the_job(stack: Stack) -> dict[str, Any]:
    found = json.loads(stack.export())["deployment"]["resources"]
    return next(entry for entry in found if entry["type"].endswith(":FineTuningJob"))


@ON_BOTH_HOSTS
def test_up_stops_waiting_and_the_next_continues(
    make_stack: Callable[..., Stack], service: Emulator, host: str
) -> None:
    stack = make(make_stack, "option", create="2s", update="1s")
    freeze_jobs(service)

    first = stack.up(code=FAILS[host]).text

    (job,) = service.jobs()
    assert f"job {job['id']} is still running at the service (last known status: validating_files)" in first
    assert "waiting ended after the time limit (2 s, custom_timeouts: create)" in first
    second = stack.up(code=1).text
    assert "waiting ended after the time limit (1 s, custom_timeouts: update)" in second
    assert service.jobs()[0]["status"] == "validating_files"
    finish_jobs(service)
    stack.up()
    assert [job["status"] for job in service.jobs()] == ["succeeded"]
    assert of_the_job(stack)["outputs"]["status"] == "succeeded"
    stack.preview("--expect-no-changes")


@ON_BOTH_HOSTS
def test_destroy_stops_waiting_and_the_next_continues(
    make_stack: Callable[..., Stack], service: Emulator, host: str
) -> None:
    stack = make(make_stack, "option", create="1s", delete="2s")
    freeze_jobs(service)
    stack.up(code=FAILS[host])
    (job,) = service.jobs()
    still_running = [{"path": "status", "value": "running"}]
    service.fault("POST", "/fine_tuning/jobs/*/cancel", "edit", times=None, edits=still_running)
    service.fault("GET", "/fine_tuning/jobs/*", "edit", times=None, edits=still_running)

    failed = stack.destroy(code=1).text

    assert f"job {job['id']} still has the status 'running' although its cancellation was requested" in failed
    assert "(2 s, custom_timeouts: delete); run the command again" in failed
    assert "job" in resources(stack)
    service.clear_faults()
    stack.destroy()
    assert resources(stack) == {}


@pytest.mark.parametrize(
    ("host", "way"),
    [("ours", "transform"), *((host, "component") for host in HOSTS)],
)
def test_limits_reach_the_job_in_other_ways(
    make_stack: Callable[..., Stack], service: Emulator, host: str, way: str
) -> None:
    stack = make(make_stack, way, create="1s")
    freeze_jobs(service)

    assert "(1 s, custom_timeouts: create)" in stack.up(code=FAILS[host]).text
    assert len(service.jobs()) == 1


def test_a_changed_limit_alone_is_no_change(make_stack: Callable[..., Stack]) -> None:
    stack = make(make_stack, "option", create="1h")
    stack.up()

    stack.environment["LIMITS"] = repr({"create": "2h", "delete": "1h"})

    stack.preview("--expect-no-changes")
