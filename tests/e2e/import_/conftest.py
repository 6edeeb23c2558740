from __future__ import annotations

from typing import TYPE_CHECKING

import openai
import pytest
from tests.e2e.import_.importing import Account
from tests.support import ADMIN_KEY, API_KEY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator


@pytest.fixture
def account(service: Emulator, tmp_path: Path) -> Iterator[Account]:
    """The account whose objects are imported."""
    folder = tmp_path / "account"
    folder.mkdir()
    with (
        openai.OpenAI(api_key=API_KEY, base_url=service.url, max_retries=0) as client,
        openai.OpenAI(api_key=ADMIN_KEY, base_url=service.url, max_retries=0) as admin,
    ):
        yield Account(service, client, admin, folder)


@pytest.fixture
def stack(make_stack: Callable[..., Stack]) -> Stack:
    """An empty stack with an empty program."""
    return make_stack("")
