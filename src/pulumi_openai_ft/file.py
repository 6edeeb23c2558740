"""`File`: an uploaded file, such as training data."""

from __future__ import annotations

import hashlib
import os
import stat
from typing import TYPE_CHECKING, Any

import pulumi

from pulumi_openai_ft._program.provider_proxy import ProviderProxy
from pulumi_openai_ft._program.resource_base import ResourceBase
from pulumi_openai_ft._shared.lazy_module import LazyModule
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["File", "FileProvider"]

LARGE = 8 * 2**20
"""Bytes from which on a hash is worth remembering: less is hashed sooner than what remembers is loaded."""
_training_data = LazyModule("training_data")


class FileProvider(ProviderProxy):
    """The provider of `File`, as states refer to it."""

    module = LazyModule("_provider.file")


class File(ResourceBase, pulumi.dynamic.Resource, module="openai_ft", name="File"):
    """An uploaded file, such as training data.

    Source in the API: `POST /files`.
    """

    filename: pulumi.Output[str]
    """Name at the service."""
    purpose: pulumi.Output[str]
    """What the service may use the file for."""
    sha256: pulumi.Output[str]
    """SHA-256 of the content, 64 hexadecimal digits."""
    bytes: pulumi.Output[int]
    """Size in bytes."""
    created_at: pulumi.Output[int]
    """When it was uploaded, Unix seconds."""
    expires_at: pulumi.Output[int | None]
    """When the service deletes it, Unix seconds, or None."""
    status: pulumi.Output[str]
    """`uploaded`, `processed` or `error`."""
    example_count: pulumi.Output[int | None]
    """Rows of training data, as counted in the local file; None where it could not be read, or is for something else."""
    token_count: pulumi.Output[int | None]
    """Tokens of one epoch, an estimate: the service counts for itself. None where `example_count` is."""

    def __init__(
        self,
        resource_name: str,
        *,
        file: pulumi.Input[str | pulumi.FileAsset] | None = None,
        purpose: pulumi.Input[str] | None = None,
        filename: pulumi.Input[str] | None = None,
        expires_after: pulumi.Input[Mapping[str, Any]] | None = None,
        sha256: pulumi.Input[str] | None = None,
        validate: pulumi.Input[str] | None = None,
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        """Uploads a file when the stack is updated.

        Args:
            resource_name: Name of the resource in the stack.
            file: Path of the local file, relative to the program, or a `pulumi.FileAsset`.
            purpose: `fine-tune` (the default), `assistants`, `batch`, `vision`, `user_data` or `evals`.
            filename: Name at the service; that of the local file by default.
            expires_after: `{"anchor": "created_at", "seconds": 3600…2592000}`; never by default.
            sha256: Hash of the content, computed from the local file where it can be read.
            validate: Whether training data that the service would refuse is an `error` at preview (the default) or
                told and uploaded (`warn`); `off` says nothing.
            opts: Pulumi's resource options.
        """
        path = (
            None
            if file is None
            else pulumi.Output.from_input(file).apply(_asset_path)
            if _later(file)
            else _asset_path(file)
        )
        given = {
            "file": path,
            "purpose": purpose,
            "filename": filename,
            "expires_after": expires_after,
            "sha256": sha256 if sha256 is not None else _hash_of(path),
            "validate": validate,
        }
        self._local_data = {"file": path, "validate": validate}
        super().__init__(FileProvider(), resource_name, self._properties(resource_name, given, opts), opts)


def file_id(file: pulumi.Input[str] | File | None) -> pulumi.Input[str] | None:
    """The id of what a program names as a file."""
    return file.id if isinstance(file, File) else file


def file_hash(file: pulumi.Input[str] | File | None) -> pulumi.Input[str] | None:
    """The content's hash, of a `File`."""
    return file.sha256 if isinstance(file, File) else None


def local_data(file: pulumi.Input[str] | File | None) -> dict[str, Any] | None:
    """Where the local file of a `File` is, and how it is judged."""
    return file._local_data if isinstance(file, File) else None  # noqa: SLF001 - of this module


def _later(value: Any) -> bool:
    return isinstance(value, pulumi.Output) or hasattr(value, "__await__")


def _asset_path(file: Any) -> Any:
    return str(file.path) if isinstance(file, pulumi.FileAsset) else file


def _hash_of(path: Any) -> Any:
    """The content's hash, or None where `check` will say why it cannot be had."""
    if path is None:
        return None
    if _later(path):
        return pulumi.Output.from_input(path).apply(_hash_of)
    try:
        told = os.stat(path)  # noqa: PTH116 - a path as the program wrote it
        if not stat.S_ISREG(told.st_mode):  # which may have no end
            return None
        if told.st_size > LARGE:
            return _training_data.sha256(path)
        with open(path, "rb") as content:  # noqa: PTH123 - likewise
            return hashlib.file_digest(content, "sha256").hexdigest()
    except (OSError, ValueError, InputError):
        return None
