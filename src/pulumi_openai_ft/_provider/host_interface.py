"""Interface between a provider and its host process."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pulumi.dynamic import CreateResult

from pulumi_openai_ft._provider.redaction import redacted
from pulumi_openai_ft._provider.wait_limit import timeout_in
from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource
from pulumi_openai_ft.errors import IncompleteResourceError, OpenAIFTError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


@dataclass(slots=True)
class Host:
    """The capabilities of Pulumi's stock host, which are few. This package's host (`host/`) overrides them.

    Attributes:
        time: Clocks, and a sleep that ends early when the user interrupts the command.
    """

    time: TimeSource = REAL_TIME
    shows_progress: ClassVar[bool] = False
    """Whether `set_status` displays anything."""
    previews_creates: ClassVar[bool] = False
    """Whether a preview calls `preview_outputs`. Otherwise, only `check` and `diff` can print messages at preview."""

    def info(self, message: str) -> None:
        """Print a message for the user. The engine includes stderr in its diagnostics."""
        with suppress(BrokenPipeError):  # the engine was killed
            sys.stderr.write(f"{redacted(message)}\n")
            sys.stderr.flush()

    def warn(self, message: str) -> None:
        """Print a warning for the user."""
        self.info(message)

    def set_status(self, line: str) -> None:
        """Display the progress of an operation until the next call."""

    def custom_timeout(self, operation: str, props: Mapping[str, Any]) -> float | None:
        """Return the `custom_timeouts` of the current operation in seconds, or None without one.

        The stock host does not pass on the engine's value, so it is read from the properties.
        """
        return timeout_in(props, operation)

    @property
    def is_interrupted(self) -> bool:
        """Whether the user has interrupted the command and the host has been notified."""
        return False

    def raise_if_interrupted(self) -> None:
        """Check that the command was not interrupted. Call this right before creating an object at the service.

        Raises:
            CommandInterruptedError: The user has interrupted the command.
        """

    def complete_create(self, created: CreateResult, rest: Callable[[], CreateResult]) -> CreateResult:
        """Finish a create after the object exists at the service, without losing its id.

        The stock host loses the id if the provider raises an error. Therefore, it prints the error and records the
        resource in its current state, and the next `up` continues from that state.

        Args:
            created: The resource to record if `rest` fails.
            rest: Performs the remaining steps and returns the final resource.
        """
        try:
            return rest()
        except OpenAIFTError as error:
            self.info(str(error))
            outs = error.outs if isinstance(error, IncompleteResourceError) else created.outs
            return CreateResult(created.id, outs)
