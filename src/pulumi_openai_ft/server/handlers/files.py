from __future__ import annotations

import re
from typing import TYPE_CHECKING

from starlette.responses import FileResponse

from pulumi_openai_ft.server.api_limits import RANGES
from pulumi_openai_ft.server.errors import content_refused, invalid, no_such_file
from pulumi_openai_ft.server.ids import new_id
from pulumi_openai_ft.server.records import File
from pulumi_openai_ft.server.request_context import parse_json
from pulumi_openai_ft.server.serializers import deleted_body, file_body, list_body
from pulumi_openai_ft.server.store import created_before, unexpired
from pulumi_openai_ft.server.validators import Check, fields, one_of, whole

if TYPE_CHECKING:
    from pulumi_openai_ft.server.backend import Backend
    from pulumi_openai_ft.server.blobs import Draft
    from pulumi_openai_ft.server.request_context import ApiRequest, Json

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
LIFETIME = fields({"anchor": one_of("created_at"), "seconds": whole(**RANGES["file_lifetime"])})
BATCH_SECONDS = 30 * 24 * 3600
"""Default lifetime of a file with the purpose `batch`. Source: docs/openai-api.md#files-and-uploads."""

_FORM: Check = fields({"purpose": one_of(*PURPOSES)}, {"expires_after": LIFETIME})


def create_file(call: ApiRequest) -> Json:
    """POST /files."""
    assert call.form is not None
    draft = call.form.file("file")
    values = _form_values(call.form.fields)
    _FORM(values, "")
    seconds = values.get("expires_after", {}).get("seconds")
    file = keep_file(call, draft, call.form.filename, values["purpose"], seconds)
    return file_body(file, call.backend.settings, call.now)


def list_files(call: ApiRequest) -> Json:
    """GET /files."""
    newest_first = call.choice("order", ("desc", "asc")) == "desc"
    where = {"project": call.project}
    if purpose := call.query("purpose"):
        where["purpose"] = purpose
    page = call.backend.store.files.page(
        where,
        unexpired(call.now),
        created_before(call.as_of),
        after=call.query("after"),
        limit=call.limit(10_000, 10_000, clamps=False),
        newest_first=newest_first,
    )
    data = [file_body(file, call.backend.settings, call.now) for file in page.records]
    return list_body(data, has_more=page.has_more, ends=True)


def get_file(call: ApiRequest) -> Json:
    """GET /files/{file_id}."""
    file = find_file(call.backend, call.project, call.path("file_id"))
    return file_body(file, call.backend.settings, call.now)


def get_content(call: ApiRequest) -> FileResponse:
    """GET /files/{file_id}/content."""
    file = find_file(call.backend, call.project, call.path("file_id"))
    if file.purpose in call.backend.settings.refused_contents:
        raise content_refused(file.purpose)
    return FileResponse(
        call.backend.blobs.path(file.id), media_type="application/octet-stream", filename=file.filename
    )


def delete_file(call: ApiRequest) -> Json:
    """DELETE /files/{file_id}."""
    file = find_file(call.backend, call.project, call.path("file_id"))
    call.backend.store.files.delete(file, call.now)
    call.backend.blobs.delete(file.id)
    return deleted_body("file", file.id)


def find_file(backend: Backend, project: str, file_id: str) -> File:
    """Return a file of a project. Raise a 404 if it does not exist or has expired."""
    file = backend.store.files.get(file_id)
    if file is None or file.project != project:
        raise no_such_file(file_id)
    if file.expires_at is not None and file.expires_at <= backend.clock.now():
        raise no_such_file(file_id)
    return file


def keep_file(call: ApiRequest, draft: Draft, filename: str, purpose: str, seconds: int | None) -> File:
    """Create a file from a draft. Raise a 400 if it is empty."""
    if not draft.bytes:
        raise invalid("File is empty.", "file")
    if seconds is None and purpose == "batch":
        seconds = BATCH_SECONDS
    now = call.now
    file_id = new_id("file-")
    size = draft.store(file_id)
    return call.backend.store.files.add(
        File(
            id=file_id,
            created_at=now,
            project=call.project,
            filename=filename,
            purpose=purpose,
            bytes=size,
            expires_at=None if seconds is None else now + seconds,
        )
    )


def _form_values(form: dict[str, str]) -> Json:
    values: Json = {name: value for name, value in form.items() if not name.startswith("expires_after[")}
    lifetime = {name[14:-1]: value for name, value in form.items() if name not in values}
    if "expires_after" in values:
        values["expires_after"] = parse_json(values["expires_after"])
    if lifetime:
        seconds = lifetime.get("seconds", "")
        values["expires_after"] = {
            **lifetime,
            **({"seconds": int(seconds)} if re.fullmatch(r"[0-9]{1,9}", seconds) else {}),
        }
    return values
