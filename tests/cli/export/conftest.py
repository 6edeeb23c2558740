from __future__ import annotations

from typing import TYPE_CHECKING

import openai
import pytest
from tests.e2e.import_.importing import Account
from tests.support import ADMIN_KEY, API_KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pulumi_openai_ft.emulator import Emulator


@pytest.fixture
def account(service: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Account]:
    """The account whose jobs are exported. The environment has its key."""
    monkeypatch.setenv("OPENAI_API_KEY", API_KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", service.url)
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "account"
    folder.mkdir()
    with (
        openai.OpenAI(api_key=API_KEY, base_url=service.url, max_retries=0) as client,
        openai.OpenAI(api_key=ADMIN_KEY, base_url=service.url, max_retries=0) as admin,
    ):
        yield Account(service, client, admin, folder)
