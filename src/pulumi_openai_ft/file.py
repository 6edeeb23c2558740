"""`File`: a file uploaded to the service, such as training data."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, ClassVar

import pulumi

from pulumi_openai_ft._program.dependencies import dependency_ids
from pulumi_openai_ft._program.inline_programs import path_for_provider
from pulumi_openai_ft._program.input_values import local_file
from pulumi_openai_ft._program.local_content import file_sha256
from pulumi_openai_ft._program.provider_proxy import ProviderProxy
from pulumi_openai_ft._program.resource_base import ResourceBase
from pulumi_openai_ft._shared.lazy_module import LazyModule
from pulumi_openai_ft._shared.output_types import (  # noqa: TC001 - Pulumi converts outputs by their types
    FilePurpose,
    FileStatus,
)
from pulumi_openai_ft._shared.state_names import PENDING_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft.types import ExpiresAfterArgsDict, ValidationMode

__all__ = ["File", "FileProvider"]

LocalFile = str | os.PathLike[str] | pulumi.FileAsset | pulumi.StringAsset
"""A local file: its path, or an asset with its path or its content."""


class FileProvider(ProviderProxy):
    """The provider of `File`. State files refer to it by this name."""

    module: ClassVar[LazyModule] = LazyModule("_provider.file")


class File(ResourceBase, pulumi.dynamic.Resource, module="openai_ft", name="File"):
    """A file uploaded to the service, such as training data.

    If the service processes files, as Azure does, `pulumi up` waits up to 30 minutes until the file is processed.

    Source in the API: `POST /files`.
    """

    filename: pulumi.Output[str]
    """Name at the service."""
    purpose: pulumi.Output[str | FilePurpose]
    """Purpose of the file, such as `fine-tune`."""
    sha256: pulumi.Output[str]
    """SHA-256 of the content, 64 hexadecimal digits."""
    bytes: pulumi.Output[int]
    """Size in bytes."""
    created_at: pulumi.Output[int | None]
    """Time of the upload, in Unix seconds."""
    expires_at: pulumi.Output[int | None]
    """Time at which the service deletes the file, in Unix seconds, or None if it never does."""
    status: pulumi.Output[str | FileStatus]
    """`uploaded`, `processed` or `error`."""
    example_count: pulumi.Output[int | None]
    """Number of training examples in the local file. None if it cannot be read or is not training data."""
    token_count: pulumi.Output[int | None]
    """Estimated number of tokens in one epoch; the service's own count is final. None if `example_count` is None."""

    def __init__(
        self,
        resource_name: str,
        *,
        # <<<cog from tools.codegen import file; print(file.parameters()) >>>
        file: pulumi.Input[LocalFile | None] = None,
        purpose: pulumi.Input[FilePurpose | None] = None,
        filename: pulumi.Input[str | None] = None,
        expires_after: pulumi.Input[ExpiresAfterArgsDict | None] = None,
        sha256: pulumi.Input[str | None] = None,
        validate: pulumi.Input[ValidationMode | None] = None,
        # <<<end>>>
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        # <<<cog print(file.docstring("Upload a file when the stack is updated.")) >>>
        """Upload a file when the stack is updated.

        ## Example Usage

        ```python
        data = openai_ft.File("support-data", file="customer_support.jsonl", purpose="fine-tune")
        pulumi.export("file_id", data.id)
        ```

        Args:
            resource_name: Name of the resource in the stack.
            file: Path of the local file, relative to the program, as a string, `os.PathLike` or
                `pulumi.FileAsset`; or a `pulumi.StringAsset` with the content, which also requires
                `filename`.
            purpose: Purpose of the file: `fine-tune`, `assistants`, `batch`, `vision`, `user_data` or
                `evals`; `fine-tune` by default.
            filename: Name at the service. Defaults to the name of the local file.
            expires_after: Lifetime of the file. By default, the file never expires.
            sha256: SHA-256 of the content. Computed from the local file by default.
            validate: How to treat training data that the service would reject: `error` fails the preview,
                `warn` reports the problems and uploads the file, `off` skips the check; `error` by default.
            opts: Pulumi's resource options.
        """
        # <<<end>>>
        path = None if file is None else path_for_provider(local_file(file, has_name=filename is not None))
        given = {
            "file": path,
            "purpose": purpose,
            "filename": filename,
            "expires_after": expires_after,
            "sha256": sha256 if sha256 is not None else _hash_of(path),
            "validate": validate,
        }
        if isinstance(path, str) and not os.path.exists(path):  # noqa: PTH110 - the path as the program wrote it
            written = _when_written(given, opts)
            given[PENDING_FILE] = written
            if sha256 is None:
                given["sha256"] = written.apply(lambda _: _hash_of(path))
        self._local_data = {"file": path, "validate": validate}
        super().__init__(FileProvider(), resource_name, self._properties(resource_name, given, opts), opts)


def file_id(file: pulumi.Input[str | None] | File) -> pulumi.Input[str | None]:
    """Return the id of a file that a program passes as an id or as a `File`."""
    return file.id if isinstance(file, File) else file


def file_hash(file: pulumi.Input[str | None] | File) -> pulumi.Input[str] | None:
    """Return the SHA-256 of a `File`, or None if the program passes only an id."""
    return file.sha256 if isinstance(file, File) else None


def local_data(file: pulumi.Input[str | None] | File) -> dict[str, Any] | None:
    """Return the local path and the `validate` mode of a `File`, or None if the program passes only an id."""
    return file._local_data if isinstance(file, File) else None  # noqa: SLF001 - of this module


def _when_written(inputs: Mapping[str, Any], opts: pulumi.ResourceOptions | None) -> pulumi.Output[Any]:
    """Return an output of None that is known when the resources that may write a missing file are created.

    With `validate="off"`, an update of a resource in `depends_on` may write it as well.
    """
    ids: pulumi.Output[Any] = pulumi.Output.from_input(dependency_ids(opts))
    passed = [value for value in inputs.values() if isinstance(value, pulumi.Output)]
    may_be_updated = inputs.get("validate") == "off" and opts is not None and bool(opts.depends_on)
    later: Any = pulumi.output.UNKNOWN if may_be_updated and pulumi.runtime.is_dry_run() else None
    return pulumi.Output.all(ids, *passed).apply(lambda _: later)


def _hash_of(path: Any) -> Any:
    """Return the SHA-256 of the content, or None if it cannot be read. `check` then reports the reason."""
    if isinstance(path, pulumi.Output):
        return path.apply(_hash_of)
    return file_sha256(path) if isinstance(path, str) else None
