"""Provider of `File`: its inputs, and the operations on an uploaded file."""

from __future__ import annotations

import hashlib
import os
import stat
import warnings
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pulumi.dynamic import CheckResult, CreateResult, ReadResult, UpdateResult
from pydantic import Field

from pulumi_openai_ft._provider import input_models, training_file_checks
from pulumi_openai_ft._provider.base import DetailedDiff, Provider, is_get_call
from pulumi_openai_ft._provider.file_manager import FileManager, fingerprint, size_problems, unique_filename
from pulumi_openai_ft._provider.file_processing import UNFINISHED_STATUSES, FileProcessing
from pulumi_openai_ft._provider.resource_import import content_sha256, file_inputs, require_id
from pulumi_openai_ft._provider.training_file_checks import OFF, is_error_level, row_counts
from pulumi_openai_ft._provider.upload.request import UploadRequest
from pulumi_openai_ft._shared.locked_property import locked_cached_property
from pulumi_openai_ft._shared.state_names import IDENTITY, PENDING_FILE, SECRET_INPUTS
from pulumi_openai_ft.errors import IncompleteResourceError, InputError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._client.objects import FileObject

FILENAME = r'^[^"\x00-\x1f]+$'
"""Names that a multipart form transmits unchanged: without double quotes and control characters."""
NEUTRAL_NAME = "file"
"""Name at the service of a file whose local path is secret, because the service's name is an output in plaintext."""
WRITTEN_LATER = 'if an update of a resource in `depends_on` writes it, set validate="off"'
REPLACING = ("purpose", "filename", "expires_after")
COUNTS = ("example_count", "token_count")
"""Outputs that are counted once, in the local file at the time of the upload."""


class ExpiresAfter(input_models.InputModel):
    """Lifetime after which the service deletes the file."""

    anchor: Literal["created_at"] = Field(description="Start of the lifetime.")
    seconds: Annotated[int, input_models.within("file_lifetime")] = Field(
        description="Lifetime in seconds, 1 hour to 30 days."
    )


with warnings.catch_warnings():
    warnings.filterwarnings("ignore", 'Field name "validate"')  # name of a deprecated pydantic method

    class FileInputs(input_models.InputModel):
        """Inputs of `File`."""

        file: Annotated[Annotated[str, Field(min_length=1)] | None, input_models.ProgramType("LocalFile")] = (
            Field(
                default=None,
                description="Path of the local file, relative to the program, as a string, `os.PathLike` or "
                "`pulumi.FileAsset`; or a `pulumi.StringAsset` with the content, which also requires `filename`.",
            )
        )
        purpose: Literal["fine-tune", "assistants", "batch", "vision", "user_data", "evals"] = Field(
            default="fine-tune", description="Purpose of the file."
        )
        filename: Annotated[str, Field(min_length=1, pattern=FILENAME)] | None = Field(
            default=None, description="Name at the service. Defaults to the name of the local file."
        )
        expires_after: ExpiresAfter | None = Field(
            default=None, description="Lifetime of the file. By default, the file never expires."
        )
        sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")] | None = Field(
            default=None,
            description="SHA-256 of the content. Computed from the local file by default.",
        )
        validate: Literal["error", "warn", "off"] = Field(  # type: ignore[assignment]
            default="error",
            description="How to treat training data that the service would reject: `error` fails the preview, `warn` "
            "reports the problems and uploads the file, `off` skips the check.",
        )


class FileProvider(Provider):
    """Provider of an uploaded file. A file with new content is uploaded again; a moved or renamed file is not."""

    inputs_model = FileInputs
    inputs_used_in_diff = ("sha256",)

    @locked_cached_property
    def files(self) -> FileManager:
        """Files of the service."""
        return FileManager(self.api, self.host)

    def check(self, olds: dict[str, Any], news: dict[str, Any]) -> CheckResult:
        """Also report a file that an unfinished dependency will write. Its path counts as unknown."""
        path = news.get("file")
        if input_models.is_known(news.get(PENDING_FILE)) or not isinstance(path, str) or os.path.exists(path):  # noqa: PTH110 - the path as the program wrote it
            return super().check(olds, news)
        result = super().check(olds, {**news, "file": input_models.unknown()})
        if not result.failures:
            shown = input_models.redacted_repr(news, "file", path)
            self.host.info(
                f"file: {shown} does not exist yet: it is read during `up`, after its dependencies"
            )
        return CheckResult({**result.inputs, "file": path}, result.failures)

    def input_problems(self, props: Mapping[str, Any]) -> list[str]:
        """Add the reason if the local file cannot be read."""
        problems = super().input_problems(props)
        path = props.get("file")
        if isinstance(path, str) and (
            reason := _unreadable(path, input_models.redacted_repr(props, "file", path))
        ):
            problems.append(f"file: {reason}")
        return problems

    def profile_problems(self, props: Mapping[str, Any]) -> list[str]:
        """Return a problem if the file is too large for the service."""
        return size_problems(props.get("file"), props.get("purpose", "fine-tune"), self.profile)

    def data_problems(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
        """Return the problems for which the service would reject a new or changed training file."""
        is_refused = is_error_level(news.get("validate"), self.profile.name) and not _is_same(olds, news)
        return training_file_checks.errors(news, self.host, self.profile.name) if is_refused else []

    def warnings(self, olds: Mapping[str, Any], news: Mapping[str, Any]) -> list[str]:
        """Return the warnings about a training file. With `warn`, they include problems that the service would reject."""
        if news.get("validate") == OFF or _is_same(olds, news):
            return []
        return [
            *training_file_checks.errors(news, self.host, self.profile.name),
            *training_file_checks.warnings(news, self.host, self.profile.name),
        ]

    def probe(self, api: Client) -> None:
        """List a single file."""
        next(api.files(limit=1, unreadable=[]), None)

    def diff(self, _id: str, olds: dict[str, Any], news: dict[str, Any]) -> DetailedDiff:
        """Compare the content and the other inputs with the uploaded file."""
        inputs = {
            "purpose": FileInputs.model_fields["purpose"].default,
            **input_models.public_properties(news),
        }
        if olds.get("purpose") is None:  # some services do not return it
            del inputs["purpose"]
        replaces = [name for name in REPLACING if name in inputs and _differs(inputs[name], olds.get(name))]
        if _content_changed(olds.get("sha256"), inputs.get("sha256")):
            replaces.append("sha256")
        return DetailedDiff(replaces, is_unfinished=olds.get("status") in UNFINISHED_STATUSES)

    def create(self, props: dict[str, Any]) -> CreateResult:
        """Upload the file."""
        inputs = self.inputs(props)
        if "file" not in inputs:
            raise InputError("file: is missing: set it to the path of the local file to upload")
        with open(inputs["file"], "rb") as content:  # noqa: PTH123 - the path as the program wrote it
            if "sha256" not in inputs:
                inputs["sha256"] = hashlib.file_digest(content, "sha256").hexdigest()
            # counted before the upload, because counting a large file takes time and can be interrupted
            counted = row_counts(inputs, self.host, self.profile.name)
            uploaded = self.files.get_or_upload(
                _upload(inputs, props, self.settings.idempotency_scope), content
            )

        def outs(file: FileObject) -> dict[str, Any]:
            return {**_outputs(file, inputs["sha256"], inputs), **counted}

        return self.host.complete_create(
            CreateResult(uploaded.id, outs(uploaded)),
            lambda: CreateResult(uploaded.id, self._processed(uploaded, outs)),
        )

    def read(self, id_: str, props: dict[str, Any]) -> ReadResult:
        """Read the file. Return an empty id if it no longer exists."""
        try:
            found = self.api.file(id_)
        except NotFoundError:
            if is_get_call(props):
                raise
            return ReadResult("", {})
        return ReadResult(id_, {**_outputs(found, props.get("sha256"), props), **_recorded_counts(props)})

    def import_(self, id_: str) -> ReadResult:
        """Read an existing file for `pulumi import`."""
        require_id("File", id_)
        found = self.api.file(id_)
        outs = _outputs(found, content_sha256(self.api, found))
        return ReadResult(id_, outs, file_inputs(FileInputs, found, outs))

    def preview_outputs(self, olds: Mapping[str, Any] | None, news: dict[str, Any]) -> dict[str, Any]:
        """Return the outputs that are known in advance: all for an update, those of the local file for a create."""
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
        is_readable = {"file", "sha256"} <= inputs.keys() and input_models.is_known(news)
        if is_readable:
            upload = _upload(inputs, news, self.settings.idempotency_scope)
            outs |= {
                "filename": upload.filename,
                "bytes": upload.size,
                **row_counts(inputs, self.host, self.profile.name),
            }
        return outs

    def update(self, id_: str, olds: dict[str, Any], _news: dict[str, Any]) -> UpdateResult:
        """Record the current outputs of the file, once it is processed. The file itself never changes in place."""

        def outs(file: FileObject) -> dict[str, Any]:
            return {**_outputs(file, olds.get("sha256"), olds), **_recorded_counts(olds)}

        return UpdateResult(self._processed(self.api.file(id_), outs))

    def unfinished_message(self, id_: str, _outs: Mapping[str, Any], error: Exception) -> str:
        """Return a message that the file was uploaded, and may not be processed yet."""
        return f"file {id_} was uploaded, but it is not known whether the service has processed it: {error}"

    def delete(self, id_: str, props: dict[str, Any]) -> None:
        """Delete the file. Raises `InputError` if an unfinished job still needs it."""
        if not self.files.adopted.was_adopted(id_):
            self.files.delete(id_, input_models.integers_from_floats(props.get("created_at")) or None)

    def _processed(self, file: FileObject, outs: Callable[[FileObject], dict[str, Any]]) -> dict[str, Any]:
        """Return the outputs of a file, after its processing.

        Raises:
            IncompleteResourceError: The service rejected the content, or did not process the file in time.
        """
        processing = FileProcessing(self.api, self.host)
        file = processing.wait(file)
        if problem := processing.problem(file):
            raise IncompleteResourceError(problem, outs(file))
        return outs(file)


def _upload(inputs: Mapping[str, Any], props: Mapping[str, Any], scope: str | None) -> UploadRequest:
    identity, is_secret = props.get(IDENTITY), "file" in (props.get(SECRET_INPUTS) or ())
    purpose, expires_after = inputs.get("purpose", "fine-tune"), inputs.get("expires_after")
    filename, size = inputs.get("filename"), os.path.getsize(inputs["file"])  # noqa: PTH202 - the path as the program wrote it
    recipe = {
        "identity": identity,
        "owner": scope,
        "sha256": inputs["sha256"],
        "expires_after": expires_after,
    }
    more = {"sha256": inputs["sha256"], "identity": fingerprint(recipe) if identity else None}
    if filename or not identity:
        name = filename or os.path.basename(inputs["file"])  # noqa: PTH119 - see above
        return UploadRequest(name, purpose, size, expires_after, **more)
    local = f"{NEUTRAL_NAME}{os.path.splitext(inputs['file'])[1]}" if is_secret else inputs["file"]  # noqa: PTH122 - see above
    return UploadRequest(
        unique_filename(local, recipe), purpose, size, expires_after, has_unique_name=True, **more
    )


def _outputs(
    file: FileObject, sha256: str | None, known: Mapping[str, Any] = MappingProxyType({})
) -> dict[str, Any]:
    """Return the state of a file that the service returned.

    Args:
        file: The file as returned by the API.
        sha256: SHA-256 of the content.
        known: The inputs or the previous outputs, for constant values that the service does not return.
    """
    outs: dict[str, Any] = {
        "filename": file.filename,
        "purpose": file.purpose,
        "bytes": file.bytes,
        "created_at": file.created_at,
        "expires_at": file.expires_at,
    }
    if file.expires_at is not None and file.created_at is not None:
        outs["expires_after"] = {"anchor": "created_at", "seconds": file.expires_at - file.created_at}
    missing = [
        name for name in (*outs, "expires_after") if outs.get(name) is None and known.get(name) is not None
    ]
    kept = {name: input_models.integers_from_floats(known[name]) for name in missing}
    return {**outs, **kept, "status": file.status, "sha256": sha256}


def _recorded_counts(olds: Mapping[str, Any]) -> dict[str, Any]:
    """Return the counts from the time of the upload."""
    return {
        name: input_models.integers_from_floats(olds[name]) for name in COUNTS if olds.get(name) is not None
    }


def _is_same(olds: Mapping[str, Any], news: Mapping[str, Any]) -> bool:
    """Return whether the inputs are the same as in the last `up`."""
    return input_models.public_properties(olds) == input_models.public_properties(news)


def _differs(requested: Any, actual: Any) -> bool:
    if isinstance(requested, dict):
        return any(_differs(value, (actual or {}).get(key)) for key, value in requested.items())
    return bool(requested != input_models.integers_from_floats(actual))


def _content_changed(old: Any, new: Any) -> bool:
    """Return whether the content changed. It is assumed unchanged if a hash is unknown, such as after an import."""
    return old is not None and new is not None and old != new


def _unreadable(path: str, redacted: str) -> str | None:
    if os.path.isdir(path):  # noqa: PTH112 - the path as the program wrote it
        return f"{redacted} is a directory: pass the path of a file"
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - see above
            return f"{redacted} is not a regular file: pass the path of a regular file"
        with open(path, "rb"):  # noqa: PTH123 - see above
            return None
    except (OSError, ValueError) as error:
        hint = f"; {WRITTEN_LATER}" if isinstance(error, FileNotFoundError) else ""
        reason = (getattr(error, "strerror", None) or str(error)).lower()
        return f"{redacted} cannot be read ({reason}): pass a path relative to the program's directory {os.getcwd()!r}{hint}"  # noqa: PTH109
