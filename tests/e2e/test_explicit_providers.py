"""A second service or key in one stack, through an explicit provider."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.conftest import ON_BOTH_HOSTS
from tests.e2e.running import with_data
from tests.support import API_KEY, TODAY

from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Stack

pytestmark = [pytest.mark.e2e, ON_BOTH_HOSTS]

OTHER_KEY, NEW_KEY = "sk-proj-other-4711", "sk-proj-rotated-0815"
PROGRAM = """
import os
import pulumi
import pulumi_openai_ft as ft

def settings(key):
    return {
        "openai-ft:apiKey": pulumi.Output.secret(key),
        "openai-ft:baseUrl": os.environ["OTHER_URL"],
        "openai-ft:pollInterval": "0.05",
    }

other = pulumi.ProviderResource("pulumi-python", "other", settings(os.environ["OTHER_KEY"]))
for name, opts in {"first": None, "second": pulumi.ResourceOptions(provider=other)}.items():
    data = ft.File(f"{name}-data", file="data.jsonl", opts=opts)
    job = ft.FineTuningJob(f"{name}-job", model="gpt-4o-mini", training_file=data, triggers=[name], opts=opts)
    pulumi.export(name, job.fine_tuned_model)
"""


FUNCTION = """
class Group(pulumi.ComponentResource):
    def __init__(self):
        super().__init__("shop:index:Group", "group", None, pulumi.ResourceOptions(providers=[other]))

pulumi.export("files", len(ft.get_files(opts=pulumi.InvokeOptions({})).files))
"""
JOBS = """
import pulumi_openai_ft as ft

data = ft.File("data", file="data.jsonl")
for number in range(5):
    ft.FineTuningJob(f"job-{number}", model="gpt-4o-mini", training_file=data, triggers=[number])
"""


@pytest.fixture
def other() -> Iterator[Emulator]:
    """Another service, which knows another key."""
    with Emulator(today=TODAY) as emulator:
        emulator.add_key(OTHER_KEY)
        yield emulator


@pytest.fixture
def stack(make_stack: Callable[..., Stack], service: Emulator, other: Emulator) -> Stack:
    service.add_key(API_KEY)
    return with_data(make_stack(PROGRAM, OTHER_URL=other.url, OTHER_KEY=OTHER_KEY))


def models(service: Emulator) -> list[str]:
    return [job["fine_tuned_model"] for job in service.jobs()]


def test_each_provider_uses_its_own_service_and_key(stack: Stack, service: Emulator, other: Emulator) -> None:
    shown = stack.up().text

    outputs = stack.outputs()
    assert models(service) == [outputs["first"]]
    assert models(other) == [outputs["second"]]
    assert OTHER_KEY not in shown + stack.export()
    stack.preview("--expect-no-changes")
    stack.refresh("--expect-no-changes")
    stack.destroy()
    assert [file["purpose"] for file in other.files()] == ["fine-tune-results"]


@pytest.mark.long
def test_a_rotated_key_of_a_provider_replaces_nothing(stack: Stack, other: Emulator) -> None:
    stack.up()
    other.add_key(NEW_KEY)
    stack.environment["OTHER_KEY"] = NEW_KEY

    assert stack.planned() == {}
    shown = stack.up().text

    assert NEW_KEY not in shown + stack.export()
    assert len(models(other)) == 1
    stack.refresh()
    assert (other.journal()[-1].key or "").endswith(NEW_KEY[-4:])


def test_moving_a_job_to_a_provider_replaces_nothing(stack: Stack, service: Emulator) -> None:
    program = stack.folder / "__main__.py"
    program.write_text(PROGRAM.replace('"second": pulumi.ResourceOptions(provider=other)', '"second": None'))
    stack.up()
    before = models(service)
    stack.environment.update(OTHER_URL=service.url, OTHER_KEY=API_KEY)
    program.write_text(PROGRAM)

    assert stack.planned() == {}
    stack.up()
    stack.refresh("--expect-no-changes")

    assert models(service) == before


@pytest.mark.parametrize("given", ["provider=other", "parent=Group()"])
def test_a_function_never_uses_another_service(
    make_stack: Callable[..., Stack], other: Emulator, host: str, given: str
) -> None:
    stack = make_stack(
        PROGRAM.partition("for name")[0] + FUNCTION.format(given), OTHER_URL=other.url, OTHER_KEY=OTHER_KEY
    )

    shown = stack.up(code=None).text

    if host == "ours":
        assert stack.outputs() == {"files": 0}
        assert other.journal(path="/v1/files")
    else:
        assert "error: get_files: Pulumi's own host does not support functions" in shown
        assert other.journal() == []


@pytest.mark.long
def test_parallel_limits_the_number_of_active_jobs(
    make_stack: Callable[..., Stack], service: Emulator
) -> None:
    service.settings.max_active_jobs = 2
    service.backend.clock.per_read = 20
    stack = with_data(make_stack(JOBS))

    stack.up("--parallel", "2")

    assert [job["status"] for job in service.jobs()] == ["succeeded"] * 5
