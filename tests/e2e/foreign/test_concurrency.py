from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.foreign.comparable import state

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack
    from tests.e2e.foreign.conftest import Hosts

pytestmark = pytest.mark.e2e


def crowd_sizes(stack: Stack) -> set[tuple[int, int]]:
    """Return for each guest how many were created in parallel, and on how many threads."""
    stack.up("--parallel", "16")
    guests = [found["outputs"] for found in state(stack)["resources"] if "Guest" in found["type"]]
    return {(guest["at_once"], guest["threads"]) for guest in guests}


def test_four_operations_run_in_parallel_on_four_threads(
    make_hosts: Callable[..., Hosts],
) -> None:
    hosts = make_hosts("at_once")

    assert hosts.both(crowd_sizes) == ({(4, 4)}, {(4, 4)})
