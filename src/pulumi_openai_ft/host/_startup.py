"""Fast startup: some modules are imported only on first use.

Import this module before any other, because the import installs the hooks.
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
"""A module that `import pulumi` loads, which takes a fifth of the startup time. Few providers use it."""


@contextmanager
def loading() -> Iterator[None]:
    """Pause garbage collection during imports.

    Modules are never freed, and scanning them takes a quarter of the time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


class _LazyFinder:
    """A module finder that runs the code of `AUTOMATION` when an attribute is first read."""

    @staticmethod
    def find_spec(
        name: str, path: Sequence[str] | None = None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return the module's spec with a lazy loader; see `sys.meta_path`."""
        spec = PathFinder.find_spec(name, path) if name == AUTOMATION else None
        if spec and spec.loader:
            spec.loader = LazyLoader(spec.loader)
        return spec


sys.meta_path.insert(0, _LazyFinder)
# httpx works without its command-line module, which takes longer to import than the rest of httpx
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
