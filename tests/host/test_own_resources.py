from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pulumi
import pytest
from tests.host.support import (
    FILE,
    JOB,
    LONGEST_WAIT,
    PERMISSION,
    ROOT,
    TYPE_PREFIX,
    eventually,
    to_dict,
    urn,
)
from tests.support import API_KEY

import pulumi_openai_ft
from pulumi_openai_ft._provider.base import Provider
from pulumi_openai_ft._provider.resource_import import ID_FORMATS
from pulumi_openai_ft._shared import state_names
from pulumi_openai_ft.host import _own_resources
from pulumi_openai_ft.host._engine_host import EngineHost, EngineLog
from pulumi_openai_ft.host._operations import Operations
from pulumi_openai_ft.host._own_resources import MODULES, OwnResources

if TYPE_CHECKING:
    from tests.host.support import Host

    from pulumi_openai_ft.emulator import Emulator
    from pulumi_openai_ft.emulator.request_log import JournalEntry

MANY, FEW = 200, 8
TRAINING = 10_000
RESOURCES = [
    kind
    for kind in (getattr(pulumi_openai_ft, name) for name in dir(pulumi_openai_ft))
    if isinstance(kind, type) and issubclass(kind, pulumi.dynamic.Resource)
]
# Modules that are slow to load, and not needed before the first call for a resource of this package.
SLOW_MODULES = [
    "httpx",
    "pydantic",
    "tenacity",
    "pulumi_openai_ft._provider.base",
    "pulumi_openai_ft._client.client",
]
LOADED = """
import json, sys
import pulumi_openai_ft.host.__main__
print(json.dumps([name for name in {names!r} if name in sys.modules]))
"""
PROGRAM = """
import json
import pulumi
import pulumi_openai_ft as openai_ft

class Registered(pulumi.runtime.Mocks):
    found = {}

    def new_resource(self, args):
        self.found[args.typ] = args.inputs["__provider"]
        return "id", args.inputs

    def call(self, args):
        return {}

def program():
    openai_ft.File("file", file="data.jsonl")
    openai_ft.FineTuningJob("job", model="m", training_file="file-1")
    openai_ft.FineTuningCheckpointPermission("share", checkpoint_id="ft:m:o::x", project_ids=["proj_b"])

pulumi.runtime.set_mocks(Registered(), project="shop", stack="dev")
pulumi.runtime.test(program)()
print(json.dumps(Registered.found))
"""


@pytest.fixture
def own() -> OwnResources:
    return OwnResources(EngineHost(log=EngineLog(""), operations=Operations()))


def run(program: str) -> Any:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, stdout=subprocess.PIPE, check=True
    )
    return json.loads(done.stdout)


def test_each_resource_is_known_by_its_type() -> None:
    tokens = {kind._resource_type_name for kind in RESOURCES}

    assert {f"{state_names.TYPE_PREFIX}{name}" for name in MODULES} == {
        f"{state_names.PACKAGE}:{token}" for token in tokens
    }
    assert len(tokens) == len(MODULES)


def test_each_resource_can_be_imported() -> None:
    assert ID_FORMATS.keys() == MODULES.keys()


@pytest.mark.parametrize("name", MODULES)
def test_each_type_has_its_provider(name: str) -> None:
    assert issubclass(_own_resources.provider_class(name), Provider)


def test_a_program_registers_the_provider_that_the_host_records() -> None:
    assert run(PROGRAM) == {f"{TYPE_PREFIX}{name}": _own_resources._pickled(name) for name in MODULES}


def test_slow_modules_are_loaded_only_when_needed() -> None:
    assert run(LOADED.format(names=SLOW_MODULES)) == []


@pytest.mark.parametrize("name", SLOW_MODULES)
def test_slow_modules_are_installed(name: str) -> None:
    """Without this check, the test above could never fail."""
    assert find_spec(name)


def test_all_calls_share_one_provider_and_one_connection(own: OwnResources) -> None:
    own.configure({"openai-ft:apiKey": API_KEY})
    barrier = Barrier(64)

    def addresses(_number: int) -> tuple[int, ...]:
        barrier.wait(LONGEST_WAIT)
        provider: Any = own._provider(urn(JOB))
        return id(provider), id(provider.settings), id(provider.api), id(provider.jobs), id(provider.host)

    with ThreadPoolExecutor(barrier.parties) as pool:
        found = set(pool.map(addresses, range(barrier.parties)))

    assert len(found) == 1


def test_files_jobs_and_permissions_share_one_connection(own: OwnResources) -> None:
    own.configure({"openai-ft:apiKey": API_KEY})

    assert len({id(own._provider(urn(kind)).api) for kind in (FILE, JOB, PERMISSION)}) == 1


def test_another_configuration_makes_other_providers(own: OwnResources) -> None:
    own.configure({"openai-ft:apiKey": API_KEY})
    before = own._provider(urn(JOB))

    own.configure({"openai-ft:apiKey": API_KEY, "openai-ft:project": "proj_b"})

    assert own._provider(urn(JOB)) is not before
    assert own._provider(urn(JOB)).settings.project == "proj_b"


def test_many_creates_run_at_a_time(host: Host, service: Emulator, job_inputs: dict[str, Any]) -> None:
    names = [f"job-{n}" for n in range(MANY)]
    calls = [host.creating(JOB, {**job_inputs, "suffix": name}, name) for name in names]
    created = [call.result(LONGEST_WAIT) for call in calls]

    outs = [to_dict(each.properties) for each in created]
    assert len(service.jobs()) == MANY == len({each.id for each in created})
    assert [each["suffix"] for each in outs] == names
    assert {each["status"] for each in outs} == {"succeeded"}
    reported = {log.urn: log.message for log in host.engine.logs if "created job" in log.message}
    assert reported == {
        urn(JOB, name): f"created job {each.id}" for name, each in zip(names, created, strict=True)
    }


def test_waiting_jobs_are_polled_together(
    slow_host: Host, slow_service: Emulator, slow_job_inputs: dict[str, Any]
) -> None:
    """A poller lists a hundred jobs per request."""
    names = [f"job-{n}" for n in range(FEW)]
    calls = [slow_host.creating(JOB, {**slow_job_inputs, "suffix": name}, name) for name in names]
    for name in names:
        slow_host.engine.await_log("created job", urn(JOB, name))
    # Searches for an idempotency key filter by it; the poller, which waits for other jobs too, lists all
    # jobs.
    eventually(lambda: sum("metadata" not in entry.query for entry in lists(slow_service)) >= 3)
    slow_service.advance(TRAINING)

    assert {to_dict(call.result(LONGEST_WAIT).properties)["status"] for call in calls} == {"succeeded"}


def lists(service: Emulator) -> list[JournalEntry]:
    return service.journal(method="GET", path="/v1/fine_tuning/jobs")
