"""The next `up` uses a changed key or base URL, not the previous value in the state."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.running import resources, with_data
from tests.support import TODAY

from pulumi_openai_ft.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.e2e.conftest import Stack

pytestmark = pytest.mark.e2e
OLD, NEW = "sk-proj-the-old-key-0123456789-old", "sk-proj-the-new-key-0123456789-new"
PROGRAM = """
import os
import pulumi_openai_ft as ft

for name in os.environ["FILES"].split():
    ft.File(name, file="data.jsonl")
"""


@pytest.fixture
def other_service() -> Iterator[Emulator]:
    """A second emulator."""
    with Emulator(today=TODAY) as emulator:
        yield emulator


def test_a_changed_key_and_address_are_used_immediately(
    make_stack: Callable[..., Stack], service: Emulator, other_service: Emulator
) -> None:
    service.add_key(OLD)
    stack = with_data(make_stack(PROGRAM, OPENAI_API_KEY=None, OPENAI_BASE_URL=None, FILES="first"))
    address = ["--plaintext", f"openai-ft:baseUrl={service.url}"]
    stack.pulumi("config", "set-all", *address, "--secret", f"openai-ft:apiKey={OLD}")
    stack.up()

    service.backend.keyring.clear()
    service.add_key(NEW)
    stack.pulumi("config", "set", "--secret", "openai-ft:apiKey", NEW)
    stack.environment["FILES"] = "first second"
    stack.up()

    assert {file["id"] for file in service.files()} == {found["id"] for found in resources(stack).values()}

    stack.pulumi("config", "set", "--plaintext", "openai-ft:baseUrl", other_service.url)
    stack.environment["FILES"] = "first second third"
    stack.up()

    (third,) = other_service.files()
    assert resources(stack)["third"]["id"] == third["id"]
    assert len(service.files()) == 2
    assert resources(stack)["first"]["id"] == service.files()[0]["id"]
