"""The page on training data is complete."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from tests.training_data.rows import numbered, write

from pulumi_openai_ft._training_data.problems import KINDS

if TYPE_CHECKING:
    import pytest

PAGE = (Path(__file__).parents[2] / "docs" / "training-data.md").read_text("utf-8")


def test_the_page_lists_all_kinds_of_problems_by_severity() -> None:
    _, errors, warnings = re.split(r"^(?:Errors|Warnings):$", PAGE, flags=re.MULTILINE)
    listed = {
        severity: re.findall(r"^\| ([a-z ]+) \| (?!fix \|)", text, re.MULTILINE)
        for severity, text in (("error", errors), ("warning", warnings))
    }

    for severity, kinds in listed.items():
        assert kinds == [name.replace("_", " ") for name, kind in KINDS.items() if kind.severity == severity]


def test_the_program_on_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "training.jsonl", *[numbered(number) for number in range(13)])
    monkeypatch.chdir(tmp_path)
    [program] = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)

    exec(compile(program, "training-data.md", "exec"), {})  # noqa: S102 - the page's own program
