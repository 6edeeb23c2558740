from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from tests.emulator.support import JOB_SECONDS, error

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.support import Api

    from pulumi_openai_ft.emulator import Emulator


@pytest.fixture
def checkpoints(api: Api, emulator: Emulator) -> list[str]:
    """Return the names of a finished job's checkpoints, the final model first."""
    job_id = api.train()["id"]
    emulator.advance(JOB_SECONDS)
    return [checkpoint["fine_tuned_model_checkpoint"] for checkpoint in api.checkpoints(job_id)]


@pytest.fixture
def model(checkpoints: list[str]) -> str:
    return checkpoints[0]


def path(checkpoint: str) -> str:
    return f"/fine_tuning/checkpoints/{checkpoint}/permissions"


def create_permissions(admin: Api, checkpoint: str, *project_ids: str) -> dict[str, Any]:
    return admin.post(path(checkpoint), json={"project_ids": project_ids}).raise_for_status().json()


def list_permissions(admin: Api, checkpoint: str, **query: Any) -> dict[str, Any]:
    return admin.get(path(checkpoint), params=query).raise_for_status().json()


def projects(page: dict[str, Any]) -> list[str]:
    return [permission["project_id"] for permission in page["data"]]


def test_each_project_gets_its_own_permission(admin: Api, model: str, emulator: Emulator) -> None:
    page = create_permissions(admin, model, "proj_a", "proj_b", "proj_a")

    assert projects(page) == ["proj_a", "proj_b"]
    assert {permission["object"] for permission in page["data"]} == {"checkpoint.permission"}
    ids = [permission["id"] for permission in page["data"]]
    assert all(permission_id.startswith("cp_") for permission_id in ids)
    assert (page["object"], page["has_more"], page["first_id"], page["last_id"]) == ("list", False, *ids)
    assert {permission["checkpoint"] for permission in emulator.permissions()} == {model}


def test_a_second_create_returns_the_existing_permission(admin: Api, model: str) -> None:
    first = create_permissions(admin, model, "proj_a")

    assert create_permissions(admin, model, "proj_a", "proj_b")["data"][0] == first["data"][0]
    assert projects(list_permissions(admin, model)) == ["proj_b", "proj_a"]


def test_every_checkpoint_has_its_own_permissions(admin: Api, checkpoints: list[str]) -> None:
    create_permissions(admin, checkpoints[1], "proj_a")

    assert projects(list_permissions(admin, checkpoints[0])) == []
    assert projects(list_permissions(admin, checkpoints[1])) == ["proj_a"]


def test_colons_in_the_path_may_be_escaped(admin: Api, model: str) -> None:
    create_permissions(admin, quote(model, safe=""), "proj_a")

    assert projects(list_permissions(admin, model)) == ["proj_a"]
    assert admin.get(path(quote(model, safe=""))).json() == list_permissions(admin, model)


def test_permissions_are_listed_in_pages_and_orders(admin: Api, model: str) -> None:
    names = [f"proj_{n}" for n in range(12)]
    create_permissions(admin, model, *names)

    page = list_permissions(admin, model)
    assert (projects(page), page["has_more"]) == (names[:1:-1], True)
    rest = list_permissions(admin, model, after=page["last_id"])
    assert (projects(rest), rest["has_more"]) == (names[1::-1], False)
    assert projects(list_permissions(admin, model, order="ascending", limit=2)) == names[:2]
    assert projects(list_permissions(admin, model, project_id="proj_3")) == ["proj_3"]
    assert admin.get(path(model), params={"order": "desc"}).status_code == 400


def test_a_revoked_permission_is_not_found(admin: Api, model: str) -> None:
    permission_id = create_permissions(admin, model, "proj_a")["data"][0]["id"]
    permission_path = f"{path(model)}/{permission_id}"

    assert admin.delete(permission_path).json() == {
        "object": "checkpoint.permission",
        "id": permission_id,
        "deleted": True,
    }
    assert admin.delete(permission_path).status_code == 404
    assert list_permissions(admin, model)["data"] == []
    assert create_permissions(admin, model, "proj_a")["data"][0]["id"] != permission_id


def test_a_permission_is_revoked_on_its_checkpoint_only(admin: Api, checkpoints: list[str]) -> None:
    permission_id = create_permissions(admin, checkpoints[0], "proj_a")["data"][0]["id"]

    assert admin.delete(f"{path(checkpoints[1])}/{permission_id}").status_code == 404
    assert projects(list_permissions(admin, checkpoints[0])) == ["proj_a"]


def test_the_owning_project_needs_no_permission(admin: Api, model: str) -> None:
    reply = admin.post(path(model), json={"project_ids": ["proj_a", "proj_default"]})

    assert reply.status_code == 400
    assert "owning project" in error(reply)["message"]
    assert list_permissions(admin, model)["data"] == []


def test_only_projects_of_the_organization_get_permissions(
    admin: Api, model: str, emulator: Emulator
) -> None:
    assert admin.post(path(model), json={"project_ids": ["team-a"]}).status_code == 400
    emulator.settings.projects = ("proj_a",)

    reply = admin.post(path(model), json={"project_ids": ["proj_b"]})
    assert (reply.status_code, error(reply)["param"]) == (400, "project_ids")
    assert projects(create_permissions(admin, model, "proj_a")) == ["proj_a"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "project_ids"),
        ({"project_ids": []}, "project_ids"),
        ({"project_ids": "proj_a"}, "project_ids"),
        ({"project_ids": [1]}, "project_ids[0]"),
        ({"project_ids": ["proj_a"], "allow_view": True}, "allow_view"),
    ],
)
def test_an_invalid_permission_is_refused(admin: Api, model: str, body: dict[str, Any], param: str) -> None:
    reply = admin.post(path(model), json=body)

    assert (reply.status_code, error(reply)["param"]) == (400, param)


def test_an_unknown_checkpoint_is_not_found(admin: Api) -> None:
    name = "ft:gpt-4o-mini-2024-07-18:emulator::nowhere1"

    assert admin.get(path(name)).status_code == 404
    assert admin.post(path(name), json={"project_ids": ["proj_a"]}).status_code == 404
    assert admin.delete(f"{path(name)}/cp_x").status_code == 404


def test_a_checkpoint_id_instead_of_its_name_fails(admin: Api) -> None:
    """Source: docs/openai-api.md#checkpoint-permissions."""
    reply = admin.get(path("ftckpt_abc"))

    assert reply.status_code == 500
    assert error(reply)["type"] == "server_error"


def test_a_project_key_is_missing_the_scope(api: Api, model: str, emulator: Emulator) -> None:
    reply = api.post(path(model), json={"project_ids": ["proj_a"]})

    assert reply.status_code == 401
    assert "Missing scopes: api.fine_tuning.checkpoints.write" in error(reply)["message"]
    assert "Missing scopes: api.fine_tuning.checkpoints.read" in error(api.get(path(model)))["message"]
    emulator.settings.missing_scope_status = 403
    refused = api.get(path(model))
    assert (refused.status_code, error(refused)["code"]) == (403, "missing_scope")


def test_a_permission_shows_the_model_to_its_project(
    admin: Api, model: str, emulator: Emulator, open_client: Callable[..., Api]
) -> None:
    other = open_client(emulator, **{"openai-project": "proj_a"})
    assert other.get(f"/models/{model}").status_code == 404
    permission_id = create_permissions(admin, model, "proj_a")["data"][0]["id"]

    assert other.get(f"/models/{model}").json()["id"] == model
    assert other.delete(f"/models/{model}").status_code == 403
    admin.delete(f"{path(model)}/{permission_id}")
    assert other.get(f"/models/{model}").status_code == 404


def test_a_deleted_model_accepts_no_permissions(admin: Api, api: Api, checkpoints: list[str]) -> None:
    api.delete(f"/models/{checkpoints[0]}")

    assert admin.post(path(checkpoints[0]), json={"project_ids": ["proj_a"]}).status_code == 404
    assert projects(create_permissions(admin, checkpoints[1], "proj_a")) == ["proj_a"]


def test_admin_requests_can_be_limited_per_minute(
    admin: Api, model: str, checkpoints: list[str], emulator: Emulator, api: Api
) -> None:
    emulator.settings.admin_requests_per_minute = 3
    for name in checkpoints[:2]:
        list_permissions(admin, name)
    emulator.advance(20)
    list_permissions(admin, model)

    refused = admin.get(path(model))

    assert refused.status_code == 429
    assert error(refused)["code"] == "rate_limit_exceeded"
    assert refused.headers["retry-after"] == "40"
    assert api.get("/models").status_code == 200
    emulator.advance(40)
    list_permissions(admin, model)
    list_permissions(admin, model)
    assert admin.get(path(model)).status_code == 429
