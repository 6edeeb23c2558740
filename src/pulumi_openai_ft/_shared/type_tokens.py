"""How the engine names what is ours."""

from __future__ import annotations

PACKAGE = "pulumi-python"
OURS = f"{PACKAGE}:dynamic/openai_ft:"
"""How our types begin, and our functions."""
