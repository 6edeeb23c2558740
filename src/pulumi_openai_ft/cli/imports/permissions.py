"""Search for checkpoints that are shared with projects.

OpenAI allows few requests with the admin key, 7 to 10 per minute in some organizations, and each checkpoint needs a request.
The responses are stored, so that an interrupted search continues.
"""

from __future__ import annotations

import hashlib
import json
import math
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import TypeAdapter

from pulumi_openai_ft._client.rate_limit import PER_MINUTE
from pulumi_openai_ft._shared.cache_dir import cache_dir, write_cache_file
from pulumi_openai_ft.cli.imports.import_list import Omission
from pulumi_openai_ft.errors import NotFoundError, OpenAIFTError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pulumi_openai_ft._client.client import Client
    from pulumi_openai_ft._settings import Settings
    from pulumi_openai_ft.cli.imports.checkpoints import Checkpoint

MOST_PER_MINUTE = 10
"""Requests per minute with an admin key that OpenAI allows at most in organizations that it limits."""
VALID_SECONDS = 24 * 3600.0
"""Age of the stored responses at which checkpoints are checked again."""
_RESPONSES = TypeAdapter(dict[str, tuple[float, bool]])


@dataclass
class StoredResponses:
    """The responses of the service, in a file of the user's cache.

    Attributes:
        file: The file.
        shared: Whether each checkpoint has permissions, by name, with the time of the response in Unix seconds.
    """

    file: Path
    shared: dict[str, tuple[float, bool]] = field(default_factory=dict)

    @classmethod
    def load(cls, settings: Settings, now: float, *, refresh: bool = False) -> StoredResponses:
        """Return the responses that are still valid.

        Args:
            settings: The settings, which determine the organization.
            now: The time in Unix seconds.
            refresh: Whether to ignore the stored responses.
        """
        scope = f"{settings.base_url}\n{settings.organization or ''}"
        name = f"{hashlib.sha256(scope.encode()).hexdigest()[:16]}.json"
        responses = cls(cache_dir("import-permissions") / name)
        if not refresh:
            with suppress(OSError, ValueError):  # a missing or damaged file stores no responses
                stored = _RESPONSES.validate_json(responses.file.read_bytes())
                responses.shared = {name: found for name, found in stored.items() if _is_valid(found[0], now)}
        return responses

    def store(self, checkpoint: str, now: float, *, is_shared: bool) -> None:
        """Store a response. A cache that cannot be written only costs further requests."""
        self.shared[checkpoint] = (now, is_shared)
        with suppress(OSError):
            write_cache_file(self.file, json.dumps(self.shared).encode())


@dataclass
class PermissionSearch:
    """A search for checkpoints with permissions.

    Attributes:
        api: The client.
        responses: The stored responses.
        now: Returns the time in Unix seconds.
        note: Prints a message for the user.
        show: Displays the number of checked checkpoints, and the number of all.
    """

    api: Client
    responses: StoredResponses
    now: Callable[[], float]
    note: Callable[[str], None]
    show: Callable[[int, int], None] = lambda _done, _all: None

    def find(self, candidates: Sequence[Checkpoint]) -> tuple[list[Checkpoint], list[Omission]]:
        """Return the shared checkpoints, and the omissions.

        Raises:
            OpenAIFTError: A request failed. The next search continues.
        """
        pending = [candidate for candidate in candidates if candidate.name not in self.responses.shared]
        self.note(estimate(len(pending), len(candidates)))
        omissions, number = [], 0
        try:
            for number, candidate in enumerate(pending):
                self.show(number, len(pending))
                if not self._check(candidate):
                    omissions.append(Omission(candidate.name, "the service has no permissions for this name"))
        except (KeyboardInterrupt, OpenAIFTError):
            self.note(f"checked {number} of {len(pending)} checkpoints; run the command again to continue")
            raise
        shared = [candidate for candidate in candidates if self._is_shared(candidate)]
        return shared, omissions

    def _check(self, candidate: Checkpoint) -> bool:
        """Request the permissions of a checkpoint, and return whether the service knows it."""
        unreadable: list[str] = []
        try:
            found = [*self.api.permissions(candidate.name, limit=1, unreadable=unreadable), *unreadable]
        except NotFoundError:
            return False
        self.responses.store(candidate.name, self.now(), is_shared=bool(found))
        return True

    def _is_shared(self, candidate: Checkpoint) -> bool:
        return self.responses.shared.get(candidate.name, (0.0, False))[1]


def _is_valid(responded_at: float, now: float) -> bool:
    return 0 <= now - responded_at < VALID_SECONDS


def estimate(pending: int, candidates: int) -> str:
    """Return the number of admin requests and their likely duration, for the user."""
    stored = candidates - pending
    reused = f"; {stored} of {candidates} were checked in the last 24 hours" if stored else ""
    if not pending:
        return f"no admin requests are needed{reused}"
    fast, slow = math.ceil(pending / MOST_PER_MINUTE), math.ceil(pending / PER_MINUTE)
    duration = f"{fast} to {slow} minutes" if slow > fast else f"about {slow} minute{'s' if slow > 1 else ''}"
    return (
        f"checking the permissions of {pending} checkpoint{'s' if pending > 1 else ''}, with a request each: {duration} "
        f"if the organization's admin keys are limited to {PER_MINUTE} to {MOST_PER_MINUTE} requests per minute{reused}. "
        f"You can press Ctrl-C: the next run continues"
    )
