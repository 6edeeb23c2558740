"""The site builds without warnings, and a browser that shows it sends no request to another host."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from tests.docs.pages import DOCS, PAGES, ROOT
from tools.docs.conf import MENU

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.xdist_group("site")  # one build for all tests
LOADED = {"link": "href", "script": "src", "img": "src", "iframe": "src", "source": "src"}
DISTRIBUTORS = re.compile(r"unpkg\.com|jsdelivr\.net|cdnjs|googleapis\.com|gstatic\.com")


class Assets(HTMLParser):
    """The addresses that a page makes a browser load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        address = dict(attrs).get(LOADED.get(tag, ""))
        if address:
            self.found.append(address)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site in the same way as `make docs`."""
    folder = tmp_path_factory.mktemp("site")
    command = [
        sys.executable,
        "-m",
        "sphinx",
        "--quiet",
        "--fail-on-warning",
        "--keep-going",
        "--conf-dir",
        "tools/docs",
    ]
    built = subprocess.run([*command, "docs", folder], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (built.returncode, built.stderr) == (0, "")
    return folder


def test_every_page_is_in_the_menu_once() -> None:
    listed = [page for pages in MENU.values() for page in pages]

    assert sorted(["index", *listed]) == sorted(PAGES.keys() - {"README"})


def test_every_page_is_built_with_its_title(site: Path) -> None:
    for page in PAGES.keys() - {"README"}:
        title = (DOCS / page).with_suffix(".md").read_text().partition("\n")[0].removeprefix("# ")
        assert f"<title>{title}" in (site / page).with_suffix(".html").read_text(), page


def test_pages_contain_tables_generated_from_the_source(site: Path) -> None:
    text = (site / "resources" / "fine_tuning_job.html").read_text()

    assert '<section id="supervisedhyperparameters">' in text
    assert "Number of passes over the training data, 1 to 50." in text
    assert "&lt;!-- inputs" not in text


def test_nothing_is_loaded_from_another_host(site: Path) -> None:
    pages, sheets, scripts = (list(site.rglob(f"*.{suffix}")) for suffix in ("html", "css", "js"))

    assert len(pages) >= len(PAGES.keys() - {"README"})
    assert sheets
    assert scripts
    for page in pages:
        assets = Assets()
        assets.feed(page.read_text())
        assert assets.found, page
        assert [address for address in assets.found if re.match(r"(https?:)?//", address)] == [], page
    for sheet in sheets:
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", sheet.read_text()), sheet
    assert [path.name for path in scripts if DISTRIBUTORS.search(path.read_text())] == []
