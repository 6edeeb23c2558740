"""Explanations of exceptions that a person can resolve."""

from __future__ import annotations

import errno
import re
from typing import TYPE_CHECKING

from pulumi_openai_ft.trainer.errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Iterator

_FULL_DISK = re.compile(
    r"no space left on device|disk quota exceeded|os error 28|os error 122", re.IGNORECASE
)
# PyTorch's writer of archives does not report the reason of a failed write.
_FAILED_WRITE = re.compile(r"PytorchStreamWriter failed|unexpected pos \d+ vs", re.IGNORECASE)
_NO_MEMORY = re.compile(r"out of memory|can't allocate memory|not enough memory", re.IGNORECASE)


def explain(error: Exception) -> TrainingError | None:
    """Return the error to report for an exception, or None for a fault of the program."""
    for cause in _causes(error):
        if isinstance(cause, TrainingError):
            return cause
        if _is_full_disk(cause):
            return TrainingError(
                "insufficient_storage",
                "The service's disk is full: free some space, then create the job again.",
            )
        if isinstance(cause, MemoryError) or _NO_MEMORY.search(str(cause)):
            return TrainingError(
                "out_of_memory",
                "The model and a batch do not fit into the memory of the service's machine: "
                "use a smaller batch_size, shorter rows, or a smaller model.",
                "batch_size",
            )
    return None


def _is_full_disk(error: BaseException) -> bool:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return True
    return bool(_FULL_DISK.search(str(error)) or _FAILED_WRITE.search(str(error)))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
