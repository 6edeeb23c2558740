from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from tests.edits import misspellings

from pulumi_openai_ft._settings import (
    REMOVED,
    RENAMED,
    SOURCES,
    Settings,
    denies_third_party_providers,
    mask_key,
)
from pulumi_openai_ft.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "sk-proj-0123456789abcdef"


PROFILE = {
    "service": ("azure", "name", "azure"),
    "api_key_header": ("X-Api-Key", "api_key_header", "x-api-key"),
    "query": ("api-version=preview&a=b", "query", (("api-version", "preview"), ("a", "b"))),
    "unsupported": ("events, pause", "unsupported", {"events", "pause"}),
    "hyperparameters": ("lora,lora_r", "hyperparameters", {"lora", "lora_r"}),
}
"""Settings of the profile: the configured value, the field, and the value of the field."""


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


@pytest.mark.parametrize("field", [field for field in SOURCES if field not in PROFILE])
def test_each_configuration_key_sets_its_field(field: str) -> None:
    value = {"base_url": "https://example.com/v1", "catalog": "{}"}.get(field, "7")

    settings = Settings.resolve(config(**{SOURCES[field].config_key: value}), {})

    assert str(getattr(settings, field)).removesuffix(".0") == value


def test_an_empty_value_counts_as_not_set() -> None:
    assert Settings.resolve(config(apiKey=" "), {"OPENAI_API_KEY": ""}).api_key is None


def test_a_trailing_slash_of_the_base_url_is_ignored() -> None:
    assert Settings.resolve(config(baseUrl="http://127.0.0.1:1/v1/"), {}).base_url == "http://127.0.0.1:1/v1"


@pytest.mark.parametrize("value", ["localhost:8080", "ftp://example.com", "http://", "nonsense"])
def test_an_invalid_base_url_is_rejected_with_an_example(value: str) -> None:
    with pytest.raises(
        SettingsError, match=r"openai-ft:baseUrl \(or OPENAI_BASE_URL\) is .*https://api\.openai\.com/v1"
    ):
        Settings.resolve(config(baseUrl=value), {})


@pytest.mark.parametrize(
    "value",
    [
        "https://me:pass-word@example.com/v1",
        "https://pass-word@example.com/v1",
        "https://example.com/v1?api-key=pass-word",
        "https://example.com/v1#pass-word",
        "https://me:pass-word@example.com:port/v1",
        "sk-proj-pass-word-1234",
    ],
)
def test_a_base_url_with_credentials_is_rejected_and_hidden(value: str) -> None:
    with pytest.raises(SettingsError, match="openai-ft:baseUrl") as caught:
        Settings.resolve(config(baseUrl=value), {})

    assert ("pass-word" in str(caught.value)) is ("#" in value)


@pytest.mark.parametrize(
    "value", ["http://[::1/v1", "http://127.0.0.1:99999/v1", "http://exa mple.com", "http://exämple.com/v1"]
)
def test_an_unusable_base_url_is_rejected(value: str) -> None:
    with pytest.raises(
        SettingsError, match=r"openai-ft:baseUrl \(or OPENAI_BASE_URL\) is .*: must be a complete URL"
    ):
        Settings.resolve(config(baseUrl=value), {})


@pytest.mark.parametrize("key", ["apiKey", "adminKey", "organization", "project"])
@pytest.mark.parametrize(
    "value", ["sk-proj-0123 456789abcdef", "sk-proj-0123…abcdef", "sk-proj-0123\nabcdef"]
)
def test_an_invalid_header_value_is_rejected_but_hidden(key: str, value: str) -> None:
    with pytest.raises(SettingsError, match=rf"openai-ft:{key} \(or OPENAI_\w+\) contains spaces") as caught:
        Settings.resolve(config(**{key: value}), {})

    assert "0123" not in str(caught.value)


@pytest.mark.parametrize("key", ["maxRetries", "timeout", "pollInterval"])
@pytest.mark.parametrize("value", ["many", "-1", "nan", "inf", "1e300"])
def test_an_invalid_number_is_rejected_with_its_key(key: str, value: str) -> None:
    with pytest.raises(SettingsError, match=f"openai-ft:{key} is '{value}'"):
        Settings.resolve(config(**{key: value}), {})


def test_equal_keys_are_rejected_but_hidden() -> None:
    with pytest.raises(SettingsError, match="are the same key") as caught:
        Settings.resolve(config(apiKey=KEY), {"OPENAI_ADMIN_KEY": KEY})

    assert KEY not in str(caught.value)


@pytest.mark.parametrize(("admin", "variable"), [(False, "OPENAI_API_KEY"), (True, "OPENAI_ADMIN_KEY")])
def test_a_missing_key_is_reported_with_both_fixes(admin: bool, variable: str) -> None:  # noqa: FBT001
    with pytest.raises(SettingsError, match=rf"pulumi config set --secret openai-ft:.*{variable}"):
        Settings().require_key(admin=admin)


def test_repr_shows_no_key() -> None:
    assert KEY not in repr(Settings(api_key=KEY, admin_key=KEY + "x"))


def test_mask_hides_own_keys_and_similar_texts() -> None:
    settings = Settings(api_key="own-form-of-a-key-123456", admin_key="sk-admin-abcdefgh12345678")
    text = "own-form-of-a-key-123456, sk-admin-abcdefgh12345678, sk-proj-key-of-another-user-9999"

    masked = settings.mask(text)

    assert masked == "sk-…3456, sk-…5678, sk-…9999"


def test_mask_hides_a_key_that_extends_the_other() -> None:
    settings = Settings(api_key="sk-proj-0123456789", admin_key="sk-proj-0123456789+very/secret/rest")

    masked = settings.mask("sk-proj-0123456789+very/secret/rest, sk-proj-0123456789%2Bvery%2Fsecret%2Frest")

    assert masked == "sk-…rest, sk-…rest"


def test_mask_removes_passwords_from_urls() -> None:
    assert (
        Settings().mask("proxy http://me:password@proxy:1/x?y=a@b failed")
        == "proxy http://…@proxy:1/x?y=a@b failed"
    )


def test_mask_hides_short_keys_completely() -> None:
    assert mask_key("sk-short") == "sk-…"


def test_the_description_names_url_project_and_key_type() -> None:
    text = Settings(api_key=KEY, project="proj_a", base_url="http://127.0.0.1:1/v1").describe(admin=False)

    assert text == "http://127.0.0.1:1/v1, project proj_a, project key sk-…cdef"


@pytest.mark.parametrize("setting", PROFILE)
def test_each_field_of_the_profile_can_be_set_separately(setting: str) -> None:
    written, field, value = PROFILE[setting]

    profile = Settings.resolve(config(**{SOURCES[setting].config_key: written}), {}).profile

    assert getattr(profile, field) == value


def test_a_setting_overrides_the_field_of_its_profile() -> None:
    profile = Settings.resolve(config(service="generic", unsupportedFeatures="events"), {}).profile

    assert profile.name == "generic"
    assert profile.supports("pause")
    assert not profile.supports("events")


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"service": "together"},
            "openai-ft:service is 'together': must be one of azure, bedrock, generic, nebius, openai, self-hosted$",
        ),
        ({"service": "nebus"}, r"openai, self-hosted\. Did you mean 'nebius'\?$"),
        (
            {"unsupportedFeatures": "evnts"},
            r"openai-ft:unsupportedFeatures contains \['evnts'\]: known features are auto, checkpoints, events, .*\. Did you mean 'events'\?$",
        ),
    ],
)
def test_unknown_services_and_features_are_rejected_with_known_names(
    values: dict[str, str], sentence: str
) -> None:
    with pytest.raises(SettingsError, match=sentence):
        Settings.resolve(config(**values), {})


@pytest.mark.parametrize("text", ["soon", "[]", "{"])
def test_a_catalog_that_is_not_an_object_is_rejected(text: str) -> None:
    with pytest.raises(SettingsError, match="openai-ft:catalog is not a JSON object"):
        Settings.resolve(config(catalog=text), {})


@pytest.mark.parametrize("value", [None, "false", "true"])
def test_third_party_providers_are_denied_on_request(value: str | None) -> None:
    assert denies_third_party_providers({"openai-ft:denyThirdPartyProviders": value}.get) is (value == "true")


def test_denying_third_party_providers_is_true_or_false() -> None:
    with pytest.raises(
        SettingsError, match="openai-ft:denyThirdPartyProviders is 'yes': must be true or false"
    ):
        denies_third_party_providers({"openai-ft:denyThirdPartyProviders": "yes"}.get)


FORMER: dict[str, tuple[str, Callable[[Settings], bool]]] = {
    "owner": ("ada", lambda settings: settings.idempotency_scope == "ada"),
    "uploadPartsAbove": ("5", lambda settings: settings.multipart_threshold == 5),
    "keyHeader": ("X-Api-Key", lambda settings: settings.profile.api_key_header == "x-api-key"),
    "lacks": ("pause", lambda settings: settings.profile.unsupported == {"pause"}),
}
"""Former keys of request settings: a value, and a check of its effect."""


@pytest.mark.parametrize("key", FORMER)
def test_a_renamed_key_keeps_its_effect(key: str) -> None:
    value, has_effect = FORMER[key]

    assert has_effect(Settings.resolve(config(**{key: value}), {}))


def test_a_renamed_key_of_the_host_keeps_its_effect() -> None:
    assert denies_third_party_providers({"openai-ft:onlyOwnResources": "true"}.get)


def test_every_renamed_key_has_a_case() -> None:
    assert {*FORMER, "onlyOwnResources"} == set(RENAMED)


def test_the_new_key_has_precedence() -> None:
    settings = Settings.resolve(config(owner="old", idempotencyScope="new"), {})

    assert settings.idempotency_scope == "new"


@pytest.mark.parametrize("key", [*RENAMED, *REMOVED])
def test_an_outdated_key_is_rejected_with_a_fix(key: str) -> None:
    settings = Settings.resolve(config(**{key: "1" if key in REMOVED else FORMER.get(key, ("true",))[0]}), {})

    with pytest.raises(SettingsError) as caught:
        settings.require_current_keys()

    assert f"`pulumi config rm openai-ft:{key}`" in str(caught.value)
    assert key in REMOVED or f"`pulumi config set openai-ft:{RENAMED[key]}`" in str(caught.value)


def test_current_keys_are_accepted() -> None:
    values = {"idempotencyScope": "ada", "service": "generic"}
    every = [f"openai-ft:{source.config_key}" for source in SOURCES.values()]

    Settings.resolve(
        config(**values), {}, keys=[*every, "openai-ft:denyThirdPartyProviders"]
    ).require_current_keys()


@pytest.mark.parametrize("key", [source.config_key for source in SOURCES.values()])
def test_each_misspelled_key_suggests_a_known_one(key: str) -> None:
    for edited in misspellings(key, [source.config_key for source in SOURCES.values()]):
        settings = Settings.resolve(config(), {}, keys=[f"openai-ft:{edited}", "other:baseUrI", "version"])

        with pytest.raises(SettingsError) as caught:
            settings.require_current_keys()

        text = f"openai-ft:{edited} is not a known setting: run `pulumi config rm openai-ft:{edited}`. Did you mean"
        assert str(caught.value) == f"{text} 'openai-ft:{key}'?"


def test_a_project_named_like_the_package_has_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(os.environ, "PULUMI_PROJECT", "openai-ft")

    Settings.resolve(config(), {}, keys=["openai-ft:rows"]).require_current_keys()
