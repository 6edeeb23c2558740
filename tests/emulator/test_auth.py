from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pytest
from tests.emulator.support import ADMIN_KEY, KEY, error

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.support import Api

    from pulumi_openai_ft.emulator import Emulator

PERMISSIONS = "/fine_tuning/checkpoints/ft:x/permissions"


@pytest.mark.parametrize("header", ["", "Bearer", "Basic abc", KEY])
def test_without_a_bearer_key_nothing_is_served(api: Api, header: str) -> None:
    for path in ("/files", "/models", "/fine_tuning/jobs", PERMISSIONS):
        reply = api.get(path, headers={"authorization": header})

        assert reply.status_code == 401
        assert error(reply)["type"] == "invalid_request_error"


def test_any_key_works_until_keys_are_added(
    api: Api, emulator: Emulator, open_client: Callable[..., Api]
) -> None:
    assert api.get("/files").status_code == 200
    emulator.add_key("sk-known-0123456789")

    refused = api.get("/files")
    assert refused.status_code == 401
    assert error(refused)["code"] == "invalid_api_key"
    assert KEY not in refused.text
    assert KEY[-4:] in refused.text
    assert open_client(emulator, "sk-known-0123456789").get("/files").status_code == 200
    assert open_client(emulator, ADMIN_KEY).get(PERMISSIONS).status_code == 404


def test_an_admin_key_works_only_for_permissions(admin: Api) -> None:
    assert admin.get(PERMISSIONS).status_code == 404
    for path in ("/files", "/models", "/fine_tuning/jobs"):
        reply = admin.get(path)

        assert reply.status_code == 401
        assert "Missing scopes" in error(reply)["message"]


def test_a_key_can_be_given_few_scopes(emulator: Emulator, open_client: Callable[..., Api]) -> None:
    emulator.add_key("sk-reader-0123456789", scopes=["api.files.read"])
    reader = open_client(emulator, "sk-reader-0123456789")

    assert reader.get("/files").status_code == 200
    assert "Missing scopes: api.files.write" in error(reader.delete("/files/file-x"))["message"]
    assert "Missing scopes: api.fine_tuning.jobs.read" in error(reader.get("/fine_tuning/jobs"))["message"]


def test_a_projects_key_works_only_for_that_project(
    emulator: Emulator, open_client: Callable[..., Api]
) -> None:
    emulator.add_key("sk-a-0123456789", project="proj_a")
    key = "sk-a-0123456789"
    open_client(emulator, key).upload()

    assert [file["project"] for file in emulator.files()] == ["proj_a"]
    assert open_client(emulator, key, **{"openai-project": "proj_a"}).get("/files").status_code == 200
    refused = open_client(emulator, key, **{"openai-project": "proj_b"}).get("/files")
    assert (refused.status_code, error(refused)["code"]) == (401, "mismatched_project")


def test_a_missing_project_is_refused(emulator: Emulator, open_client: Callable[..., Api]) -> None:
    emulator.settings.projects = ("proj_a",)

    assert open_client(emulator, **{"openai-project": "proj_a"}).get("/files").status_code == 200
    assert open_client(emulator, **{"openai-project": "proj_b"}).get("/files").status_code == 401


def test_stored_objects_and_request_log_contain_no_keys(
    api: Api, admin: Api, emulator: Emulator, control: Api
) -> None:
    emulator.add_key("sk-secret-0123456789", project="proj_a")
    api.get("/files")
    admin.get(PERMISSIONS)
    responses = "".join(control.get(path).text for path in ("/journal", "/objects", "/keys", "/settings"))

    for key in (KEY, ADMIN_KEY, "sk-secret-0123456789"):
        assert key not in responses
        assert key not in repr(asdict(emulator.backend.keyring))
    assert [entry.key for entry in emulator.journal()] == ["sk-…0001", "sk-admin-…0001"]
