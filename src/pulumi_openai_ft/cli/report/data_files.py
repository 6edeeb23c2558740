"""The data files of a job: facts from the service, the stack's state and the content of a file."""

from __future__ import annotations

from dataclasses import dataclass, replace
from tempfile import NamedTemporaryFile
from typing import IO, TYPE_CHECKING, Any, Literal

from pulumi_openai_ft import training_data
from pulumi_openai_ft._client.refusals import refuses_content
from pulumi_openai_ft.errors import ServiceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pulumi_openai_ft._client.client import Client

MAX_CONTENT_BYTES = 64 * 2**20
"""Larger files are not downloaded for a report."""
Part = Literal["training", "validation"]


@dataclass(frozen=True)
class DataFile:
    """A data file. Unknown values are None.

    Attributes:
        part: Its use, `training` or `validation`.
        id: Id at the service.
        filename: Name at the service.
        bytes: Size in bytes.
        created_at: Time of the upload, in Unix seconds.
        sha256: SHA-256 of the content.
        examples: Number of examples.
        tokens: Estimated number of tokens in an epoch.
        source: Where hash and counts come from.
        missing: Reason why values are unknown, or empty.
    """

    part: Part
    id: str
    filename: str | None = None
    bytes: int | None = None
    created_at: int | None = None
    sha256: str | None = None
    examples: int | None = None
    tokens: int | None = None
    source: str = ""
    missing: str = ""


def read_data_file(
    client: Client,
    part: Part,
    file_id: str,
    known: Mapping[str, Any] | None,
    model: str | None,
) -> DataFile:
    """Return the facts about a file. Only if the state does not have the hash, the content is downloaded.

    Args:
        client: The client.
        part: Use of the file.
        file_id: Id of the file.
        known: Outputs of the file in the stack's state, or None.
        model: Base model of the job, which determines how tokens are counted.

    Raises:
        RequestError: The service does not respond, or returns an error other than that the file cannot be read.
    """
    data = DataFile(part, file_id)
    try:
        file = client.file(file_id)
    except ServiceError as error:
        if not refuses_content(error):
            raise
        return _with_state(replace(data, missing="the service does not return this file"), known)
    data = replace(data, filename=file.filename, bytes=file.bytes, created_at=file.created_at)
    data = _with_state(data, known)
    return data if data.sha256 else _with_content(client, data, part, model)


def _with_state(data: DataFile, known: Mapping[str, Any] | None) -> DataFile:
    if not known or not known.get("sha256"):
        return data
    return replace(
        data,
        sha256=known["sha256"],
        examples=known.get("example_count"),
        tokens=known.get("token_count"),
        source="the stack's state",
    )


def _with_content(client: Client, data: DataFile, part: Part, model: str | None) -> DataFile:
    if (data.bytes or 0) > MAX_CONTENT_BYTES:
        return replace(
            data, missing=f"the content is larger than {MAX_CONTENT_BYTES // 2**20} MiB and was not read"
        )
    with NamedTemporaryFile(prefix="openai-ft-", suffix=".jsonl") as copy:
        try:
            is_complete = client.content(data.id, lambda chunks: _copy(chunks, copy))
        except ServiceError as error:
            if not refuses_content(error):
                raise
            return replace(data, missing="the service does not return the content of the file")
        if not is_complete:
            return replace(data, missing="the content is too large and was not read")
        found = training_data.check(copy.name, part=part, model=model)
    return replace(
        data,
        sha256=found.sha256,
        examples=found.examples,
        tokens=found.tokens,
        source="the content at the service",
    )


def _copy(chunks: Iterator[bytes], target: IO[bytes]) -> bool:
    """Copy the content, and return whether it is complete."""
    target.truncate(0)
    target.seek(0)
    for chunk in chunks:
        target.write(chunk)
        if target.tell() > MAX_CONTENT_BYTES:
            return False
    target.flush()
    return True
