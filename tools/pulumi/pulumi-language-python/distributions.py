"""Print the installed distributions as JSON, each with the places of its pulumi-plugin.json."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import re
import sys
from pathlib import Path


def first_in(folders: list[str]) -> str:
    """Return the first pulumi-plugin.json in some folders, "" if there is none."""
    files = [Path(folder, "pulumi-plugin.json") for folder in folders]
    return next((str(file) for file in files if file.is_file()), "")


def imported(module: str) -> str:
    """Return pulumi-plugin.json of the package that Python would import."""
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return ""
    return first_in(list(spec.submodule_search_locations or ())) if spec else ""


def described(distribution: importlib.metadata.Distribution) -> dict[str, str]:
    """Return a distribution as the language host reads it, {} if it has no name."""
    metadata = distribution.metadata  # parsed at each access
    name = metadata["Name"]
    if not name:
        return {}
    module = name.replace("-", "_")
    return {
        "name": re.sub("[-_.]+", "-", name).lower(),
        "version": metadata["Version"],
        "imported": imported(module),
        "beside": first_in([str(distribution.locate_file(module))]),
    }


if __name__ == "__main__":
    found = (described(one) for one in importlib.metadata.distributions())
    json.dump([one for one in found if one], sys.stdout)
