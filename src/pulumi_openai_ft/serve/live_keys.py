"""The keys of a running service, which follow its configuration file."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from pulumi_openai_ft.serve.config import read_keys
from pulumi_openai_ft.serve.errors import ServeError
from pulumi_openai_ft.serve.keys import Key, find_key

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_log = logging.getLogger(__name__)


class LiveKeys:
    """The keys of a configuration file. A key that is added or removed takes effect with the next request.

    If the file cannot be read or contains mistakes in its keys, the last valid keys remain, and the log names the
    mistakes once.
    """

    def __init__(self, path: Path, keys: Sequence[Key]) -> None:
        self._path = path
        self._keys = tuple(keys)
        self._version = self._current_version()

    def find(self, text: str) -> Key | None:
        """Return the entry of a key's text, or None if no key has this text."""
        version = self._current_version()
        if version != self._version:
            self._version = version
            self._reload()
        return find_key(self._keys, text)

    def _reload(self) -> None:
        try:
            self._keys = read_keys(self._path)
        except ServeError as error:
            _log.warning("The keys are unchanged because %s", error)

    def _current_version(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size
