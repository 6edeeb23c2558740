"""Files that commands read: paths, and `-` for standard input."""

from __future__ import annotations

import shutil
import sys
from contextlib import contextmanager
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STANDARD_INPUT = "-"


@contextmanager
def readable(file: str) -> Iterator[str]:
    """Yield the path of a file. Standard input is copied to a temporary file, because files are read twice.

    Raises:
        InputError: Standard input cannot be copied.
    """
    if file != STANDARD_INPUT:
        yield file
        return
    with NamedTemporaryFile(prefix="openai-ft-", suffix=".jsonl") as copy:
        try:
            shutil.copyfileobj(sys.stdin.buffer, copy)
            copy.flush()
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise InputError(f"standard input cannot be copied to a temporary file: {reason}") from error
        yield copy.name


def require_one_standard_input(files: Sequence[str]) -> None:
    """Require that standard input is read only once.

    Raises:
        InputError: It is listed several times.
    """
    if files.count(STANDARD_INPUT) > 1:
        raise InputError("`-` (standard input) is listed several times; it can be read only once")
