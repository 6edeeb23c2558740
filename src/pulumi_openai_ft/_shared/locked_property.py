"""Properties that are made once."""

from __future__ import annotations

from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    locked_cached_property = cached_property
else:

    class locked_cached_property(cached_property):  # noqa: N801 - reads like the decorator that it is
        """A property that is made once, however many threads ask for it first: two pollers would see half each.

        Since Python 3.12 `cached_property` promises that no more.
        """

        def __init__(self, make: Any) -> None:
            super().__init__(make)
            self._making = RLock()

        def __get__(self, instance: Any, owner: type | None = None) -> Any:
            with self._making:
                return super().__get__(instance, owner)
