"""Configuration of Sphinx, which builds a site from the pages in `docs/`: `make docs`.

The pages are ordinary Markdown that is readable without Sphinx. Sphinx adds the menu and the parts of the reference that
`reference.py` generates from the source.
"""

from __future__ import annotations

from importlib.metadata import version as version_of
from typing import TYPE_CHECKING

from tools.docs.reference import expanded

if TYPE_CHECKING:
    from sphinx.application import Sphinx

MENU = {
    "Start": ["install", "quickstart", "troubleshooting", "examples", "coming-from-terraform"],
    "Resources": [
        "resources/file",
        "resources/fine_tuning_job",
        "resources/checkpoint_permission",
        "resources/fine_tuned_model",
    ],
    "Functions": [
        "functions/index",
        "functions/get_fine_tuning_job",
        "functions/get_fine_tuning_jobs",
        "functions/get_fine_tuning_checkpoints",
        "functions/get_fine_tuning_events",
        "functions/get_fine_tuning_metrics",
        "functions/best_checkpoint",
        "functions/get_fine_tuning_checkpoint_permissions",
        "functions/get_file",
        "functions/get_files",
        "functions/get_model",
        "functions/get_models",
    ],
    "Types": ["types"],
    "Guides": [
        "provider-host",
        "import",
        "waiting",
        "look",
        "settings",
        "keys",
        "errors",
        "services",
        "openai-api",
        "openai-shutdown",
        "multiple-projects",
        "automation",
        "policies",
        "ci",
        "training-data",
        "testing",
        "emulator",
        "self-hosting",
        "cluster",
        "moving-from-openai",
        "trainer",
        "answers",
        "recording",
        "limitations",
    ],
    "Inside": ["how-it-works", "benchmarks", "architecture", "releasing"],
}

project = "pulumi-openai-ft"
release = version = version_of(project)
html_title = project
html_theme = "furo"
html_show_copyright = html_copy_source = html_show_sourcelink = False
extensions = ["myst_parser"]
myst_heading_anchors = 4
nitpicky = True
smartquotes = False  # keeps quotes and dashes unchanged
suppress_warnings = ["misc.highlighting_failure"]  # samples omit parts with …


def setup(app: Sphinx) -> None:
    """Register the function that completes pages."""
    app.connect("source-read", _complete)


def _complete(_app: Sphinx, page: str, source: list[str]) -> None:
    source[0] = expanded(source[0])
    if page == "index":
        source[0] += "".join(_menu(title, pages) for title, pages in MENU.items())


def _menu(title: str, pages: list[str]) -> str:
    listed = "\n".join(pages)
    return f"\n\n```{{toctree}}\n:caption: {title}\n:hidden:\n\n{listed}\n```\n"
