from __future__ import annotations

from dataclasses import replace
from math import ceil

import pytest

from pulumi_openai_ft._provider.upload.request import (
    MAX_MULTIPART_UPLOAD,
    MAX_SINGLE_UPLOAD,
    MOST_PARTS,
    UploadRequest,
    too_large,
)
from pulumi_openai_ft._service_profiles import PROFILES
from pulumi_openai_ft._settings import Settings

LARGEST_PART = 64 * 2**20
LARGE = UploadRequest("large.jsonl", "fine-tune", 64_000_001, identity="identity")


@pytest.mark.parametrize(
    ("size", "above", "purpose", "service", "in_parts"),
    [
        (64_000_000, 64.0, "fine-tune", "openai", False),
        (64_000_001, 64.0, "fine-tune", "openai", True),
        (64_000_001, 64.0, "user_data", "openai", False),
        (64_000_001, 64.0, "fine-tune", "generic", False),
        (1, 0.0, "fine-tune", "openai", True),
        (MAX_SINGLE_UPLOAD, 10_000.0, "fine-tune", "openai", False),
        (MAX_SINGLE_UPLOAD + 1, 10_000.0, "fine-tune", "openai", True),
    ],
)
def test_large_files_use_multipart_where_supported(
    size: int, above: float, purpose: str, service: str, *, in_parts: bool
) -> None:
    settings = Settings(multipart_threshold=above, profile=PROFILES[service])

    assert UploadRequest("large.jsonl", purpose, size).is_multipart(settings) is in_parts


@pytest.mark.parametrize("above", [0.0, 0.001, 64.0, 10_000.0])
@pytest.mark.parametrize("size", [1, 64_000_001, MAX_MULTIPART_UPLOAD])
def test_parts_are_neither_too_large_nor_too_many(size: int, above: float) -> None:
    part = UploadRequest("large.jsonl", "fine-tune", size).part_size(Settings(multipart_threshold=above))

    assert 1 <= part <= LARGEST_PART
    assert ceil(size / part) <= MOST_PARTS


@pytest.mark.parametrize(
    ("size", "purpose", "service", "problem"),
    [
        (MAX_MULTIPART_UPLOAD, "fine-tune", "openai", None),
        (
            MAX_MULTIPART_UPLOAD + 1,
            "fine-tune",
            "openai",
            "8589934593 bytes exceed the upload limit of 8589934592 bytes",
        ),
        (MAX_SINGLE_UPLOAD, "evals", "openai", None),
        (MAX_SINGLE_UPLOAD + 1, "evals", "openai", "(purpose 'evals' does not support multipart uploads"),
        (MAX_SINGLE_UPLOAD, "fine-tune", "generic", None),
        (
            MAX_SINGLE_UPLOAD + 1,
            "fine-tune",
            "generic",
            "(the service 'generic' does not support multipart uploads",
        ),
    ],
)
def test_a_too_large_file_is_reported(size: int, purpose: str, service: str, problem: str | None) -> None:
    found = too_large(size, purpose, PROFILES[service])

    assert found is None if problem is None else problem in (found or "")


def test_each_service_project_and_content_has_its_own_key() -> None:
    settings = Settings(base_url="http://one/v1", project="proj_a")
    others = [
        LARGE.key(replace(settings, base_url="http://other/v1")),
        LARGE.key(replace(settings, project="proj_b")),
        replace(LARGE, identity="other").key(settings),
        replace(LARGE, filename="other.jsonl").key(settings),
    ]

    assert len({LARGE.key(settings), *others}) == 5
    assert LARGE.key(settings) == LARGE.key(replace(settings, api_key="sk-proj-another", timeout=3.0))
    assert replace(LARGE, identity=None).key(settings) is None


@pytest.mark.parametrize(
    ("name", "kind"),
    [("a.jsonl", "text/jsonl"), ("a.pdf", "application/pdf"), ("a", "application/octet-stream")],
)
def test_the_content_type_depends_on_the_name(name: str, kind: str) -> None:
    assert UploadRequest(name, "fine-tune", 1).mime_type == kind
