"""Checks of a local training file during a preview."""

from __future__ import annotations

from threading import Lock
from typing import TYPE_CHECKING, Any

from pulumi_openai_ft._provider.input_models import redacted_repr
from pulumi_openai_ft._provider.progress.status_row import ReadProgressReporter
from pulumi_openai_ft._shared.lazy_module import LazyModule
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pulumi_openai_ft._provider.host_interface import Host
    from pulumi_openai_ft.training_data import Report

_training_data = LazyModule("training_data")
TRAINS = "fine-tune"
"""Purpose of files whose rows are checked. It is also the default purpose."""
ERROR, OFF = "error", "off"
"""Values of `validate`: fail the preview, and skip the check."""
STRICT_SERVICES = frozenset({"openai", "azure", "self-hosted"})
"""Services that reject files with problems. Other services may accept such files, so problems are warnings there."""

_locks_by_path: dict[str, Lock] = {}
"""Locks by path, so that two resources with the same file do not read it twice: the second finds a cached report."""


def check(path: str, host: Host, **options: Any) -> Report:
    """Check a training file, and display the progress in the resource's row if it takes long.

    Args:
        path: Path of the file.
        host: The host that displays the progress.
        options: Further arguments of `training_data.check`.

    Raises:
        InputError: The file cannot be read.
        CommandInterruptedError: The user interrupted the command while the file was read.
    """
    with _locks_by_path.setdefault(path, Lock()):
        found: Report = _training_data.check(path, progress=ReadProgressReporter(host), **options)
    return found


def report(inputs: Mapping[str, Any], host: Host, service: str) -> Report | None:
    """Check the local file of a `File` for a service, by the method that most of its rows are written for.

    Returns:
        The report, or None if the inputs have no local file or its purpose is not `fine-tune`.

    Raises:
        InputError: The file cannot be read.
    """
    path, sha256 = inputs.get("file"), inputs.get("sha256")
    if not isinstance(path, str) or (inputs.get("purpose") or TRAINS) != TRAINS:
        return None
    return check(path, host, service=service, sha256=sha256 if isinstance(sha256, str) else None)


def row_counts(inputs: Mapping[str, Any], host: Host, service: str) -> dict[str, int | None]:
    """Return the outputs `example_count` and `token_count` of a `File`. They are None if they cannot be counted."""
    try:
        found = report(inputs, host, service)
    except InputError:
        found = None
    if found and found.sha256 != inputs.get("sha256", found.sha256):  # the file has changed since
        found = None
    return {
        "example_count": found.examples if found else None,
        "token_count": found.tokens if found else None,
    }


def errors(inputs: Mapping[str, Any], host: Host, service: str) -> list[str]:
    """Return messages about the problems in a `File` that the service would reject."""
    try:
        found = report(inputs, host, service)
    except InputError as error:
        return [f"file: {error}"]
    return _prefixed_messages(inputs, found.messages(_training_data.Severity.ERROR)) if found else []


def warnings(inputs: Mapping[str, Any], host: Host, service: str) -> list[str]:
    """Return the probable mistakes in a `File`, one message for each kind."""
    try:
        found = report(inputs, host, service)
    except InputError:
        return []
    return _prefixed_messages(inputs, _by_kind(found)) if found else []


def is_error_level(validate: Any, service: str) -> bool:
    """Return whether problems fail the preview for a service. Otherwise, they are warnings."""
    return bool(validate == ERROR) or (validate is None and service in STRICT_SERVICES)


def prefixed(name: str, path: str, messages: Iterable[str]) -> list[str]:
    """Prefix the messages about a file with the input and the path.

    Args:
        name: Name of the input that refers to the file.
        path: Path of the file, redacted if it is secret.
        messages: The messages.
    """
    return [f"{name}: {path}: {message}" for message in messages]


def _prefixed_messages(inputs: Mapping[str, Any], messages: Iterable[str]) -> list[str]:
    return prefixed("file", redacted_repr(inputs, "file", inputs["file"]), messages)


def _by_kind(found: Report) -> list[str]:
    """Return the first warning of each kind and the number of further warnings of this kind."""
    warning = _training_data.Severity.WARNING
    first = {problem.kind: problem for problem in reversed(found.problems) if problem.severity is warning}
    more = {kind: found.counts[kind] - 1 for kind in first}
    return [
        f"{problem}{f' (and {more[kind]:,} more like it)' if more[kind] else ''}"
        for kind, problem in first.items()
    ]
