"""What a provider may ask of the process that it runs in."""

from __future__ import annotations

import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from pulumi.dynamic import CreateResult

from pulumi_openai_ft._shared.clock import REAL_TIME, TimeSource
from pulumi_openai_ft.errors import IncompleteResourceError, OpenAIFTError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Host:
    """The stock host. It cannot do much: our own host (`host/`) overrides what it can do better.

    Attributes:
        time: Clocks, and a sleep that ends early when the user interrupts the command.
    """

    time: TimeSource = REAL_TIME
    shows_progress: ClassVar[bool] = False
    """Whether anybody sees what `show` shows."""

    def info(self, message: str) -> None:
        """Tells the user something worth keeping: the engine shows stderr among its diagnostics."""
        with suppress(BrokenPipeError):  # nobody reads what a host says whose engine was killed
            sys.stderr.write(f"{message}\n")
            sys.stderr.flush()

    def warn(self, message: str) -> None:
        """Tells the user something that they may want to change."""
        self.info(message)

    def set_status(self, line: str) -> None:
        """Shows how far an operation is, until the next line comes."""

    @property
    def is_interrupted(self) -> bool:
        """Whether the user has interrupted the command, and this host was told."""
        return False

    def raise_if_interrupted(self) -> None:
        """Makes sure, right before something is created, that the user has not taken the command back.

        Raises:
            CommandInterruptedError: They have.
        """

    def complete_create(self, created: CreateResult, rest: Callable[[], CreateResult]) -> CreateResult:
        """Does what is left of a create once the resource exists.

        The id must not be lost any more. The stock host loses it with whatever is raised, so there trouble is told,
        and the resource is recorded as it is; the next `up` goes on from there.

        Args:
            created: The resource as it is recorded where `rest` fails.
            rest: Gives the resource as it is in the end.
        """
        try:
            return rest()
        except OpenAIFTError as error:
            self.info(str(error))
            outs = error.outs if isinstance(error, IncompleteResourceError) else created.outs
            return CreateResult(created.id, outs)
