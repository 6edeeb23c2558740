from __future__ import annotations

import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from tests.e2e.conftest import environment
from tests.e2e.examples.readme_runner import EXAMPLES, NO_PROMPTS, ReadmeRunner, emulator_options, steps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pulumi_openai_ft.emulator import Emulator


@pytest.fixture
def make_runner(engine: str, service: Emulator, tmp_path: Path) -> Callable[[str], ReadmeRunner]:
    """Return a function that makes the runner of an example's README, in a shell without settings for OpenAI."""

    def make(example: str) -> ReadmeRunner:
        options = emulator_options(example)
        service.settings.mode, service.settings.today = options.mode, options.today
        copies = tmp_path / "examples"
        for folder in ("bin", "data", example):
            shutil.copytree(EXAMPLES / folder, copies / folder)
        (tmp_path / "state").mkdir()
        unset = dict.fromkeys(("OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_BASE_URL", "OPENAI_FT_TODAY"))
        variables = environment(engine, service, tmp_path, {**NO_PROMPTS, **unset})
        return ReadmeRunner(copies / example, {**variables, "EMULATOR": service.url})

    return make


@pytest.fixture
def run_readme(
    make_runner: Callable[[str], ReadmeRunner], service: Emulator
) -> Callable[[str], AbstractContextManager[ReadmeRunner]]:
    """Return a context manager that runs the first step of a README, and the other steps at its end."""

    @contextmanager
    def run(example: str) -> Iterator[ReadmeRunner]:
        runner = make_runner(example)
        first, *others = steps(example)
        runner.run_step(first)
        yield runner
        output = [runner.run_step(step) for step in others]
        assert "The resources in the stack have been deleted" in output[-1]
        assert service.permissions() == []
        assert {file["purpose"] for file in service.files()} <= {"fine-tune-results"}

    return run
