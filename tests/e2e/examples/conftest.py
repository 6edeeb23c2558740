from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.e2e.conftest import environment
from tests.e2e.examples.following import EXAMPLES, UNASKED, Walk, emulator_options, steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pulumi_openai_ft.emulator import Emulator


@pytest.fixture
def walk(engine: str, service: Emulator, tmp_path: Path) -> Callable[[str], Walk]:
    """Somebody in an example's folder, whose shell knows no setting of OpenAI's."""

    def make(example: str) -> Walk:
        options = emulator_options(example)
        service.settings.mode, service.settings.today = options.mode, options.today
        ours = tmp_path / "examples"
        for folder in ("bin", "data", example):
            shutil.copytree(EXAMPLES / folder, ours / folder)
        (tmp_path / "state").mkdir()
        unset = dict.fromkeys(("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_BASE_URL", "OPENAI_FT_TODAY"))
        variables = environment(engine, service, tmp_path, {**UNASKED, **unset})
        return Walk(ours / example, {**variables, "EMULATOR": service.url})

    return make


@pytest.fixture
def following(
    walk: Callable[[str], Walk], service: Emulator
) -> Callable[[str], AbstractContextManager[Walk]]:
    """Follows an example's README up to its outcome and, after the test has looked, to its end: nothing is left."""

    @contextmanager
    def follow(example: str) -> Iterator[Walk]:
        walker = walk(example)
        first, *others = steps(example)
        walker.follow(first)
        yield walker
        said = [walker.follow(step) for step in others]
        assert "The resources in the stack have been deleted" in said[-1]
        assert service.permissions() == []
        assert {file["purpose"] for file in service.files()} <= {"fine-tune-results"}

    return follow
