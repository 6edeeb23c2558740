"""The proxy variables of the environment, for messages about connections that they prevent."""

from __future__ import annotations

import os
import ssl
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx

from pulumi_openai_ft._settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

_SCHEMES = ("http", "https", "all")
_EXCEPTIONS = "no"


def invalid_proxy_variable() -> str | None:
    """Return a message that names the first proxy variable that httpx rejects, or None. Passwords are masked."""
    proxies = getproxies()
    found = [*_unusable_proxies(proxies), *_invalid_exceptions(proxies.get(_EXCEPTIONS, ""))]
    return Settings().mask(found[0]) if found else None


def proxy_description(url: str) -> str | None:
    """Return the proxy for requests to a URL and its variable, or None if such requests use no proxy."""
    proxies, parts = getproxies(), urlsplit(url)
    scheme = next((name for name in (parts.scheme, "all") if proxies.get(name)), None)
    if scheme is None or proxy_bypass(parts.hostname or ""):
        return None
    return Settings().mask(f"the proxy {_with_scheme(proxies[scheme])} in {_variable(scheme)}")


def _unusable_proxies(proxies: dict[str, str]) -> Iterator[str]:
    for scheme in _SCHEMES:
        if not (value := proxies.get(scheme)):
            continue
        proxy = _with_scheme(value)
        try:
            httpx.HTTPTransport(proxy=proxy, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)).close()
        except (httpx.InvalidURL, ImportError, ValueError) as error:
            yield f"{_variable(scheme)} is {proxy!r} ({str(error).rstrip('.')}): correct this proxy, or unset it"


def _invalid_exceptions(value: str) -> Iterator[str]:
    for entry in map(str.strip, value.split(",")):
        try:
            httpx.URL(_pattern(entry))
        except httpx.InvalidURL:
            yield (
                f"{_variable(_EXCEPTIONS)} contains {entry!r}, which is neither a host name, nor a domain, nor an IP "
                f"address: remove this entry"
            )


def _pattern(entry: str) -> str:
    """Return the URL pattern to which httpx converts an entry of NO_PROXY."""
    try:
        address = ip_address(entry)
    except ValueError:
        return entry if "://" in entry else f"all://*{entry}"
    return f"all://[{address}]" if address.version == 6 else f"all://{address}"  # noqa: PLR2004


def _with_scheme(proxy: str) -> str:
    return proxy if "://" in proxy else f"http://{proxy}"


def _variable(scheme: str) -> str:
    """Return the variable that sets a proxy. Lower case takes precedence."""
    name = f"{scheme}_proxy"
    return name if os.environ.get(name) else name.upper()
