from __future__ import annotations

from typing import TYPE_CHECKING

import pulumi
import pytest

from pulumi_openai_ft._program import stack_config

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _configuration() -> Iterator[None]:
    """Configure a stack with keys, one of them set with `--secret`."""
    values = {"openai-ft:apiKey": "sk-1", "openai-ft:adminKey": "sk-2", "shop:project": "other"}
    pulumi.runtime.set_all_config(values, ["openai-ft:adminKey"])
    stack_config._warn_about_plaintext_keys.cache_clear()
    yield
    pulumi.runtime.set_all_config({})


@pytest.mark.parametrize(
    ("key", "value"),
    [("openai-ft:apiKey", "sk-1"), ("openai-ft:adminKey", "sk-2"), ("openai-ft:project", None)],
)
def test_configuration_is_read_by_full_key(key: str, value: str | None) -> None:
    """The program's own `project` is not a setting of this package."""
    assert stack_config.config(key) == value


def test_a_plaintext_key_is_warned_about_once(capsys: pytest.CaptureFixture[str]) -> None:
    stack_config.warn_about_plaintext_keys()
    stack_config.warn_about_plaintext_keys()

    warned = capsys.readouterr().err
    assert warned.count("openai-ft:apiKey is stored in plaintext") == 1
    assert "adminKey" not in warned
    assert "sk-1" not in warned


def test_each_stack_of_a_process_is_warned_about(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for engine in (object(), object()):
        monkeypatch.setattr(pulumi.runtime.settings, "get_monitor", lambda engine=engine: engine)
        stack_config.warn_about_plaintext_keys()

    assert capsys.readouterr().err.count("openai-ft:apiKey is stored in plaintext") == 2
