"""Former configuration keys: `preview` and `up` reject them; `refresh` and `destroy` still read them from the state."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from tests.e2e.conftest import ON_BOTH_HOSTS
from tests.e2e.running import with_data

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.e2e.conftest import Stack

    from pulumi_openai_ft.emulator import Emulator

pytestmark = [pytest.mark.e2e, ON_BOTH_HOSTS]
PROGRAM = """
import pulumi_openai_ft as openai_ft

data = openai_ft.File("data", file="data.jsonl")
openai_ft.FineTuningJob("job", model="gpt-4.1-mini-2025-04-14", training_file=data)
"""
FORMER, CURRENT = "openai-ft:keyHeader", "openai-ft:apiKeyHeader"
HEADER = "api-key"


@pytest.fixture
def stack(make_stack: Callable[..., Stack], service: Emulator) -> Stack:
    """A stack at a service that accepts the key only in the configured header."""
    service.settings.mode = "azure"
    made = with_data(make_stack(PROGRAM, OPENAI_BASE_URL=None))
    made.configure(**{"openai-ft:baseUrl": service.url, "openai-ft:query": "api-version=2025-04-01-preview"})
    return made


@pytest.mark.core
@pytest.mark.parametrize("command", [pytest.param("preview", marks=pytest.mark.long), "up"])
def test_a_former_key_is_an_error(stack: Stack, service: Emulator, command: str) -> None:
    stack.pulumi("config", "set", FORMER, HEADER)

    text = getattr(stack, command)(code=None).text

    assert f"{FORMER} was renamed to {CURRENT}" in text
    assert f"pulumi config set {CURRENT}" in text
    assert "Traceback" not in text
    assert service.files() == service.jobs() == []


def test_refresh_and_destroy_read_the_former_key(stack: Stack, service: Emulator) -> None:
    stack.pulumi("config", "set", CURRENT, HEADER)
    stack.up()
    _rename_in_state(stack, CURRENT, FORMER)
    stack.pulumi("config", "rm", CURRENT)
    stack.pulumi("config", "set", FORMER, HEADER)

    stack.refresh()
    stack.destroy()

    assert [file for file in service.files() if file["purpose"] == "fine-tune"] == []


def _rename_in_state(stack: Stack, key: str, former: str) -> None:
    """Rename a setting in the state to its former key, as an older version wrote it."""
    exported = stack.folder / "state.json"
    state = json.loads(stack.export())
    (provider,) = (
        one for one in state["deployment"]["resources"] if one["type"] == "pulumi:providers:pulumi-python"
    )
    for settings in (provider["inputs"], provider["outputs"]):
        settings[former] = settings.pop(key)
    exported.write_text(json.dumps(state))
    stack.pulumi("stack", "import", "--file", str(exported))
