"""The program in the README runs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack

pytestmark = pytest.mark.e2e
ROOT = Path(__file__).parents[2]


@pytest.mark.core
def test_the_readme_program_trains_a_model(make_stack: Callable[..., Stack], tmp_path: Path) -> None:
    (program,) = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    stack = make_stack(program)
    shutil.copy(ROOT / "examples" / "data" / "customer_support.jsonl", tmp_path / "program")

    stack.up()

    assert stack.outputs()["fine_tuned_model"].startswith("ft:gpt-4o-mini-2024-07-18:")
