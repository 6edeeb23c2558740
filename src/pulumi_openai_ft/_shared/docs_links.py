"""Links to the pages of the documentation that explain a message."""

from __future__ import annotations

from functools import cache
from importlib import metadata

DISTRIBUTION = "pulumi-openai-ft"
SHUTDOWN = "openai-shutdown.md#warnings-and-errors"
MODEL_CATALOG = "settings.md#model-catalog"
RENAMED_RESOURCES = "how-it-works.md#renamed-and-moved-resources"
PAGES = (SHUTDOWN, MODEL_CATALOG, RENAMED_RESOURCES)
"""Pages and their sections, relative to `docs/`."""


def docs_link(page: str) -> str:
    """Return the address of a page of `PAGES`, or its path in the repository if the package is not installed."""
    return f"{_folder()}/{page}"


@cache
def _folder() -> str:
    """Return the address of the documentation's folder, from the metadata of the package."""
    try:
        entries: list[str] = metadata.metadata(DISTRIBUTION).get_all("Project-URL", [])
    except metadata.PackageNotFoundError:
        return "docs"
    return dict(entry.split(", ", 1) for entry in entries)["Documentation"].rpartition("/")[0]
