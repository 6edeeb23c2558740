from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from tests.e2e.conftest import COMMAND_TIMEOUT
from tests.e2e.foreign.comparable import resource, state

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack
    from tests.e2e.foreign.conftest import Hosts

pytestmark = [pytest.mark.e2e, pytest.mark.long]
UP = ("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--color=never")


def interrupted(stack: Stack) -> dict[str, Any]:
    """Return the state after Ctrl-C during a create, which then finishes."""
    up = subprocess.Popen(
        UP, cwd=stack.folder, env=stack.environment, text=True, stdout=subprocess.PIPE, start_new_session=True
    )
    with up:
        assert up.stdout is not None
        said = iter(up.stdout.readline, "")
        next(line for line in said if "grinding" in line)
        up.send_signal(signal.SIGINT)
        next(line for line in said if "^C received" in line)
        Path(stack.environment["RECORDS"], "enough").touch()
        up.communicate(timeout=COMMAND_TIMEOUT)
    return state(stack)


def test_an_interrupted_create_finishes_and_is_saved(make_hosts: Callable[..., Hosts]) -> None:
    hosts = make_hosts("slow")

    assert resource(hosts.same(interrupted), "flour")["outputs"]["ground"] is True
