"""What `File` does: its inputs, and how they become an uploaded file."""

from __future__ import annotations

import hashlib
import os
import stat
import warnings
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pulumi.dynamic import CreateResult, ReadResult, UpdateResult
from pydantic import Field

from pulumi_openai_ft._provider import input_models, training_file_checks
from pulumi_openai_ft._provider.base import DetailedDiff, Provider, is_get_call
from pulumi_openai_ft._provider.file_manager import FileManager, fingerprint, size_problems, unique_filename
from pulumi_openai_ft._provider.resource_import import content_sha256, file_inputs, require_id
from pulumi_openai_ft._provider.training_file_checks import OFF, is_error_level, row_counts
from pulumi_openai_ft._provider.upload.request import UploadRequest
from pulumi_openai_ft._shared.locked_property import locked_cached_property
from pulumi_openai_ft._shared.state_names import IDENTITY
from pulumi_openai_ft.errors import InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import FileObject

FILENAME = r'^[^"\x00-\x1f]+$'
"""What multipart forms carry unchanged: no double quotes, no control characters."""
REPLACING = ("purpose", "filename", "expires_after")
COUNTS = ("example_count", "token_count")
"""Outputs that are counted in the local file when it is uploaded, and stay."""


class ExpiresAfter(input_models.InputModel):
    """When the service deletes the file by itself."""

    anchor: Literal["created_at"] = Field(description="What the time counts from.")
    seconds: Annotated[int, input_models.within("file_lifetime")] = Field(
        description="Lifetime, 1 hour to 30 days."
    )


with warnings.catch_warnings():
    warnings.filterwarnings("ignore", 'Field name "validate"')  # a method of pydantic's that it has given up

    class FileInputs(input_models.InputModel):
        """Inputs of `File`."""

        file: Annotated[str, Field(min_length=1)] | None = Field(
            default=None, description="Path of the local file, relative to the program."
        )
        purpose: Literal["fine-tune", "assistants", "batch", "vision", "user_data", "evals"] = Field(
            default="fine-tune", description="What the service may use the file for."
        )
        filename: Annotated[str, Field(min_length=1, pattern=FILENAME)] | None = Field(
            default=None, description="Name at the service; that of the local file by default."
        )
        expires_after: ExpiresAfter | None = Field(
            default=None, description="When the service deletes the file by itself."
        )
        sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = Field(
            default=None,
            description="Hash of the content. Computed from the local file; a change replaces the file.",
        )
        validate: Literal["error", "warn", "off"] = Field(  # type: ignore[assignment]
            default="error",
            description="Whether training data that the service would refuse is an error at preview, told, or passed over.",
        )


class FileProvider(Provider):
    """Keeps one uploaded file. Its content decides: an edited file is uploaded anew, a moved one is not."""

    inputs_model = FileInputs
    inputs_used_in_diff = ("sha256",)

    @locked_cached_property
    def files(self) -> FileManager:
        """The service's files."""
        return FileManager(self.api, self.host)

    def input_problems(self, props: Mapping[str, Any]) -> list[str]:
        """Adds what the disk says about the local file."""
        found = super().input_problems(props)
        path = props.get("file")
        if isinstance(path, str) and (
            reason := _unreadable(path, input_models.redacted_repr(props, "file", path))
        ):
            found.append(f"file: {reason}")
        return found

    def profile_problems(self, props: Mapping[str, Any]) -> list[str]:
        """What is too large for the service."""
        return size_problems(props.get("file"), props.get("purpose", "fine-tune"), self.profile)

    def data_problems(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
        """What the service would refuse in the rows of a file that is new or changed."""
        is_refused = is_error_level(news.get("validate"), self.profile.name) and not _is_same(olds, news)
        return training_file_checks.errors(news, self.host) if is_refused else []

    def warnings(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
        """What else is odd in the rows, and with `warn` what the service would refuse."""
        if news.get("validate") == OFF or _is_same(olds, news):
            return []
        return [
            *training_file_checks.errors(news, self.host),
            *training_file_checks.warnings(news, self.host),
        ]

    def probe(self, api: Client) -> None:
        """Looks for one file."""
        next(api.files(limit=1), None)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DetailedDiff:
        """Compares the content and what was asked for with what was uploaded."""
        wanted = {
            "purpose": FileInputs.model_fields["purpose"].default,
            **input_models.public_properties(news),
        }
        if olds.get("purpose") is None:  # not every service tells it
            del wanted["purpose"]
        replaces = [name for name in REPLACING if name in wanted and _differs(wanted[name], olds.get(name))]
        if _content_changed(olds.get("sha256"), wanted.get("sha256")):
            replaces.append("sha256")
        return DetailedDiff(replaces)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Uploads the file."""
        inputs = self.inputs(props)
        if "file" not in inputs:
            raise InputError("file: is missing: a new file needs the path of a local file to upload")
        with open(inputs["file"], "rb") as content:  # noqa: PTH123 - a path as the program wrote it
            if "sha256" not in inputs:
                inputs["sha256"] = hashlib.file_digest(content, "sha256").hexdigest()
            counted = row_counts(
                inputs, self.host
            )  # before anything exists: a long file may be read for this
            uploaded = self.files.get_or_upload(
                _upload(inputs, props.get(IDENTITY), self.settings.idempotency_scope), content
            )
        return CreateResult(uploaded.id, {**_outputs(uploaded, inputs["sha256"]), **counted})

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Looks whether the file is still there, and what the service says of it."""
        try:
            found = self.api.file(id_)
        except NotFoundError:
            if is_get_call(props):
                raise
            return ReadResult("", {})
        return ReadResult(id_, {**_outputs(found, props.get("sha256")), **_kept(props)})

    def import_(self, id_: str) -> ReadResult:
        """Reads a file that no state knows."""
        require_id("File", id_)
        found = self.api.file(id_)
        outs = _outputs(found, content_sha256(self.api, found))
        return ReadResult(id_, outs, file_inputs(FileInputs, found, outs))

    def preview_outputs(self, olds: Mapping[str, Any] | None, news: dict[str, Any]) -> dict[str, Any]:
        """An update changes nothing. Of a new file, what the disk tells is known."""
        if olds is not None:
            return dict(olds)
        inputs = {
            "purpose": FileInputs.model_fields["purpose"].default,
            **input_models.public_properties(news),
        }
        outs = {
            **dict.fromkeys(
                ("filename", "bytes", "created_at", "expires_at", "status", *COUNTS), input_models.unknown()
            ),
            **inputs,
        }
        if input_models.is_known(inputs) and {"file", "sha256"} <= inputs.keys():
            upload = _upload(inputs, news.get(IDENTITY), self.settings.idempotency_scope)
            outs |= {"filename": upload.filename, "bytes": upload.size, **row_counts(inputs, self.host)}
        return outs

    def update(self, id_: str, olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Files never change in place; this records what the service says of one."""
        return UpdateResult({**_outputs(self.api.file(id_), olds.get("sha256")), **_kept(olds)})

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Deletes the file, unless a job that is not finished still needs it."""
        if not self.files.adopted.was_adopted(id_):
            self.files.delete(id_, int(props.get("created_at") or 0))


def _upload(inputs: Mapping[str, Any], asker: str | None, owner: str | None) -> UploadRequest:
    purpose, expires_after = inputs.get("purpose", "fine-tune"), inputs.get("expires_after")
    filename, size = inputs.get("filename"), os.path.getsize(inputs["file"])  # noqa: PTH202 - a path as the program wrote it
    recipe = {"identity": asker, "owner": owner, "sha256": inputs["sha256"], "expires_after": expires_after}
    more = {"sha256": inputs["sha256"], "token": fingerprint(recipe) if asker else None}
    if filename or not asker:
        name = filename or os.path.basename(inputs["file"])  # noqa: PTH119 - likewise
        return UploadRequest(name, purpose, size, expires_after, **more)
    return UploadRequest(
        unique_filename(inputs["file"], recipe), purpose, size, expires_after, has_unique_name=True, **more
    )


def _outputs(file: FileObject, sha256: str | None) -> dict[str, Any]:
    """The state of a file, from what the service says of it."""
    outs: dict[str, Any] = {
        "filename": file.filename,
        "purpose": file.purpose,
        "bytes": file.bytes,
        "created_at": file.created_at,
        "expires_at": file.expires_at,
        "status": file.status,
        "sha256": sha256,
    }
    if file.expires_at is not None:
        outs["expires_after"] = {"anchor": "created_at", "seconds": file.expires_at - file.created_at}
    return outs


def _kept(olds: Mapping[str, Any]) -> dict[str, Any]:
    """What was counted when the file was uploaded."""
    return {
        name: input_models.integers_from_floats(olds[name]) for name in COUNTS if olds.get(name) is not None
    }


def _is_same(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Whether the inputs are those of the last time."""
    return input_models.public_properties(olds) == input_models.public_properties(news)


def _differs(wanted: Any, actual: Any) -> bool:
    if isinstance(wanted, dict):
        return any(_differs(value, (actual or {}).get(key)) for key, value in wanted.items())
    return bool(wanted != input_models.integers_from_floats(actual))


def _content_changed(old: Any, new: Any) -> bool:
    """Whether the content is another one. A file whose hash nobody knows, an imported one, is taken as it is."""
    return old is not None and new is not None and old != new


def _unreadable(path: str, shown: str) -> str | None:
    if os.path.isdir(path):  # noqa: PTH112 - a path as the program wrote it
        return f"{shown} is a folder: name the file in it"
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - likewise
            return f"{shown} is no regular file: name one"
        with open(path, "rb"):  # noqa: PTH123 - likewise
            return None
    except (OSError, ValueError) as error:
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        return f"{shown} cannot be read ({reason}): write a path that is relative to the program's folder {os.getcwd()!r}"  # noqa: PTH109
