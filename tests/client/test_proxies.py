"""A proxy variable that prevents connections is named in the error."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import httpx
import pytest
from tests.support import API_KEY

from pulumi_openai_ft._client.requests import Session
from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._settings import Settings
from pulumi_openai_ft.errors import ServiceConnectionError, SettingsError

if TYPE_CHECKING:
    from tests.support import Configure

URL = "http://service.example/v1"
INVALID_ENTRIES = [
    "fd00::/8",
    "2001:db8::/32",
    "fe80::/10",
    "[::1]",
    "[fd00::]/8",
    "localhost:80:90",
    "host:port",
]
VALID_ENTRIES = [
    "::1",
    "10.0.0.0/8",
    ".svc",
    "*.local",
    "localhost",
    "127.0.0.1",
    "fe80::1%eth0",
    "http://other.example",
    "",
]
UNUSABLE = ["foo://h:1", "socks4://h:1", "http://h:port", "h:port"]


@pytest.fixture(autouse=True)
def _no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


def failure() -> Exception:
    session = Session(Settings(api_key=API_KEY, base_url=URL, max_retries=0))
    with pytest.raises((SettingsError, ServiceConnectionError)) as caught:
        session.request("GET", "/files")
    session.close()
    return caught.value


@pytest.mark.parametrize("variable", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize("entry", INVALID_ENTRIES)
def test_an_invalid_entry_is_named(variable: str, entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, f"localhost, ::1,{entry},10.0.0.0/8")

    text = str(failure())

    assert text.startswith(
        f"cannot open a connection to {URL}: {variable} contains {entry!r}, which is neither "
    )


@pytest.mark.parametrize("entry", VALID_ENTRIES)
def test_a_valid_entry_is_not_blamed(entry: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", f"{entry},fd00::/8")
    httpx_accepts(monkeypatch, entry)

    assert "NO_PROXY contains 'fd00::/8'" in str(failure())


def httpx_accepts(monkeypatch: pytest.MonkeyPatch, entry: str) -> None:
    """Check that httpx itself has no problem with the entry."""
    with monkeypatch.context() as patched:
        patched.setenv("NO_PROXY", entry)
        httpx.Client().close()


@pytest.mark.parametrize("variable", ["ALL_PROXY", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY"])
@pytest.mark.parametrize("value", UNUSABLE)
def test_an_unusable_proxy_is_named(variable: str, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, value)

    proxy = value if "://" in value else f"http://{value}"
    assert f"{URL}: {variable} is {proxy!r} (" in str(failure())


def test_a_socks_proxy_is_reported_with_the_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:1080")

    assert "ALL_PROXY is 'socks5://127.0.0.1:1080' (Using SOCKS proxy, but the 'socksio'" in str(failure())


@pytest.mark.parametrize(
    "value", ["http://me:hidden@127.0.0.1:9", "me:hidden@127.0.0.1:9", "foo://me:hidden@h"]
)
def test_a_proxys_password_is_not_shown(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", value)

    text = str(failure())

    assert "ALL_PROXY" in text
    assert "hidden" not in text


def test_an_unreachable_proxy_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "127.0.0.1:9")

    assert "Connection refused; through the proxy http://127.0.0.1:9 in HTTP_PROXY)" in str(failure())


def test_a_bypassed_proxy_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "127.0.0.1:9")
    monkeypatch.setenv("NO_PROXY", "service.example")

    assert "HTTP_PROXY" not in str(failure())


def test_the_preview_reports_an_invalid_entry(configure: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "fd00::/8")

    (found,) = configure(FileProvider).check({}, {"file": __file__, "purpose": "user_data"}).failures

    assert "NO_PROXY contains 'fd00::/8'" in found.reason
