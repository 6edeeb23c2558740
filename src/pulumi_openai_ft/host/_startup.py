"""How this process loads modules: in little time, and some only when somebody uses them.

Importing this arranges for the latter, so it comes first.
"""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import LazyLoader
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

AUTOMATION = "pulumi.automation"
"""`import pulumi` loads it, which takes a fifth of the time, and hardly a provider uses it."""


@contextmanager
def loading() -> Iterator[None]:
    """Modules stay: looking through all of them for garbage, again and again, takes a quarter of the time."""
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


class _Lazily:
    """Finds modules whose code runs at the first use of an attribute."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """As of an entry of `sys.meta_path`."""
        spec = PathFinder.find_spec(name, path) if name == AUTOMATION else None
        if spec and spec.loader:
            spec.loader = LazyLoader(spec.loader)
        return spec


sys.meta_path.insert(0, _Lazily)
# httpx goes without its command line where that is missing, and loading that takes longer than the rest of it
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
