"""Training data on this machine's disk, as previews judge it."""

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
"""The purpose of files whose rows are judged, and the default one."""
ERROR, OFF = "error", "off"
"""Values of `validate`: one that refuses, and one that says nothing."""
STRICT_SERVICES = frozenset({"openai", "azure"})
"""Services whose rules are those by which rows are judged. Another one may take what they refuse."""

_locks_by_path: dict[str, Lock] = {}
"""By path: who asks for a file while it is read for another resource waits, and then mostly finds what they ask for."""


def check(path: str, host: Host, **how: Any) -> Report:
    """What is found in a file; while a long one is read, its resource's row shows how far.

    Args:
        path: The file.
        host: Where it is shown.
        how: As of `training_data.check`.

    Raises:
        InputError: It cannot be read.
        CommandInterruptedError: The user has interrupted the command meanwhile.
    """
    with _locks_by_path.setdefault(path, Lock()):
        found: Report = _training_data.check(path, progress=ReadProgressReporter(host), **how)
    return found


def report(inputs: Mapping[str, Any], host: Host) -> Report | None:
    """What is found in the local file that the inputs of a `File` name.

    Returns:
        None where there is no file to be read, or its rows are none to train on.

    Raises:
        InputError: It cannot be read.
    """
    path, sha256 = inputs.get("file"), inputs.get("sha256")
    if not isinstance(path, str) or (inputs.get("purpose") or TRAINS) != TRAINS:
        return None
    return check(path, host, sha256=sha256 if isinstance(sha256, str) else None)


def row_counts(inputs: Mapping[str, Any], host: Host) -> dict[str, int | None]:
    """The outputs of a `File` that tell rows and tokens; None where they cannot be counted."""
    try:
        found = report(inputs, host)
    except InputError:
        found = None
    if found and found.sha256 != inputs.get("sha256", found.sha256):  # somebody has written to it meanwhile
        found = None
    return {
        "example_count": found.examples if found else None,
        "token_count": found.tokens if found else None,
    }


def errors(inputs: Mapping[str, Any], host: Host) -> list[str]:
    """What the service would refuse in the rows of a `File`, a sentence each."""
    try:
        found = report(inputs, host)
    except InputError as error:
        return [f"file: {error}"]
    return _prefixed_messages(inputs, found.messages(_training_data.Severity.ERROR)) if found else []


def warnings(inputs: Mapping[str, Any], host: Host) -> list[str]:
    """What is likely not as it was meant in the rows of a `File`, a sentence for each kind."""
    try:
        found = report(inputs, host)
    except InputError:
        return []
    return _prefixed_messages(inputs, _by_kind(found)) if found else []


def is_error_level(validate: Any, service: str) -> bool:
    """Whether what is found is refused at a service, rather than told."""
    return bool(validate == ERROR) or (validate is None and service in STRICT_SERVICES)


def prefixed(name: str, path: str, sentences: Iterable[str]) -> list[str]:
    """What was found in a file, as is told of the input that names it.

    Args:
        name: The input.
        path: The file's path, as it may be shown.
        sentences: What was found.
    """
    return [f"{name}: {path}: {sentence}" for sentence in sentences]


def _prefixed_messages(inputs: Mapping[str, Any], sentences: Iterable[str]) -> list[str]:
    return prefixed("file", redacted_repr(inputs, "file", inputs["file"]), sentences)


def _by_kind(found: Report) -> list[str]:
    """The first warning of each kind, and how many more there are: a file may have one in each row."""
    warning = _training_data.Severity.WARNING
    first = {one.kind: one for one in reversed(found.problems) if one.severity is warning}
    more = {kind: found.counts[kind] - 1 for kind in first}
    return [
        f"{one}{f' (and {more[kind]:,} more like it)' if more[kind] else ''}" for kind, one in first.items()
    ]
