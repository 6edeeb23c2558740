"""Plans of imports, against the emulator."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from pulumi_openai_ft._shared.state_names import FILE_TYPE, JOB_TYPE
from pulumi_openai_ft.cli.imports.job_choice import Filters
from pulumi_openai_ft.cli.imports.plan import Planner
from pulumi_openai_ft.cli.imports.stack_objects import StackObjects
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from tests.emulator.support import Api

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft.cli.imports.plan import Plan
    from pulumi_openai_ft.emulator import Emulator

DAY = 24 * 3600


def listed(plan: Plan) -> list[tuple[str, str]]:
    """Return names and ids of the entries, in their order."""
    return [(entry.name, entry.id) for entry in plan.import_list.entries]


def omitted(plan: Plan) -> dict[str, str]:
    return {omission.id: omission.reason for omission in plan.import_list.omissions}


def trained(api: Api, **request: Any) -> dict[str, Any]:
    """Create a job and return it finished."""
    return api.job(api.train(**request)["id"])


def state_of(*resources: tuple[str, str, str], **flags: bool) -> StackObjects:
    """Return a stack with resources, by type, name and id."""
    entries = [
        {"type": type_, "urn": f"urn:pulumi:dev::shop::{type_}::{name}", "id": id_, **flags}
        for type_, name, id_ in resources
    ]
    return StackObjects.of({"deployment": {"resources": entries}})


def test_files_precede_the_jobs_that_use_them(api: Api, client: Client) -> None:
    data, validation = api.upload(filename="chats.jsonl"), api.upload(filename="check.jsonl")
    first = trained(api, training_file=data["id"], validation_file=validation["id"], suffix="support")
    second = trained(api, training_file=data["id"], suffix="support")
    unused = api.upload(filename="later.jsonl")
    api.upload(filename="batch.jsonl", purpose="batch")

    plan = Planner(client, lists_files=True).plan()

    jobs = sorted([first, second], key=lambda job: (job["created_at"], job["id"]))
    assert set(listed(plan)[:3]) == {
        ("chats_file", data["id"]),
        ("check_file", validation["id"]),
        ("later_file", unused["id"]),
    }
    assert listed(plan)[3:] == [("support", jobs[0]["id"]), ("support_2", jobs[1]["id"])]
    assert omitted(plan) == {}


def test_a_deleted_file_is_left_out_with_its_jobs_named(api: Api, client: Client) -> None:
    data = api.upload()
    jobs = [trained(api, training_file=data["id"]) for _ in range(3)]
    api.delete(f"/files/{data['id']}").raise_for_status()

    plan = Planner(client, lists_files=True).plan()

    assert {id_ for _, id_ in listed(plan)} == {job["id"] for job in jobs}
    (reason,) = omitted(plan).values()
    assert reason.startswith("no longer exists; used by ftjob-")
    assert reason.endswith(" and 2 other jobs")


def test_jobs_without_a_usable_model_are_left_out(
    api: Api, client: Client, service: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept, lost = trained(api, suffix="kept"), trained(api, suffix="lost")
    failed = trained(api, training_file=api.upload(b'{"messages": []}\n')["id"])
    monkeypatch.setattr(service.backend.clock, "per_read", 0)
    cancelled = api.train(suffix="stopped")
    api.post(f"/fine_tuning/jobs/{cancelled['id']}/cancel").raise_for_status()
    api.delete(f"/models/{lost['fine_tuned_model']}").raise_for_status()

    plan = Planner(client).plan()

    assert listed(plan) == [("kept", kept["id"])]
    assert omitted(plan) == {
        lost["id"]: f"its model {lost['fine_tuned_model']} was deleted",
        failed["id"]: "failed, so it has no model; to list it, pass --status failed",
        cancelled["id"]: "cancelled, so it has no model; to list it, pass --status cancelled",
    }
    asked = Planner(client, filters=Filters(statuses=frozenset({"failed", "cancelled"}))).plan()
    assert {id_ for _, id_ in listed(asked)} == {failed["id"], cancelled["id"]}
    assert omitted(asked) == {}


def test_only_objects_since_a_day_are_listed(api: Api, client: Client, service: Emulator) -> None:
    old_data, old = api.upload(filename="old.jsonl"), trained(api, suffix="old")
    service.advance(2 * DAY)
    new = trained(api, training_file=old_data["id"], suffix="new")
    unused = api.upload(filename="new.jsonl")
    day = datetime.fromtimestamp(new["created_at"], UTC).date()

    plan = Planner(client, filters=Filters(since=day), lists_files=True).plan()

    assert {id_ for _, id_ in listed(plan)} == {old_data["id"], unused["id"], new["id"]}
    everything = Planner(client, filters=Filters(since=day - timedelta(days=2))).plan()
    assert {id_ for _, id_ in listed(everything)} == {old["id"], new["id"]}


def test_names_do_not_depend_on_filters(api: Api, client: Client) -> None:
    jobs = [trained(api, suffix="support") for _ in range(4)]
    names = {id_: name for name, id_ in listed(Planner(client).plan())}
    assert set(names.values()) == {"support", "support_2", "support_3", "support_4"}

    for job in jobs:
        only = Planner(client, models=(job["fine_tuned_model"],)).plan()

        assert listed(only) == [(names[job["id"]], job["id"])]


def test_an_unknown_model_is_an_error_with_a_suggestion(api: Api, client: Client) -> None:
    model = trained(api)["fine_tuned_model"]

    with pytest.raises(InputError, match=r"no job of this project trained '.*Did you mean"):
        Planner(client, models=(model[:-1],)).plan()


def test_objects_of_the_stack_are_left_out(api: Api, client: Client) -> None:
    data = api.upload(filename="chats.jsonl")["id"]
    jobs = [trained(api, training_file=data, suffix="support")["id"] for _ in range(3)]
    names = {id_: name for name, id_ in listed(Planner(client).plan())}
    first, second, third = sorted(jobs, key=lambda job: names[job])

    stack = state_of((FILE_TYPE, "mine", data), (JOB_TYPE, "support", first), (JOB_TYPE, "support_3", second))
    plan = Planner(client, stack, lists_files=True).plan()

    assert listed(plan) == [("support_3_2", third)]
    assert plan.managed == 3


def test_objects_that_the_program_only_reads_are_listed(api: Api, client: Client) -> None:
    job = trained(api, suffix="support")["id"]

    read = Planner(client, state_of((JOB_TYPE, "support", job), external=True)).plan()
    replaced = Planner(client, state_of((JOB_TYPE, "support", job), delete=True)).plan()

    assert listed(read) == [("support_2", job)]
    assert listed(replaced) == [("support", job)]


def test_without_options_only_pages_are_requested(api: Api, client: Client, service: Emulator) -> None:
    data = api.upload()["id"]
    for _ in range(150):
        api.train(training_file=data)
    before = service.journal()[-1].number

    plan = Planner(client, lists_files=True).plan()

    assert len(plan.import_list.entries) == 151
    requests = [(entry.method, entry.path) for entry in service.journal(after=before)]
    assert requests == [
        ("GET", "/v1/fine_tuning/jobs"),
        ("GET", "/v1/fine_tuning/jobs"),
        ("GET", "/v1/models"),
        ("GET", "/v1/files"),
    ]
