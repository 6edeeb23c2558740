from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import pytest
from tests.emulator.support import JOB_SECONDS, error, rows

if TYPE_CHECKING:
    import httpx
    from tests.emulator.support import Api

    from pulumi_openai_ft.emulator import Emulator


def test_the_root_describes_the_emulator(control: httpx.Client, emulator: Emulator) -> None:
    for path in ("/", str(control.base_url).removesuffix("_emulator/")):
        help_text = control.get(path).json()

        assert help_text["base_url"] == emulator.url
        assert "POST /_emulator/reset" in help_text["control"]


def test_a_reset_empties_everything(api: Api, emulator: Emulator, control: httpx.Client) -> None:
    file_id = api.upload()["id"]
    api.train(training_file=file_id)
    emulator.advance(JOB_SECONDS)
    control.post("/faults", json={"action": "drop_before", "path": "/models"})

    assert control.post("/reset").json() == {"reset": True}
    objects = control.get("/objects").json()
    assert set(objects) == {"files", "uploads", "jobs", "permissions", "models"}
    assert not any(objects.values())
    assert emulator.journal() == []
    assert emulator.counts() == {}
    assert api.get("/models").status_code == 200
    assert api.get(f"/files/{file_id}").status_code == 404
    assert control.get("/clock").json()["skipped"] == 0


def test_the_clock_can_be_advanced(api: Api, control: httpx.Client) -> None:
    job = api.train()
    before = control.get("/clock").json()["now"]

    assert control.post("/advance", json={"seconds": JOB_SECONDS}).json()["now"] == before + JOB_SECONDS
    assert api.job(job["id"])["status"] == "succeeded"
    reply = api.get("/files")
    assert parsedate_to_datetime(reply.headers["date"]).timestamp() == int(before + JOB_SECONDS)


@pytest.mark.parametrize(
    ("path", "body", "param"),
    [
        ("/advance", {"seconds": -1}, "seconds"),
        ("/advance", {}, "seconds"),
        ("/advance", {"seconds": 1e308}, "seconds"),
        ("/settings", {"color": "red"}, "color"),
        ("/settings", {"closed": 1}, "closed"),
        ("/settings", {"refused_contents": ["everything"]}, "refused_contents[0]"),
        ("/settings", {"today": "tomorrow"}, "today"),
        ("/settings", {"today": "2026-13-01"}, "today"),
        ("/keys", {}, "key"),
        ("/faults", {"action": "explode"}, "action"),
        ("/faults", {"action": "status"}, "status"),
        ("/faults", {"action": "status", "status": 500, "seconds": 1}, "seconds"),
        ("/faults", {"action": "drop_before", "color": "red"}, "color"),
        ("/faults", {"action": "drop_before", "times": 0}, "times"),
        ("/faults", {"action": "drop_before", "path": "~("}, "path"),
        ("/faults", {"action": "hang"}, "seconds"),
        ("/faults", {"path": "/files"}, "action"),
        ("/faults", [], None),
    ],
)
def test_invalid_requests_are_refused(control: httpx.Client, path: str, body: Any, param: str | None) -> None:
    reply = control.post(path, json=body)

    assert reply.status_code == 400
    assert error(reply)["param"] == param


def test_settings_change_while_it_runs(api: Api, control: httpx.Client) -> None:
    changed = control.post("/settings", json={"closed": True, "projects": ["proj_a"], "today": "2026-10-23"})

    assert changed.json() == control.get("/settings").json()
    assert (changed.json()["closed"], changed.json()["today"]) == (True, "2026-10-23")
    request = {"model": "gpt-4.1-nano", "training_file": api.upload()["id"]}
    assert api.post("/fine_tuning/jobs", json=request).status_code == 403
    control.post("/settings", json={"closed": False})
    assert "shut down" in error(api.post("/fine_tuning/jobs", json=request))["message"]


def test_refused_contents_change_while_it_runs(api: Api, control: httpx.Client) -> None:
    file = api.upload()["id"]

    changed = control.post("/settings", json={"refused_contents": ["fine-tune"]})

    assert changed.json()["refused_contents"] == ["fine-tune"]
    assert api.get(f"/files/{file}/content").status_code == 400


def test_keys_are_set_and_shown_masked(api: Api, control: httpx.Client) -> None:
    spec = {"key": "sk-known-0123456789", "project": "proj_a", "scopes": ["api.files.read"]}
    masked = {"key": "sk-…6789", "admin": False, "project": "proj_a", "scopes": ["api.files.read"]}

    assert control.post("/keys", json=spec).json() == masked
    assert control.get("/keys").json() == {"keys": [masked]}
    assert api.get("/files").status_code == 401
    assert control.delete("/keys").json() == {"keys": []}
    assert api.get("/files").status_code == 200


def test_the_request_log_lists_each_request(api: Api, control: httpx.Client) -> None:
    file_id = api.upload()["id"]
    api.post("/fine_tuning/jobs", json={"model": "gpt-unknown", "training_file": file_id})
    reply = api.get("/fine_tuning/jobs", params={"limit": 1})
    entries = control.get("/journal").json()["entries"]

    assert [(entry["method"], entry["path"], entry["status"]) for entry in entries] == [
        ("POST", "/v1/files", 200),
        ("POST", "/v1/fine_tuning/jobs", 404),
        ("GET", "/v1/fine_tuning/jobs", 200),
    ]
    assert entries[1]["body"] == {"model": "gpt-unknown", "training_file": file_id}
    assert entries[2]["query"] == "limit=1"
    assert entries[2]["request_id"] == reply.headers["x-request-id"]
    assert entries[2]["project"] == "proj_default"
    assert control.get("/journal", params={"status": "404"}).json()["entries"] == [entries[1]]
    assert control.get("/journal", params={"method": "GET"}).json()["entries"] == [entries[2]]
    assert control.get("/journal", params={"path": "*/fine_tuning/*", "after": entries[1]["number"]}).json()[
        "entries"
    ] == [entries[2]]
    assert control.get("/journal", params={"after": "x"}).status_code == 400
    control.delete("/journal")
    assert control.get("/journal").json()["entries"] == []


def test_requests_are_counted_by_route(api: Api, control: httpx.Client) -> None:
    for file_id in ("file-a", "file-b"):
        api.get(f"/files/{file_id}")
    api.get("/nowhere")

    counts = {"GET (unknown)": 1, "GET /v1/files/{file_id}": 2}
    assert control.get("/counts").json() == {"counts": counts}


def test_objects_are_listed_by_kind(api: Api, control: httpx.Client) -> None:
    file = api.upload()

    assert control.get("/objects/files").json() == {"files": [{**file, "project": "proj_default"}]}
    assert control.get("/objects/letters").status_code == 404


def test_uploads_are_objects(api: Api, emulator: Emulator) -> None:
    request = {"filename": "a.jsonl", "purpose": "fine-tune", "bytes": len(rows()), "mime_type": "text/jsonl"}
    upload = api.post("/uploads", json=request).json()

    assert emulator.uploads() == [{**upload, "project": "proj_default"}]
