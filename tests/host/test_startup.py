from __future__ import annotations

import subprocess
import sys

import pytest

BEFORE = (
    "import sys; from pulumi_openai_ft.host import __main__; import pulumi; loaded = 'pulumi.automation._cmd'"
)


def output_of(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", f"{BEFORE}\n{program}"], capture_output=True, text=True, check=True
    ).stdout


def test_a_host_does_not_load_the_automation_api() -> None:
    assert output_of("print(loaded in sys.modules)") == "False\n"


@pytest.mark.parametrize(
    "use",
    [
        "print(pulumi.automation.LocalWorkspace.__name__)",
        "from pulumi.automation import LocalWorkspace; print(LocalWorkspace.__name__)",
        "import pulumi.automation as auto; print(auto.LocalWorkspace.__name__)",
        "from pulumi.automation._local_workspace import LocalWorkspace; print(LocalWorkspace.__name__)",
    ],
)
def test_a_provider_can_use_the_automation_api(use: str) -> None:
    assert output_of(use) == "LocalWorkspace\n"


def test_garbage_collection_resumes_after_loading_modules() -> None:
    assert output_of("import gc; print(gc.isenabled(), gc.get_freeze_count() > 10_000)") == "True True\n"


def test_garbage_collection_resumes_after_a_failed_import() -> None:
    program = """
import gc
from pulumi_openai_ft.host._startup import loading
try:
    with loading():
        print(gc.isenabled())
        raise ImportError
except ImportError:
    print(gc.isenabled())
"""
    assert output_of(program) == "False\nTrue\n"
