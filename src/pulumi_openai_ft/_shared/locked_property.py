"""A thread-safe `functools.cached_property`."""

from __future__ import annotations

from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    locked_cached_property = cached_property
else:

    class locked_cached_property(cached_property):  # noqa: N801 - named like the decorator that it replaces
        """A cached property that is computed once, even if several threads read it first at the same time.

        `functools.cached_property` no longer guarantees this since Python 3.12. Without it, two threads could, for
        example, create two pollers that each know only half of the jobs.
        """

        def __init__(self, compute: Any) -> None:
            super().__init__(compute)
            self._computing = RLock()

        def __get__(self, instance: Any, owner: type | None = None) -> Any:
            with self._computing:
                return super().__get__(instance, owner)
