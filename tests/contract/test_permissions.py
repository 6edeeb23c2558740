from __future__ import annotations

from typing import Any

import openai
import pytest
from tests.support import TODAY

from pulumi_openai_ft.emulator import Emulator

PROJECTS = [f"proj_{name}" for name in ("a", "b", "c", "d", "e")]


@pytest.fixture
def model(trained: Any) -> str:
    name = trained(suffix="shared").fine_tuned_model
    assert isinstance(name, str)
    return name


@pytest.fixture
def permissions(admin: openai.OpenAI) -> Any:
    return admin.fine_tuning.checkpoints.permissions


def test_each_project_gets_a_permission(permissions: Any, model: str) -> None:
    created = list(permissions.create(model, project_ids=PROJECTS))

    assert sorted(permission.project_id for permission in created) == PROJECTS
    assert all(permission.id.startswith("cp_") for permission in created)
    assert len({permission.id for permission in created}) == len(PROJECTS)


@pytest.mark.parametrize("limit", [1, 2, 5, 6])
@pytest.mark.parametrize("order", ["ascending", "descending"])
def test_pages_of_permissions_join(permissions: Any, model: str, limit: int, order: str) -> None:
    for project in PROJECTS:
        permissions.create(model, project_ids=[project])

    pages = list(permissions.list(model, limit=limit, order=order).iter_pages())

    expected = PROJECTS if order == "ascending" else PROJECTS[::-1]
    assert [permission.project_id for page in pages for permission in page.data] == expected
    assert [page.last_id for page in pages] == [page.data[-1].id for page in pages]


def test_newest_permissions_come_first(permissions: Any, model: str) -> None:
    for project in PROJECTS:
        permissions.create(model, project_ids=[project])

    assert [permission.project_id for permission in permissions.list(model)] == PROJECTS[::-1]


def test_permissions_can_be_listed_by_project(permissions: Any, model: str) -> None:
    permissions.create(model, project_ids=PROJECTS)

    assert [permission.project_id for permission in permissions.list(model, project_id="proj_c")] == [
        "proj_c"
    ]
    assert list(permissions.list(model, project_id="proj_other")) == []


def test_deprecated_retrieve_returns_a_single_page(permissions: Any, model: str) -> None:
    permissions.create(model, project_ids=PROJECTS)

    with pytest.deprecated_call():
        page = permissions.retrieve(model, limit=2)

    assert (page.has_more, page.first_id, page.last_id) == (True, page.data[0].id, page.data[1].id)


def test_a_deleted_permission_is_not_found(permissions: Any, model: str) -> None:
    remaining, dropped = permissions.create(model, project_ids=PROJECTS[:2])

    deleted = permissions.delete(dropped.id, fine_tuned_model_checkpoint=model)

    assert (deleted.id, deleted.deleted) == (dropped.id, True)
    assert [permission.id for permission in permissions.list(model)] == [remaining.id]
    with pytest.raises(openai.NotFoundError):
        permissions.delete(dropped.id, fine_tuned_model_checkpoint=model)


def test_earlier_checkpoint_has_separate_permissions(
    client: openai.OpenAI, permissions: Any, trained: Any
) -> None:
    job = trained()
    final, *earlier = client.fine_tuning.jobs.checkpoints.list(job.id)
    name = earlier[0].fine_tuned_model_checkpoint

    permissions.create(name, project_ids=["proj_a"])

    assert [permission.project_id for permission in permissions.list(name)] == ["proj_a"]
    assert list(permissions.list(final.fine_tuned_model_checkpoint)) == []


def test_name_may_be_quoted_in_the_path(permissions: Any, model: str, admin: openai.OpenAI) -> None:
    """The client does not escape colons; other clients send %3A."""
    permissions.create(model, project_ids=["proj_a"])

    answer = admin.get(
        f"/fine_tuning/checkpoints/{model.replace(':', '%3A')}/permissions", cast_to=dict[str, Any]
    )

    assert [permission["project_id"] for permission in answer["data"]] == ["proj_a"]


def test_unknown_checkpoint_is_not_found(permissions: Any) -> None:
    with pytest.raises(openai.NotFoundError):
        permissions.create("ft:gpt-4o-mini-2024-07-18:missing::AAAAAAAA", project_ids=["proj_a"])


def test_creating_a_permission_needs_an_admin_key(client: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.AuthenticationError, match=r"api\.fine_tuning\.checkpoints\.write"):
        client.fine_tuning.checkpoints.permissions.create(model, project_ids=["proj_a"])


def test_listing_permissions_needs_an_admin_key(client: openai.OpenAI, model: str) -> None:
    with pytest.raises(openai.AuthenticationError, match=r"api\.fine_tuning\.checkpoints\.read"):
        client.fine_tuning.checkpoints.permissions.list(model)


def test_owning_project_needs_no_permission(permissions: Any, model: str, service: Any) -> None:
    with pytest.raises(openai.BadRequestError, match="owning project") as refusal:
        permissions.create(model, project_ids=["proj_a", service.project])

    assert refusal.value.type == "invalid_request_error"
    assert list(permissions.list(model)) == []


def test_a_second_create_returns_the_same_permission(permissions: Any, model: str) -> None:
    first = list(permissions.create(model, project_ids=["proj_a"]))

    assert list(permissions.create(model, project_ids=["proj_a"])) == first
    assert [permission.id for permission in permissions.list(model)] == [first[0].id]


def test_a_checkpoint_id_instead_of_its_name_fails(
    client: openai.OpenAI, permissions: Any, trained: Any
) -> None:
    """The real API behaves in the same way."""
    (checkpoint, *_) = client.fine_tuning.jobs.checkpoints.list(trained().id)

    with pytest.raises(openai.InternalServerError):
        permissions.create(checkpoint.id, project_ids=["proj_a"])


def test_admin_key_is_for_permissions_only(admin: openai.OpenAI) -> None:
    with pytest.raises((openai.AuthenticationError, openai.PermissionDeniedError), match=r"api\.files\.read"):
        admin.files.list()


def test_admin_key_may_lack_a_scope(connect: Any, train: Any) -> None:
    with Emulator(today=TODAY) as running:
        running.add_key("sk-admin-reader", scopes=["api.fine_tuning.checkpoints.read"])
        client = connect(running)
        model = client.fine_tuning.jobs.retrieve(train(client).id).fine_tuned_model
        permissions = connect(running, "sk-admin-reader").fine_tuning.checkpoints.permissions

        assert list(permissions.list(model)) == []
        with pytest.raises(openai.AuthenticationError, match=r"api\.fine_tuning\.checkpoints\.write"):
            permissions.create(model, project_ids=["proj_a"])
