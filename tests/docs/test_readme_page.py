"""The README is short, and its program, commands and transcript are those of the quickstart."""

from __future__ import annotations

import re

from tests.docs.pages import PAGES, samples
from tests.e2e.conftest import TEMPLATE
from tools.docs.conf import MENU

MOST_LINES = 120
FIRST_SCREEN = 25
README, QUICKSTART = PAGES["README"], PAGES["quickstart"]


def test_it_has_at_most_120_lines() -> None:
    assert README.count("\n") <= MOST_LINES


def test_the_first_screen_installs_the_package() -> None:
    first_screen = README.splitlines()[:FIRST_SCREEN]

    assert "pip install '../pulumi-openai-ft[emulator]'" in first_screen


def test_install_commands_are_those_of_the_quickstart() -> None:
    in_readme, in_quickstart = (
        next(sample.text for sample in samples(page) if "pip install" in sample.text)
        for page in ("README", "quickstart")
    )

    assert in_quickstart == f"mkdir support-bot\ncd support-bot\n{in_readme}"


def test_the_program_is_that_of_the_template() -> None:
    (program,) = (sample.text for sample in samples("README") if sample.language == "python")

    assert (TEMPLATE / "__main__.py").read_text().endswith(program)


def test_the_transcript_is_an_excerpt_of_the_quickstart() -> None:
    (transcript,) = (sample.text for sample in samples("README") if "$ pulumi up" in sample.text)
    lines = [line for line in transcript.splitlines() if line and not line.startswith("$ ")]

    assert len(lines) >= 5
    assert [line for line in lines if f"\n{line}\n" not in QUICKSTART] == []


def test_the_table_lists_the_pages_of_the_start() -> None:
    listed = set(re.findall(r"\]\(docs/([\w/-]+)\.md", README))

    assert [page for page in MENU["Start"] if page not in listed] == []
