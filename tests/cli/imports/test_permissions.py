"""The search for shared checkpoints."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.cli.imports.test_plan import listed, omitted, trained

from pulumi_openai_ft._client.client import Client
from pulumi_openai_ft._shared.clock import TimeSource
from pulumi_openai_ft.cli.imports.permissions import PermissionSearch, StoredResponses, estimate
from pulumi_openai_ft.cli.imports.plan import Planner
from pulumi_openai_ft.errors import InputError, OpenAIFTError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.support import Api

    from pulumi_openai_ft._settings import Settings
    from pulumi_openai_ft.cli.imports.plan import Plan
    from pulumi_openai_ft.emulator import Emulator

NOW = 1_800_000_000.0


def share(admin: Api, checkpoint: str) -> None:
    path = f"/fine_tuning/checkpoints/{checkpoint}/permissions"
    admin.post(path, json={"project_ids": ["proj_a", "proj_b"]}).raise_for_status()


def admin_requests(service: Emulator, after: int) -> list[str]:
    """Return the checkpoints whose permissions were requested."""
    paths = [entry.path for entry in service.journal(after=after)]
    return [path.split("/")[-2] for path in paths if path.endswith("/permissions")]


class Searcher:
    """A user who searches several times, with the messages of the last search."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.notes: list[str] = []
        self.shown: list[tuple[int, int]] = []

    def plan(self, client: Client, now: float = NOW, *models: str, refresh: bool = False) -> Plan:
        self.notes, self.shown = [], []
        responses = StoredResponses.load(self.settings, now, refresh=refresh)
        search = PermissionSearch(
            client,
            responses,
            lambda: now,
            self.notes.append,
            lambda done, all_: self.shown.append((done, all_)),
        )
        return Planner(client, models=models, permission_search=search).plan()


@pytest.fixture
def searcher(settings: Settings) -> Searcher:
    return Searcher(settings)


@pytest.fixture
def shared_job(api: Api, admin: Api) -> dict[str, object]:
    """Return a job whose model and an earlier checkpoint are shared with projects."""
    job = trained(api, suffix="support")
    share(admin, job["fine_tuned_model"])
    share(admin, api.checkpoints(job["id"])[1]["fine_tuned_model_checkpoint"])
    return job


def test_shared_checkpoints_follow_the_jobs(
    api: Api, client: Client, searcher: Searcher, shared_job: dict[str, str], service: Emulator
) -> None:
    trained(api, suffix="private")
    model, earlier, oldest = (
        found["fine_tuned_model_checkpoint"] for found in api.checkpoints(shared_job["id"])
    )
    step = api.checkpoints(shared_job["id"])[1]["step_number"]
    before = service.journal()[-1].number

    plan = searcher.plan(client)

    assert {name for name, _ in listed(plan)[:2]} == {"support", "private"}
    assert listed(plan)[2:] == [
        ("support_permission", model),
        (f"support_step_{step}_permission", earlier),
    ]
    assert len(admin_requests(service, before)) == 6
    assert oldest in admin_requests(service, before)
    assert searcher.notes[0].startswith("checking the permissions of 6 checkpoints, with a request each")
    assert searcher.shown[0] == (0, 6)


def test_only_named_models_are_checked(
    api: Api, client: Client, searcher: Searcher, shared_job: dict[str, str], service: Emulator
) -> None:
    trained(api)
    earlier = api.checkpoints(shared_job["id"])[1]["fine_tuned_model_checkpoint"]
    for name in (shared_job["fine_tuned_model"], earlier):
        before = service.journal()[-1].number

        plan = searcher.plan(client, NOW, name, refresh=True)

        assert admin_requests(service, before) == [name]
        assert [id_ for _, id_ in listed(plan)] == [shared_job["id"], name]

    with pytest.raises(InputError, match="no job of this project trained"):
        searcher.plan(client, NOW, f"{earlier}0")


@pytest.mark.usefixtures("shared_job")
def test_an_interrupted_search_continues(
    api: Api, client: Client, searcher: Searcher, service: Emulator
) -> None:
    trained(api)
    service.fault("GET", "/v1/fine_tuning/checkpoints/*", "status", status=401, skip=2)

    with pytest.raises(OpenAIFTError):
        searcher.plan(client)

    assert searcher.notes[-1] == "checked 2 of 6 checkpoints; run the command again to continue"
    before = service.journal()[-1].number
    plan = searcher.plan(client)
    assert len(admin_requests(service, before)) == 4
    assert len(listed(plan)) == 4
    assert "2 of 6 were checked in the last 24 hours" in searcher.notes[0]


@pytest.mark.usefixtures("shared_job")
def test_answers_are_stored_for_a_day(client: Client, searcher: Searcher, service: Emulator) -> None:
    for now, refresh, requests in (
        (NOW, False, 3),
        (NOW + 3600, False, 0),
        (NOW + 3600, True, 3),
        (NOW + 25 * 3600 + 1, False, 3),
    ):
        before = service.journal()[-1].number

        plan = searcher.plan(client, now, refresh=refresh)

        assert len(admin_requests(service, before)) == requests
        assert len(listed(plan)) == 3


def test_stored_answers_contain_no_keys(
    client: Client, searcher: Searcher, shared_job: dict[str, str], settings: Settings, tmp_path: Path
) -> None:
    searcher.plan(client)

    (file,) = (tmp_path / "cache").rglob("import-permissions/*.json")
    content = file.read_text()
    assert shared_job["fine_tuned_model"] in content
    assert str(settings.admin_key) not in content
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("damage", ["", "[]", '{"ft:a": 1}', '{"ft:a": [null, true]}', "{"])
def test_damaged_answers_are_ignored(settings: Settings, damage: str) -> None:
    responses = StoredResponses.load(settings, NOW)
    responses.store("ft:a", NOW, is_shared=True)
    assert StoredResponses.load(settings, NOW).shared == {"ft:a": (NOW, True)}
    responses.file.write_text(damage)

    assert StoredResponses.load(settings, NOW).shared == {}


def test_an_unknown_checkpoint_is_left_out(
    client: Client, searcher: Searcher, shared_job: dict[str, str], service: Emulator
) -> None:
    service.fault("GET", "/v1/fine_tuning/checkpoints/*", "status", status=404)

    plan = searcher.plan(client)

    assert omitted(plan) == {shared_job["fine_tuned_model"]: "the service has no permissions for this name"}
    assert len(listed(plan)) == 2


@pytest.mark.usefixtures("shared_job")
def test_the_search_respects_a_limit_on_admin_requests(
    api: Api,
    searcher: Searcher,
    service: Emulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for _ in range(3):
        trained(api)
    monkeypatch.setattr(service.settings, "admin_requests_per_minute", 8)
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        service.advance(seconds)

    limited = Client(searcher.settings, TimeSource(clock=service.backend.clock.now, sleep=sleep))
    plan = searcher.plan(limited)
    limited.close()

    assert len(listed(plan)) == 6
    assert searcher.notes[0].split(": ")[1].startswith("about 2 minutes if")
    assert 30 < sum(waited) < 120


@pytest.mark.parametrize(
    ("pending", "candidates", "text"),
    [
        (1, 1, "checking the permissions of 1 checkpoint, with a request each: about 1 minute if"),
        (30, 30, "30 checkpoints, with a request each: 3 to 5 minutes if"),
        (3000, 3000, "3000 checkpoints, with a request each: 300 to 500 minutes if"),
        (0, 0, "no admin requests are needed"),
        (0, 7, "no admin requests are needed; 7 of 7 were checked in the last 24 hours"),
    ],
)
def test_the_duration_is_estimated(pending: int, candidates: int, text: str) -> None:
    assert text in estimate(pending, candidates)
