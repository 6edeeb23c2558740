from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.emulator.support import JOB_SECONDS, MODEL, error

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.support import Api

    from pulumi_openai_ft.emulator import Emulator


def listed(api: Api) -> dict[str, dict[str, Any]]:
    return {model["id"]: model for model in api.get("/models").json()["data"]}


def test_base_models_are_listed_under_ids_and_aliases(api: Api) -> None:
    models = listed(api)

    assert models["gpt-4o-mini"]["shutdown_date"] == models[MODEL]["shutdown_date"] == "2027-01-14"
    assert models["o4-mini"]["shutdown_date"] == "2026-10-23"
    assert models[MODEL] == api.get(f"/models/{MODEL}").json()
    assert models[MODEL]["object"] == "model"
    assert models[MODEL]["created"] == 1721260800  # 2024-07-18


def test_a_trained_model_has_its_base_models_shutdown_date(api: Api, emulator: Emulator) -> None:
    api.train()
    assert not [name for name in listed(api) if name.startswith("ft:")]
    emulator.advance(JOB_SECONDS)
    (name,) = [name for name in listed(api) if name.startswith("ft:")]
    model = api.get(f"/models/{name}").json()

    assert model == listed(api)[name]
    assert model["owned_by"] == "org-emulator"
    assert model["shutdown_date"] == "2027-01-14"
    assert [book["job"] for book in emulator.models()] == [emulator.jobs()[0]["id"]]


def test_deleting_a_trained_model_keeps_its_job(api: Api, emulator: Emulator) -> None:
    job_id = api.train()["id"]
    emulator.advance(JOB_SECONDS)
    name = api.job(job_id)["fine_tuned_model"]

    assert api.delete(f"/models/{name}").json() == {"object": "model", "id": name, "deleted": True}
    for reply in (api.get(f"/models/{name}"), api.delete(f"/models/{name}")):
        assert (reply.status_code, error(reply)["code"]) == (404, "model_not_found")
    assert name not in listed(api)
    assert api.job(job_id)["fine_tuned_model"] == name
    reply = api.post("/fine_tuning/jobs", json={"model": name, "training_file": api.upload()["id"]})
    assert (reply.status_code, error(reply)["code"]) == (404, "model_not_found")


def test_base_models_cannot_be_deleted(api: Api) -> None:
    assert api.delete(f"/models/{MODEL}").status_code == 403
    assert api.get(f"/models/{MODEL}").status_code == 200


def test_projects_do_not_see_each_others_models(
    api: Api, emulator: Emulator, open_client: Callable[..., Api]
) -> None:
    api.train()
    emulator.advance(JOB_SECONDS)
    other = open_client(emulator, **{"openai-project": "proj_other"})

    assert [name for name in listed(api) if name.startswith("ft:")]
    assert not [name for name in listed(other) if name.startswith("ft:")]
