from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pulumi_openai_ft._settings import SOURCES, Settings, mask_key
from pulumi_openai_ft.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "sk-proj-0123456789abcdef"


def config(**values: str) -> Callable[[str], str | None]:
    return {f"openai-ft:{key}": value for key, value in values.items()}.get


def test_configuration_wins_over_the_environment() -> None:
    settings = Settings.resolve(config(apiKey="sk-config"), {"OPENAI_API_KEY": "sk-environment"})

    assert settings.api_key == "sk-config"


@pytest.mark.parametrize(
    ("field", "variable"), [(field, name) for field, source in SOURCES.items() for name in source.environment]
)
def test_each_variable_sets_its_field(field: str, variable: str) -> None:
    settings = Settings.resolve(config(), {variable: "https://example.com/v1"})

    assert getattr(settings, field) == "https://example.com/v1"


@pytest.mark.parametrize("field", SOURCES)
def test_each_configuration_key_sets_its_field(field: str) -> None:
    value = {"base_url": "https://example.com/v1"}.get(field, "7")

    settings = Settings.resolve(config(**{SOURCES[field].config_key: value}), {})

    assert str(getattr(settings, field)).removesuffix(".0") == value


def test_an_empty_value_counts_as_not_set() -> None:
    assert Settings.resolve(config(apiKey=" "), {"OPENAI_API_KEY": ""}).api_key is None


def test_a_slash_at_the_end_of_the_base_url_does_not_matter() -> None:
    assert Settings.resolve(config(baseUrl="http://127.0.0.1:1/v1/"), {}).base_url == "http://127.0.0.1:1/v1"


@pytest.mark.parametrize("value", ["localhost:8080", "ftp://example.com", "http://", "nonsense"])
def test_a_base_url_that_is_no_address_is_refused_with_an_example(value: str) -> None:
    with pytest.raises(SettingsError, match=r"openai-ft:baseUrl is .*https://api\.openai\.com/v1"):
        Settings.resolve(config(baseUrl=value), {})


@pytest.mark.parametrize("key", ["maxRetries", "timeout", "pollInterval"])
@pytest.mark.parametrize("value", ["many", "-1", "nan"])
def test_a_number_that_is_none_is_refused_by_its_key(key: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"openai-ft:{key} is '{value}'"):
        Settings.resolve(config(**{key: value}), {})


def test_equal_keys_are_refused_without_being_shown() -> None:
    with pytest.raises(SettingsError, match="are the same key") as caught:
        Settings.resolve(config(apiKey=KEY), {"OPENAI_ADMIN_KEY": KEY})

    assert KEY not in str(caught.value)


@pytest.mark.parametrize(("admin", "variable"), [(False, "OPENAI_API_KEY"), (True, "OPENAI_ADMIN_KEY")])
def test_a_missing_key_names_both_ways_to_set_it(admin: bool, variable: str) -> None:  # noqa: FBT001
    with pytest.raises(SettingsError, match=rf"pulumi config set --secret openai-ft:.*{variable}"):
        Settings().require_key(admin=admin)


def test_repr_shows_no_key() -> None:
    assert KEY not in repr(Settings(api_key=KEY, admin_key=KEY + "x"))


def test_mask_takes_out_own_keys_and_whatever_looks_like_one() -> None:
    settings = Settings(api_key="own-form-of-a-key-123456", admin_key="sk-admin-abcdefgh12345678")
    text = "own-form-of-a-key-123456, sk-admin-abcdefgh12345678, sk-proj-somebody-elses-key-9999"

    masked = settings.mask(text)

    assert masked == "sk-…3456, sk-…5678, sk-…9999"


def test_a_short_key_leaves_nothing_to_recognise() -> None:
    assert mask_key("sk-short") == "sk-…"


def test_description_names_address_project_and_kind_of_key() -> None:
    text = Settings(api_key=KEY, project="proj_a", base_url="http://127.0.0.1:1/v1").describe(admin=False)

    assert text == "http://127.0.0.1:1/v1, project proj_a, project key sk-…cdef"
