from __future__ import annotations

import subprocess
import sys

import pytest

HOST = """
import traceback
from pulumi_openai_ft._provider.pulumi_host_patch import hide_own_tracebacks
from pulumi_openai_ft.errors import InputError

class DynamicResourceProviderServicer: pass

hide_own_tracebacks()
hide_own_tracebacks()
try:
    raise {error}("it is wrong")
except Exception:
    print(traceback.format_exc(), end="")
"""


def reported(error: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", HOST.format(error=error)], stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def test_our_errors_print_without_a_traceback() -> None:
    assert reported("InputError") == "it is wrong"


def test_a_bug_keeps_its_traceback() -> None:
    assert reported("ValueError").startswith("Traceback (most recent call last):")


def test_other_programs_are_unchanged() -> None:
    from pulumi_openai_ft._provider.pulumi_host_patch import hide_own_tracebacks  # noqa: PLC0415 - needs this process

    before = vars(sys.modules["__main__"]).get("traceback")
    hide_own_tracebacks()

    assert vars(sys.modules["__main__"]).get("traceback") is before


@pytest.mark.parametrize("line", ["traceback", "DynamicResourceProviderServicer"])
def test_the_installed_stock_host_matches_our_patch(line: str) -> None:
    """Read the source, as an import would start a server."""
    import pulumi.dynamic  # noqa: PLC0415 - only its path is needed

    path = pulumi.dynamic.__path__[0] + "/__main__.py"
    with open(path) as source:  # noqa: PTH123 - the path is a text
        assert line in source.read()
