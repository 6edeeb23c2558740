from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.own_host import OwnHost
from benchmarks.stack import API_KEY, write_training_data

if TYPE_CHECKING:
    from pathlib import Path

    from pulumi_openai_ft.emulator import Emulator


def test_our_host_creates_the_resource_at_the_configured_service(service: Emulator, tmp_path: Path) -> None:
    inputs = {"file": str(write_training_data(tmp_path)), "purpose": "fine-tune"}
    config = {"openai-ft:apiKey": API_KEY, "openai-ft:baseUrl": service.url}

    with OwnHost.configured(tmp_path, config) as host:
        created = host.creating("File", "training", inputs).result()

    assert [file["id"] for file in service.files()] == [created.id]
