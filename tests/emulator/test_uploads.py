from __future__ import annotations

from hashlib import md5
from typing import TYPE_CHECKING, Any

import pytest
from tests.emulator.support import error

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.emulator.support import Api

    from pulumi_openai_ft.emulator import Emulator

PARTS = (b"first ", b"second ", b"third")
CONTENT = b"".join(PARTS)


def begin(api: Api, **changes: Any) -> dict[str, Any]:
    request = {
        "filename": "big.jsonl",
        "purpose": "fine-tune",
        "bytes": len(CONTENT),
        "mime_type": "text/jsonl",
        **changes,
    }
    reply = api.post("/uploads", json=request)
    assert reply.status_code == 200, reply.text
    return reply.json()


def add(api: Api, upload: dict[str, Any], *parts: bytes) -> list[str]:
    replies = [api.post(f"/uploads/{upload['id']}/parts", files={"data": ("p", part)}) for part in parts]
    return [reply.raise_for_status().json()["id"] for reply in replies]


def test_parts_are_joined_in_the_order_of_completion(api: Api) -> None:
    upload = begin(api)
    assert (upload["object"], upload["status"], upload["file"]) == ("upload", "pending", None)
    assert upload["expires_at"] == upload["created_at"] + 3600
    ids = add(api, upload, *reversed(PARTS))

    checksum = md5(CONTENT, usedforsecurity=False).hexdigest()
    done = api.post(f"/uploads/{upload['id']}/complete", json={"part_ids": ids[::-1], "md5": checksum})

    assert done.status_code == 200
    file = done.json()["file"]
    assert done.json()["status"] == "completed"
    assert (file["filename"], file["purpose"], file["bytes"]) == ("big.jsonl", "fine-tune", len(CONTENT))
    assert api.get(f"/files/{file['id']}/content").content == CONTENT
    assert api.get(f"/files/{file['id']}").json() == file


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"bytes": 0}, "bytes"),
        ({"bytes": 8 * 2**30 + 1}, "bytes"),
        ({"bytes": "17"}, "bytes"),
        ({"purpose": "user_data"}, "purpose"),
        ({"color": "red"}, "color"),
        ({"mime_type": None}, "mime_type"),
        ({"filename": ""}, "filename"),
        ({"expires_after": {"anchor": "created_at", "seconds": 1}}, "expires_after.seconds"),
    ],
)
def test_a_wrong_upload_is_refused(api: Api, change: dict[str, Any], param: str) -> None:
    request = {"filename": "a.jsonl", "purpose": "fine-tune", "bytes": 1, "mime_type": "text/jsonl", **change}
    reply = api.post("/uploads", json=request)

    assert reply.status_code == 400
    assert error(reply)["param"] == param


def complete(api: Api, upload: dict[str, Any], ids: list[str], **more: Any) -> tuple[int, str | None]:
    reply = api.post(f"/uploads/{upload['id']}/complete", json={"part_ids": ids, **more})
    return reply.status_code, error(reply)["param"] if reply.status_code != 200 else None


def test_completion_checks_size_parts_and_checksum(api: Api, emulator: Emulator) -> None:
    upload, other = begin(api), begin(api)
    ids, others = add(api, upload, *PARTS), add(api, other, *PARTS)

    assert complete(api, upload, ids[:2]) == (400, "part_ids")
    assert complete(api, upload, [*ids[:2], others[2]]) == (400, "part_ids")
    assert complete(api, upload, []) == (400, "part_ids")
    assert complete(api, upload, ids, md5="0" * 32) == (400, "md5")
    assert emulator.files() == []
    assert complete(api, upload, ids) == (200, None)
    assert len(emulator.files()) == 1


def test_a_completed_or_cancelled_upload_accepts_no_parts(api: Api) -> None:
    completed, cancelled = begin(api), begin(api)
    ids = add(api, completed, *PARTS)
    assert complete(api, completed, ids) == (200, None)
    assert api.post(f"/uploads/{cancelled['id']}/cancel").json()["status"] == "cancelled"

    for upload in (completed, cancelled):
        assert complete(api, upload, ids) == (400, "upload_id")
        assert api.post(f"/uploads/{upload['id']}/cancel").status_code == 400
        assert api.post(f"/uploads/{upload['id']}/parts", files={"data": ("p", b"x")}).status_code == 400


def test_an_upload_expires_after_an_hour(api: Api, emulator: Emulator) -> None:
    upload = begin(api)
    ids = add(api, upload, *PARTS)
    emulator.advance(3601)

    assert complete(api, upload, ids) == (400, "upload_id")


def test_the_file_of_an_upload_expires_as_requested(api: Api) -> None:
    upload = begin(api, expires_after={"anchor": "created_at", "seconds": 7200})
    ids = add(api, upload, *PARTS)

    file = api.post(f"/uploads/{upload['id']}/complete", json={"part_ids": ids}).json()["file"]
    assert file["expires_at"] == file["created_at"] + 7200


def test_a_part_that_is_too_long_is_refused(api: Api, emulator: Emulator) -> None:
    emulator.settings.max_part_bytes = 5
    reply = api.post(f"/uploads/{begin(api)['id']}/parts", files={"data": ("p", b"123456")})

    assert reply.status_code == 413


def test_projects_do_not_see_each_others_uploads(
    api: Api, emulator: Emulator, open_client: Callable[..., Api]
) -> None:
    upload = begin(api)
    other = open_client(emulator, **{"openai-project": "proj_other"})

    assert other.post(f"/uploads/{upload['id']}/cancel").status_code == 404
    assert other.post("/uploads/upload_unknown/complete", json={"part_ids": ["x"]}).status_code == 404
