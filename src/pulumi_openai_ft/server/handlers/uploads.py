from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pulumi_openai_ft.server.api_limits import LIMITS
from pulumi_openai_ft.server.errors import invalid, no_such_upload
from pulumi_openai_ft.server.expiry import remove_parts
from pulumi_openai_ft.server.handlers.files import LIFETIME, keep_file
from pulumi_openai_ft.server.ids import new_id
from pulumi_openai_ft.server.records import Part, Upload
from pulumi_openai_ft.server.serializers import file_body, part_body, upload_body
from pulumi_openai_ft.server.validators import fields, items, nullable, one_of, text, whole

if TYPE_CHECKING:
    from pulumi_openai_ft.server.blobs import Draft
    from pulumi_openai_ft.server.request_context import ApiRequest, Json

PURPOSES = ("assistants", "batch", "fine-tune", "vision")
UPLOAD_SECONDS = LIMITS["upload_lifetime"]
"""Lifetime of an upload without all of its parts. Source: docs/openai-api.md#files-and-uploads."""

_COMPLETION = fields({"part_ids": items(text(1), minimum=1)}, {"md5": nullable(text())})


def create_upload(call: ApiRequest) -> Json:
    """POST /uploads."""
    most = call.backend.settings.max_upload_bytes
    check = fields(
        {"filename": text(1), "purpose": one_of(*PURPOSES), "bytes": whole(1, most), "mime_type": text(1)},
        {"expires_after": LIFETIME},
    )
    check(call.body, "")
    upload = Upload(
        id=new_id("upload_"),
        created_at=call.now,
        project=call.project,
        filename=call.body["filename"],
        purpose=call.body["purpose"],
        bytes=call.body["bytes"],
        mime_type=call.body["mime_type"],
        expires_at=call.now + UPLOAD_SECONDS,
        file_seconds=call.body.get("expires_after", {}).get("seconds"),
    )
    return upload_body(call.backend.store.uploads.add(upload))


def add_part(call: ApiRequest) -> Json:
    """POST /uploads/{upload_id}/parts."""
    assert call.form is not None
    upload = _pending(call)
    draft = call.form.file("data")
    part_id = new_id("part_")
    size = draft.store(part_id)
    part = Part(id=part_id, created_at=call.now, upload=upload.id, bytes=size)
    try:
        with call.backend.store.transaction():
            _pending(call)  # another request may have ended it in the meantime
            return part_body(call.backend.store.parts.add(part))
    except BaseException:
        call.backend.blobs.delete(part_id)
        raise


def complete_upload(call: ApiRequest) -> Json:
    """POST /uploads/{upload_id}/complete: join the parts in the given order into a file."""
    _COMPLETION(call.body, "")
    upload = _pending(call)
    parts = [_part(call, upload, part_id) for part_id in call.body["part_ids"]]
    _check_size(upload, sum(part.bytes for part in parts))
    draft = call.backend.blobs.draft()
    try:
        _join(call, parts, draft)
        _check_md5(draft, call.body.get("md5"))
        with call.backend.store.transaction():
            _pending(call)  # another request may have ended it in the meantime
            file = keep_file(call, draft, upload.filename, upload.purpose, upload.file_seconds)
            upload = call.backend.store.uploads.put(replace(upload, status="completed", file=file.id))
    finally:
        draft.discard()
    remove_parts(call.backend, upload)
    return upload_body(upload, file_body(file, call.backend.settings, call.now))


def cancel_upload(call: ApiRequest) -> Json:
    """POST /uploads/{upload_id}/cancel."""
    with call.backend.store.transaction():
        upload = call.backend.store.uploads.put(replace(_pending(call), status="cancelled"))
    remove_parts(call.backend, upload)
    return upload_body(upload)


def _pending(call: ApiRequest) -> Upload:
    upload = call.backend.store.uploads.get(call.path("upload_id"))
    if upload is None or upload.project != call.project:
        raise no_such_upload(call.path("upload_id"))
    status = "expired" if upload.status == "pending" and call.now > upload.expires_at else upload.status
    if status != "pending":
        raise invalid(f"Upload {upload.id} is {status}; only a pending upload can be changed.", "upload_id")
    return upload


def _part(call: ApiRequest, upload: Upload, part_id: str) -> Part:
    part = call.backend.store.parts.get(part_id)
    if part is None or part.upload != upload.id:
        raise invalid(f"Upload {upload.id} has no part {part_id}.", "part_ids")
    return part


def _check_size(upload: Upload, size: int) -> None:
    if size != upload.bytes:
        raise invalid(
            f"The parts have {size} bytes together, but the upload was created for {upload.bytes}.",
            "part_ids",
        )


def _join(call: ApiRequest, parts: list[Part], draft: Draft) -> None:
    for part in parts:
        try:
            with call.backend.blobs.open(part.id) as content:
                draft.append(content)
        except FileNotFoundError:  # it was deleted from the data folder, or by a request at the same time
            raise invalid(f"The content of part {part.id} no longer exists.", "part_ids") from None


def _check_md5(draft: Draft, expected: str | None) -> None:
    if expected is not None and expected.lower() != draft.md5():
        raise invalid(f"The parts have the MD5 checksum {draft.md5()}, not {expected}.", "md5")
