from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.emulator.support import error, rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.support import Api

    from pulumi_openai_ft.emulator import Emulator

HOUR = 3600


def test_an_uploaded_file_comes_back_byte_for_byte(api: Api) -> None:
    content = rows() + b"\x00\xff\r\n--boundary\r\n"
    file = api.upload(content, filename="a b\u00e9.jsonl")

    assert file["object"] == "file"
    assert file["id"].startswith("file-")
    assert (file["filename"], file["bytes"], file["purpose"]) == (
        "a b\u00e9.jsonl",
        len(content),
        "fine-tune",
    )
    assert file["status"] == "processed"
    assert file["expires_at"] is None
    assert api.get(f"/files/{file['id']}").json() == file
    assert api.get(f"/files/{file['id']}/content").content == content


def test_a_deleted_file_is_not_found(api: Api, emulator: Emulator) -> None:
    file_id = api.upload()["id"]

    assert api.delete(f"/files/{file_id}").json() == {"object": "file", "id": file_id, "deleted": True}
    for reply in (
        api.get(f"/files/{file_id}"),
        api.get(f"/files/{file_id}/content"),
        api.delete(f"/files/{file_id}"),
    ):
        assert reply.status_code == 404
        assert error(reply) == {
            "message": f"No such File object: {file_id}",
            "type": "invalid_request_error",
            "param": "id",
            "code": None,
        }
    assert api.get("/files").json()["data"] == []
    assert emulator.files() == []


def test_files_are_listed_newest_first_in_pages(api: Api) -> None:
    ids = [api.upload()["id"] for _ in range(5)]

    page = api.get("/files", params={"limit": 2}).json()
    assert [file["id"] for file in page["data"]] == [ids[4], ids[3]]
    assert (page["first_id"], page["last_id"], page["has_more"]) == (ids[4], ids[3], True)
    page = api.get("/files", params={"limit": 3, "after": ids[3]}).json()
    assert [file["id"] for file in page["data"]] == [ids[2], ids[1], ids[0]]
    assert page["has_more"] is False
    ascending = api.get("/files", params={"order": "asc", "after": ids[2]}).json()
    assert [file["id"] for file in ascending["data"]] == ids[3:]


def test_a_page_may_start_after_a_deleted_file(api: Api) -> None:
    ids = [api.upload()["id"] for _ in range(3)]
    api.delete(f"/files/{ids[1]}")

    assert [file["id"] for file in api.get("/files", params={"after": ids[1]}).json()["data"]] == [ids[0]]


def test_files_are_listed_by_purpose(api: Api) -> None:
    api.upload()
    batch = api.upload(filename="b.jsonl", purpose="batch")

    assert api.get("/files", params={"purpose": "batch"}).json()["data"] == [batch]


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "10001"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"limit": "9" * 5000}, "limit"),
        ({"order": "newest"}, "order"),
        ({"after": "file-unknown"}, "after"),
    ],
)
def test_a_wrong_query_is_refused(api: Api, query: dict[str, str], param: str) -> None:
    reply = api.get("/files", params=query)

    assert reply.status_code == 400
    assert error(reply)["param"] == param


@pytest.mark.parametrize(
    ("form", "param"),
    [
        ({}, "purpose"),
        ({"purpose": "training"}, "purpose"),
        ({"purpose": "fine-tune-results"}, "purpose"),
        ({"purpose": "fine-tune", "color": "red"}, "color"),
        ({"purpose": "fine-tune", "expires_after[anchor]": "created_at"}, "expires_after.seconds"),
        (
            {"purpose": "fine-tune", "expires_after[anchor]": "created_at", "expires_after[seconds]": "3599"},
            "expires_after.seconds",
        ),
        (
            {"purpose": "fine-tune", "expires_after[anchor]": "created_at", "expires_after[seconds]": "soon"},
            "expires_after.seconds",
        ),
        (
            {"purpose": "fine-tune", "expires_after[anchor]": "now", "expires_after[seconds]": "3600"},
            "expires_after.anchor",
        ),
    ],
)
def test_a_wrong_form_is_refused_and_stores_nothing(
    api: Api, emulator: Emulator, form: dict[str, str], param: str
) -> None:
    reply = api.post("/files", files={"file": ("a.jsonl", rows())}, data=form)

    assert reply.status_code == 400
    assert error(reply)["param"] == param
    assert emulator.files() == []


def test_an_upload_needs_a_file_called_file(api: Api) -> None:
    wrong = api.post("/files", files={"data": ("a.jsonl", rows())}, data={"purpose": "fine-tune"})
    assert (wrong.status_code, error(wrong)["param"]) == (400, "data")

    missing = api.post("/files", files={"purpose": (None, b"fine-tune")})
    assert (missing.status_code, error(missing)["param"]) == (400, "file")


@pytest.mark.parametrize(
    "body", [b"", b"not multipart", b"--x\r\n", b"--x\r\nContent-Disposition: form-data\r\n\r\n"]
)
def test_a_body_that_is_not_a_form_is_refused(api: Api, body: bytes) -> None:
    for media_type in ("multipart/form-data; boundary=x", "multipart/form-data", "application/json"):
        reply = api.post("/files", content=body, headers={"content-type": media_type})

        assert reply.status_code == 400
        assert error(reply)["type"] == "invalid_request_error"


@pytest.mark.parametrize(("end", "status"), [(b"", 400), (b"--x", 400), (b"--x--", 200), (b"--x--\r\n", 200)])
def test_a_form_needs_its_end(api: Api, end: bytes, status: int) -> None:
    part = b"--x\r\nContent-Disposition: form-data; name="
    body = part + b'"purpose"\r\n\r\nfine-tune\r\n' + part + b'"file"; filename="a.jsonl"\r\n\r\n{}\r\n' + end
    reply = api.post("/files", content=body, headers={"content-type": "multipart/form-data; boundary=x"})

    assert reply.status_code == status


def test_an_empty_file_is_refused(api: Api) -> None:
    reply = api.post("/files", files={"file": ("a.jsonl", b"")}, data={"purpose": "fine-tune"})

    assert reply.status_code == 400
    assert error(reply)["message"] == "File is empty."


@pytest.mark.parametrize("filename", ["a.csv", "a", "a.JSONL", "a.txt"])
@pytest.mark.parametrize("purpose", ["fine-tune", "user_data"])
def test_a_file_may_have_any_name(api: Api, filename: str, purpose: str) -> None:
    assert api.upload(b"x", filename=filename, purpose=purpose)["filename"] == filename


@pytest.mark.parametrize("seconds", ["3600", "3600.0"])
def test_expiry_may_be_one_json_part(api: Api, seconds: str) -> None:
    form = {"purpose": "fine-tune", "expires_after": f'{{"anchor": "created_at", "seconds": {seconds}}}'}

    file = api.post("/files", files={"file": ("a.jsonl", b"{}")}, data=form).json()

    assert file["expires_at"] - file["created_at"] == 3600


@pytest.mark.parametrize(
    "text", ["", "no JSON", "[]", "3600", '{"anchor": "created_at"}', '{"seconds": 1.5}']
)
def test_a_wrong_json_expiry_is_refused(api: Api, text: str) -> None:
    form = {"purpose": "fine-tune", "expires_after": text}

    reply = api.post("/files", files={"file": ("a.jsonl", b"{}")}, data=form)

    assert reply.status_code == 400


def test_a_file_that_is_too_long_is_refused(api: Api, emulator: Emulator) -> None:
    emulator.settings.max_file_bytes = 1000

    assert api.upload(b"x" * 1000)["bytes"] == 1000
    reply = api.post("/files", files={"file": ("a.jsonl", b"x" * 1001)}, data={"purpose": "fine-tune"})
    assert reply.status_code == 413
    assert error(reply)["param"] == "file"
    assert len(emulator.files()) == 1


def test_a_file_expires_at_its_expiry_time(api: Api, emulator: Emulator) -> None:
    lifetime = {"expires_after[anchor]": "created_at", "expires_after[seconds]": str(HOUR)}
    form = {"purpose": "fine-tune", **lifetime}
    file = api.post("/files", files={"file": ("a.jsonl", rows())}, data=form).json()
    assert file["expires_at"] == file["created_at"] + HOUR

    emulator.advance(HOUR - 1)
    assert api.get(f"/files/{file['id']}").status_code == 200
    emulator.advance(1)
    assert api.get(f"/files/{file['id']}").status_code == 404
    assert api.get("/files").json()["data"] == []


def test_files_for_batches_expire_after_thirty_days(api: Api) -> None:
    file = api.upload(filename="b.jsonl", purpose="batch")

    assert file["expires_at"] - file["created_at"] == 30 * 24 * HOUR


def test_a_file_is_uploaded_before_it_is_processed(api: Api, emulator: Emulator) -> None:
    emulator.settings.file_processing_seconds = 10
    file = api.upload()
    assert file["status"] == "uploaded"

    early = api.post("/fine_tuning/jobs", json={"model": "gpt-4o-mini", "training_file": file["id"]})
    assert (early.status_code, error(early)["param"]) == (400, "training_file")
    emulator.advance(10)
    assert api.get(f"/files/{file['id']}").json()["status"] == "processed"
    assert api.train(training_file=file["id"])["status"] == "validating_files"


def test_projects_do_not_see_each_others_files(
    api: Api, emulator: Emulator, open_client: Callable[..., Api]
) -> None:
    file_id = api.upload()["id"]
    other = open_client(emulator, **{"openai-project": "proj_other"})

    assert other.get(f"/files/{file_id}").status_code == 404
    assert other.delete(f"/files/{file_id}").status_code == 404
    assert other.get("/files").json()["data"] == []
    assert [file["project"] for file in emulator.files()] == ["proj_default"]


@pytest.mark.parametrize("purpose", ["assistants", "user_data"])
def test_contents_of_two_purposes_are_refused(api: Api, purpose: str) -> None:
    file = api.upload(b"x", purpose=purpose)

    reply = api.get(f"/files/{file['id']}/content")

    assert (reply.status_code, reply.json()["error"]) == (
        400,
        {
            "message": f"Not allowed to download files of purpose: {purpose}",
            "type": "invalid_request_error",
            "param": None,
            "code": None,
        },
    )


@pytest.mark.parametrize("purpose", ["fine-tune", "batch", "vision", "evals"])
def test_contents_of_other_purposes_are_returned(api: Api, purpose: str) -> None:
    file = api.upload(b"x", purpose=purpose)

    assert api.get(f"/files/{file['id']}/content").content == b"x"


def test_a_free_account_cannot_download_training_files(api: Api, emulator: Emulator) -> None:
    file = api.upload(b"x", purpose="fine-tune")
    emulator.settings.refused_contents = ("fine-tune",)

    reply = api.get(f"/files/{file['id']}/content")

    assert reply.status_code == 400
    assert error(reply)["message"] == (
        "To help mitigate abuse, downloading of fine-tune training files is disabled for free accounts."
    )
    assert api.get("/files/file-missing/content").status_code == 404
