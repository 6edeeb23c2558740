from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from tests.emulator.support import Api, connect
from tests.support import API_KEY

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft._shared.state_names import RESOURCE_KEY
from pulumi_openai_ft.cli.look import job_choice
from pulumi_openai_ft.cli.look.job_choice import find_job, find_jobs, find_running
from pulumi_openai_ft.cli.look.stack_jobs import JobResource
from pulumi_openai_ft.cli.main import main
from pulumi_openai_ft.cli.stack_settings import Selection
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pulumi_openai_ft.emulator import Emulator

STACK = "urn:pulumi:dev::shop::"
JOB_URN = f"{STACK}job::model"


@pytest.fixture
def api(slow_service: Emulator) -> Iterator[Api]:
    with connect(slow_service) as client:
        yield client


@pytest.fixture
def client(slow_service: Emulator) -> Iterator[Client]:
    with closing(Client(Settings(api_key=API_KEY, base_url=slow_service.url))) as client:
        yield client


@pytest.fixture
def resources(monkeypatch: pytest.MonkeyPatch) -> list[JobResource]:
    """Return the jobs in the state of the selected stack, which the test adds."""
    found: list[JobResource] = []
    monkeypatch.setattr(job_choice, "job_resources", lambda _selection: found)
    return found


def resource(job_id: str | None = None, identity: str | None = "mine", name: str = "model") -> JobResource:
    return JobResource(f"{STACK}job::{name}", (f"{STACK}component::support",), job_id, identity)


def test_the_newest_job_of_a_resource_is_found(
    api: Api, client: Client, slow_service: Emulator, resources: list[JobResource]
) -> None:
    old = api.train(metadata={RESOURCE_KEY: "mine"})["id"]
    slow_service.advance(5)
    new = api.train(metadata={RESOURCE_KEY: "mine"})["id"]
    api.train(metadata={RESOURCE_KEY: "other"})
    resources.append(resource(old))

    for name in ("model", "support", JOB_URN):
        assert find_job(client, Selection(), name).id == new


def test_a_job_adopted_from_a_former_name_is_found(
    api: Api, client: Client, slow_service: Emulator, resources: list[JobResource]
) -> None:
    api.train(metadata={RESOURCE_KEY: "mine"})
    slow_service.advance(5)
    adopted = api.train(metadata={RESOURCE_KEY: "former"})["id"]
    resources.append(resource(adopted))

    assert find_job(client, Selection(), "model").id == adopted


def test_a_resource_without_a_job_is_reported(client: Client, resources: list[JobResource]) -> None:
    resources.append(resource())

    with pytest.raises(InputError, match="'model' has no job yet"):
        find_job(client, Selection(), "model")


def test_an_ambiguous_name_lists_the_urns(client: Client, resources: list[JobResource]) -> None:
    resources += [resource(name="a"), resource(name="b")]

    with pytest.raises(InputError, match=f"{STACK}job::a\n  {STACK}job::b"):
        find_job(client, Selection(), "support")


def test_a_misspelled_resource_is_corrected(client: Client, resources: list[JobResource]) -> None:
    resources.append(resource())

    with pytest.raises(InputError, match="Did you mean 'support'"):
        find_job(client, Selection(), "suxport")


@pytest.mark.usefixtures("at_slow_service")
@pytest.mark.parametrize("command", ["watch", "events"])
def test_an_empty_name_is_an_error(api: Api, command: str, capsys: pytest.CaptureFixture[str]) -> None:
    api.train()

    assert main([command, ""]) == 1

    assert "the name of a job is empty" in capsys.readouterr().err


def test_several_names_read_the_state_once(api: Api, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = [api.train(metadata={RESOURCE_KEY: name})["id"] for name in ("a", "b")]
    resources = [resource(id_, name, name) for id_, name in zip(ids, "ab", strict=True)]
    states = iter([resources])
    monkeypatch.setattr(job_choice, "job_resources", lambda _selection: next(states))

    found = find_jobs(client, Selection(), ["b", "a", ids[1], resources[0].urn])

    assert [job.id for job in found] == [ids[1], ids[0]]


def test_the_running_job_of_the_stack_is_chosen(
    api: Api, client: Client, resources: list[JobResource]
) -> None:
    mine = api.train(metadata={RESOURCE_KEY: "mine"})["id"]
    api.train()
    resources.append(resource())

    assert find_running(client, Selection()).id == mine
