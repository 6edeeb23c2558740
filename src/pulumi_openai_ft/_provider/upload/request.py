"""The upload to perform: name, size and purpose of the file, and whether it is sent in parts."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from math import ceil
from mimetypes import guess_type
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._shared.api_limits import LIMITS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pulumi_openai_ft._client.objects import FileObject
    from pulumi_openai_ft._service_profiles import Profile
    from pulumi_openai_ft._settings import Settings

MEGABYTE = 1_000_000
MAX_SINGLE_UPLOAD, MAX_MULTIPART_UPLOAD = LIMITS["file_bytes"], LIMITS["upload_bytes"]
PURPOSES_IN_PARTS = frozenset({"assistants", "batch", "fine-tune", "vision"})
LARGEST_USUAL_PART, MOST_PARTS = 16 * 2**20, 128
"""The official client uses at most 128 parts of 64 MiB, for the largest file. Services may not accept more parts."""


@dataclass(frozen=True)
class UploadRequest:
    """A file to upload.

    Attributes:
        filename: Name of the file at the service.
        purpose: Purpose of the file, such as `fine-tune`.
        size: Size in bytes.
        expires_after: Expiration policy in the API's format.
        has_unique_name: Whether the name contains a hash, so that only this package can have uploaded such a file.
        sha256: SHA-256 of the content when the program ran.
        identity: Hash of the resource's identity and the file's inputs, or None if the resource is unknown.
    """

    filename: str
    purpose: str
    size: int
    expires_after: Mapping[str, Any] | None = None
    has_unique_name: bool = False
    sha256: str | None = None
    identity: str | None = None

    def matches(self, file: FileObject) -> bool:
        """Return whether a file at the service may be the result of this upload."""
        return (file.filename, file.bytes, file.purpose) == (self.filename, self.size, self.purpose)

    @property
    def mime_type(self) -> str:
        """MIME type of the content."""
        if self.filename.endswith(".jsonl"):
            return "text/jsonl"
        return guess_type(self.filename)[0] or "application/octet-stream"

    def is_multipart(self, settings: Settings) -> bool:
        """Return whether the file is sent in parts instead of in a single request."""
        limit = min(settings.multipart_threshold * MEGABYTE, MAX_SINGLE_UPLOAD)
        return self.size > limit and _supports_parts(self.purpose, settings.profile)

    def part_size(self, settings: Settings) -> int:
        """Return the size of each part in bytes. The last part may be smaller.

        The usual size is a quarter of `multipart_threshold`. It is larger if the file would need too many parts.
        """
        usual = int(settings.multipart_threshold * MEGABYTE / 4) or LARGEST_USUAL_PART
        return max(min(usual, LARGEST_USUAL_PART), ceil(self.size / MOST_PARTS))

    def key(self, settings: Settings) -> str | None:
        """Return the key of the upload in the resume store, or None if the resource is unknown."""
        if self.identity is None:
            return None
        account = (settings.base_url, settings.organization, settings.project)
        content = json.dumps([*account, self.identity, self.filename, self.purpose, self.size])
        return hashlib.sha256(content.encode()).hexdigest()


def too_large(size: int, purpose: str, profile: Profile) -> str | None:
    """Return the error for a file that exceeds the service's size limit, in bytes, or None."""
    if _supports_parts(purpose, profile):
        return size_error(size, MAX_MULTIPART_UPLOAD)
    if problem := size_error(size, MAX_SINGLE_UPLOAD):
        reason = f"purpose {purpose!r}" if profile.supports("uploads") else f"the service {profile.name!r}"
        return f"{problem} ({reason} does not support multipart uploads, see openai-ft:unsupportedFeatures)"
    return None


def _supports_parts(purpose: str, profile: Profile) -> bool:
    return purpose in PURPOSES_IN_PARTS and profile.supports("uploads")


def size_error(size: int, limit: int) -> str | None:
    """Return the error for a file that exceeds a size limit in bytes, or None."""
    if size <= limit:
        return None
    return f"{size} bytes exceed the upload limit of {limit} bytes: split the file or remove rows"
