"""A file as it is to be at the service, and by which way it gets there."""

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
"""The official client sends the largest file in 128 parts, so nobody has seen a service that takes more."""


@dataclass(frozen=True)
class UploadRequest:
    """A file as it is to be uploaded.

    Attributes:
        filename: Name at the service.
        purpose: What the service may use the file for.
        size: Bytes.
        expires_after: When the service deletes it, in the API's form.
        is_ours: Whether the name tells that nobody else can have uploaded it.
        sha256: Hash of the content as the program saw it.
        token: Tells the resource and its content from all others, where the resource is known.
    """

    filename: str
    purpose: str
    size: int
    expires_after: Mapping[str, Any] | None = None
    has_unique_name: bool = False
    sha256: str | None = None
    token: str | None = None

    def matches(self, file: FileObject) -> bool:
        """Whether a file at the service may be this one."""
        return (file.filename, file.bytes, file.purpose) == (self.filename, self.size, self.purpose)

    @property
    def mime_type(self) -> str:
        """What the content is, as the API wants to know it."""
        if self.filename.endswith(".jsonl"):
            return "text/jsonl"
        return guess_type(self.filename)[0] or "application/octet-stream"

    def is_multipart(self, settings: Settings) -> bool:
        """Whether it is sent in parts rather than in one piece."""
        limit = min(settings.multipart_threshold * MEGABYTE, MAX_SINGLE_UPLOAD)
        return self.size > limit and _takes_parts(self.purpose, settings.profile)

    def part_size(self, settings: Settings) -> int:
        """Bytes of each part but the last: a quarter of what would still go in one piece, unless they are too many."""
        usual = int(settings.multipart_threshold * MEGABYTE / 4) or LARGEST_USUAL_PART
        return max(min(usual, LARGEST_USUAL_PART), ceil(self.size / MOST_PARTS))

    def key(self, settings: Settings) -> str | None:
        """Under what this machine remembers the upload; None where the resource is not known."""
        if self.token is None:
            return None
        place = (settings.base_url, settings.organization, settings.project)
        told = json.dumps([*place, self.token, self.filename, self.purpose, self.size])
        return hashlib.sha256(told.encode()).hexdigest()


def too_large(size: int, purpose: str, profile: Profile) -> str | None:
    """Why the service cannot take a file of so many bytes, if it cannot."""
    if _takes_parts(purpose, profile):
        return size_error(size, MAX_MULTIPART_UPLOAD)
    if problem := size_error(size, MAX_SINGLE_UPLOAD):
        reason = f"purpose {purpose!r}" if profile.supports("uploads") else f"the service {profile.name!r}"
        return f"{problem} as {reason} takes no uploads in parts (see openai-ft:unsupportedFeatures)"
    return None


def _takes_parts(purpose: str, profile: Profile) -> bool:
    return purpose in PURPOSES_IN_PARTS and profile.supports("uploads")


def size_error(size: int, limit: int) -> str | None:
    """Why so many bytes are too many, if they are."""
    if size <= limit:
        return None
    return f"{size} bytes are more than the {limit} that can be uploaded: split the file, or leave rows out"
