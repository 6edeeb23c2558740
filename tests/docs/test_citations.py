"""Citations of documents, such as `docs/openai-api.md#errors`, name an existing document and heading."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

import pytest
from markdown_it import MarkdownIt
from mdit_py_plugins.anchors import anchors_plugin
from myst_parser.slugs import SLUG_PRESETS
from tests.docs.pages import DOCS, ROOT, text_files
from tools.docs.reference import expanded

if TYPE_CHECKING:
    from pathlib import Path

CITING = ("src", "tests", "docs", "tools", "benchmarks", "examples", "policies")
TEXTS = text_files(*CITING, "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "Makefile", "pyproject.toml")
DOCUMENTS = [
    path
    for path in text_files(*CITING, "README.md", "CHANGELOG.md", "CONTRIBUTING.md")
    if path.suffix == ".md"
]
IN_OTHER_REPOSITORIES = {"README-CHECKPOINT-PERMISSIONS.md", "README-PERMISSIONS.md"}
"""Documents of the Terraform provider, which docs/coming-from-terraform.md compares with this package."""
_ADDRESS = re.compile(r"https?://\S+")
_CITATION = re.compile(r"(?<![\w./-])(?:\.{1,2}/)*(?P<path>[\w-][\w./-]*\.md)\b(?:#(?P<anchor>[\w-]+))?")
_NUMBERED_SECTION = re.compile(r"\bsections? \d")


class Citation(NamedTuple):
    path: str
    anchor: str | None


def citations(text: str) -> list[Citation]:
    """Return the citations in a text, without web addresses."""
    return [Citation(found["path"], found["anchor"]) for found in _CITATION.finditer(_ADDRESS.sub("", text))]


def is_resolved(citation: Citation) -> bool:
    if citation.path in IN_OTHER_REPOSITORIES:
        return True
    cited = [path for path in DOCUMENTS if f"/{path.relative_to(ROOT)}".endswith(f"/{citation.path}")]
    return any(citation.anchor is None or citation.anchor in anchors(path) for path in cited)


@cache
def anchors(document: Path) -> frozenset[str]:
    """Return the anchors of a document's headings, as GitHub and the built site make them."""
    text = document.read_text("utf-8")
    parser = MarkdownIt().use(anchors_plugin, max_level=6, slug_func=SLUG_PRESETS["github"])
    tokens = parser.parse(expanded(text) if document.is_relative_to(DOCS) else text)
    return frozenset(str(token.attrs["id"]) for token in tokens if token.type == "heading_open")


def test_citations_are_found_in_texts() -> None:
    name = "page" + ".md"

    assert citations(
        f"See docs/{name}#an-anchor. [here](../{name}), https://example.com/{name}, x.md5()"
    ) == [
        Citation(f"docs/{name}", "an-anchor"),
        Citation(name, None),
    ]


@pytest.mark.parametrize(
    ("path", "anchor", "resolved"),
    [
        ("docs/openai-api.md", "rate-limits", True),
        ("docs/openai-api.md", None, True),
        ("openai-api.md", "rate-limits", True),
        ("docs/openai-api.md", "no-such-heading", False),
        ("docs/no-such-page" + ".md", None, False),
        ("nai-api" + ".md", None, False),
        ("resources/fine_tuning_job.md", "supervisedhyperparameters", True),
    ],
)
def test_a_citation_needs_document_and_heading(path: str, anchor: str | None, resolved: bool) -> None:  # noqa: FBT001 - a table
    assert is_resolved(Citation(path, anchor)) is resolved


def test_citations_lead_to_headings_of_this_repository() -> None:
    wrong = {
        str(path.relative_to(ROOT)): unresolved
        for path in TEXTS
        if (
            unresolved := [
                citation
                for citation in citations(path.read_text("utf-8", "replace"))
                if not is_resolved(citation)
            ]
        )
    }

    assert wrong == {}


def test_code_cites_no_section_by_number() -> None:
    code = [path for path in TEXTS if path.suffix == ".py"]

    assert [path for path in code if _NUMBERED_SECTION.search(path.read_text("utf-8"))] == []


def test_code_cites_facts_of_the_api() -> None:
    cited = {
        citation
        for path in TEXTS
        if path.suffix == ".py" and path.is_relative_to(ROOT / "src")
        for citation in citations(path.read_text("utf-8"))
    }

    assert len({citation.anchor for citation in cited if citation.path == "docs/openai-api.md"}) >= 10
