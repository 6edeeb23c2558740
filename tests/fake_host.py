"""A host for providers in tests, which records messages instead of printing them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

from pulumi_openai_ft._provider.host_interface import Host
from pulumi_openai_ft.errors import CommandInterruptedError


@dataclass(kw_only=True, slots=True)
class FakeHost(Host):
    """A host that records messages and progress.

    Attributes:
        checks_until_interrupt: The number of interruption checks that pass before one raises.
        is_interrupted: Whether the user has interrupted the command.
        messages: All messages, warnings included.
        warnings: The messages that are warnings.
        statuses: All status lines.
    """

    shows_progress: ClassVar[bool] = True
    checks_until_interrupt: int = 10**9
    is_interrupted: bool = False
    messages: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    statuses: list[str] = field(default_factory=list)

    def info(self, message: str) -> None:
        self.messages.append(message)

    def warn(self, message: str) -> None:
        self.warnings.append(message)
        self.info(message)

    def set_status(self, line: str) -> None:
        self.statuses.append(line)

    def raise_if_interrupted(self) -> None:
        self.checks_until_interrupt -= 1
        if self.checks_until_interrupt < 0:
            raise CommandInterruptedError("the command was interrupted")


@dataclass(kw_only=True, slots=True)
class PreviewingHost(FakeHost):
    """A host whose previews call `preview_outputs`, as this package's host does."""

    previews_creates: ClassVar[bool] = True
