from __future__ import annotations

import pytest
from tests.docs.pages import DOCS
from tests.docs.test_citations import anchors

from pulumi_openai_ft._shared import docs_links
from pulumi_openai_ft._shared.docs_links import PAGES, docs_link


@pytest.mark.parametrize("page", PAGES)
def test_each_link_leads_to_a_section_of_a_page(page: str) -> None:
    name, _, anchor = page.partition("#")

    assert anchor in anchors(DOCS / name)
    assert docs_link(page).startswith("https://")
    assert docs_link(page).endswith(f"/docs/{page}")


def test_copied_sources_link_to_the_repository(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docs_links, "DISTRIBUTION", "not-installed")
    docs_links._folder.cache_clear()

    assert docs_link(PAGES[0]) == f"docs/{PAGES[0]}"

    docs_links._folder.cache_clear()
