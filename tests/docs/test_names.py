"""The documentation contains every public name and setting, with its default."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from tests.docs.pages import BUILT, DOCS, PAGES, ROOT

import pulumi_openai_ft
from pulumi_openai_ft import errors
from pulumi_openai_ft._service_profiles import FEATURES, PROFILES
from pulumi_openai_ft._settings import CONFIG_NAMESPACE, DENY_THIRD_PARTY_PROVIDERS, SOURCES, Settings
from pulumi_openai_ft._shared.clock import TODAY_VARIABLE

SITE = {name: text for name, text in BUILT.items() if name != "README"}
EVERYTHING = "\n".join(SITE.values())
KEYS = [
    f"{CONFIG_NAMESPACE}:{source.config_key}" for source in (*SOURCES.values(), DENY_THIRD_PARTY_PROVIDERS)
]
VARIABLES = [TODAY_VARIABLE, *(variable for source in SOURCES.values() for variable in source.environment)]


def is_named(name: str, text: str = EVERYTHING) -> bool:
    return bool(re.search(rf"(?<![\w:]){re.escape(name)}(?!\w)", text))


def test_every_public_name_is_documented() -> None:
    assert [name for name in dir(pulumi_openai_ft) if not is_named(name)] == []


@pytest.mark.parametrize("name", [*KEYS, *VARIABLES])
def test_every_setting_is_on_its_page(name: str) -> None:
    assert is_named(name, SITE["settings"])


def test_only_existing_settings_are_mentioned() -> None:
    named = set(re.findall(rf"{CONFIG_NAMESPACE}:(\w+)", EVERYTHING)) - {"index"}  # a component's type

    assert named == {key.split(":")[1] for key in KEYS}


DEFAULTS = {
    found.name: found.default
    for found in fields(Settings)
    if found.name in SOURCES and isinstance(found.default, int | float | str)
}


@pytest.mark.parametrize("name", DEFAULTS)
def test_defaults_of_settings_are_documented(name: str) -> None:
    key, default = f"`{CONFIG_NAMESPACE}:{SOURCES[name].config_key}`", DEFAULTS[name]
    rows = [line for line in SITE["settings"].splitlines() if line.startswith("|") and key in line]
    reported = default if isinstance(default, str) else f"{default:g}"

    assert any(re.search(rf"(?<![\d.]){re.escape(reported)}(?![\d.])", row) for row in rows), rows


@pytest.mark.parametrize("name", errors.__all__)
def test_every_error_is_on_its_page(name: str) -> None:
    assert is_named(name, SITE["errors"])


@pytest.mark.parametrize("name", PROFILES)
def test_every_service_profile_has_a_row(name: str) -> None:
    assert f"\n| `{name}` | " in SITE["services"]


@pytest.mark.parametrize(
    ("page", "row"), [("settings", "openai-ft:service"), ("recording", "--service azure")]
)
def test_lists_of_service_profiles_are_complete(page: str, row: str) -> None:
    (line,) = (line for line in SITE[page].splitlines() if line.startswith(f"| `{row}`"))

    assert [name for name in PROFILES if f"`{name}`" not in line] == []


@pytest.mark.parametrize("name", FEATURES)
def test_every_feature_of_services_is_documented(name: str) -> None:
    assert is_named(f"`{name}`", SITE["services"])


def links(text: str) -> list[str]:
    return [target for target in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in target]


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_to_files(page: str) -> None:
    folder = ROOT if page == "README" else (DOCS / page).parent

    assert [
        target
        for target in links(PAGES[page])
        if target[0] != "#" and not (folder / target.split("#")[0]).exists()
    ] == []
