"""Only the install page, with a warning, shows how to install from an index, as the package is not published
yet.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.docs.pages import ROOT, text_files

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = text_files("README.md", "docs", "examples", "policies", "src")
NAME_ALONE = r"(?<![\w./\-\[])pulumi[-_]openai[-_]ft"
INSTALLS_NAME = re.compile(
    rf"\b(?:install|add|require\w*)\b[^\n]*?{NAME_ALONE}(?![\w.-])|{NAME_ALONE}\[[\w,]+\]"
)
"""A command, or an entry of a requirements file, that has to be resolved by an index."""


def test_the_pattern_matches_names_but_not_paths() -> None:
    for text in (
        "pip install pulumi-openai-ft",
        "uv add 'pulumi-openai-ft[tokens]'",
        "pulumi-openai-ft[policies]",
    ):
        assert INSTALLS_NAME.search(text), text
    for text in (
        "pip install ../pulumi-openai-ft",
        "pip install '../pulumi-openai-ft[emulator,tokens]'",
        "./vendor/pulumi_openai_ft-0.1.0-py3-none-any.whl[policies]",
        "import pulumi_openai_ft as openai_ft",
    ):
        assert not INSTALLS_NAME.search(text), text


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_page_installs_only_the_name(path: Path) -> None:
    found = [line for line in path.read_text("utf-8", "replace").splitlines() if INSTALLS_NAME.search(line)]

    assert found == []


def test_the_install_page_names_every_extra() -> None:
    page = (ROOT / "docs" / "install.md").read_text()
    extras = re.search(
        r"\[project\.optional-dependencies\]\n(.*?)\n\n", (ROOT / "pyproject.toml").read_text(), re.DOTALL
    )

    assert extras
    names = re.findall(r"^(\w+) = ", extras[1], re.MULTILINE)
    assert len(names) >= 3
    assert [name for name in names if f"| `{name}` |" not in page] == []
