"""The proxy variables of the environment, for messages about connections that they prevent."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from pulumi_openai_ft._settings import ENVIRONMENT, Settings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_SCHEMES = ("http", "https", "all")
_EXCEPTIONS = "no"


def invalid_proxy_variable(
    fault_of_proxy: Callable[[str], str | None], fault_of_pattern: Callable[[str], str | None]
) -> str | None:
    """Return a message that names the first invalid proxy variable, or None. Passwords are masked.

    Args:
        fault_of_proxy: Returns the reason why a proxy's URL cannot be used, or None.
        fault_of_pattern: Returns the reason why a pattern of URLs without proxy is invalid, or None.
    """
    proxies = getproxies()
    found = [
        *_unusable_proxies(proxies, fault_of_proxy),
        *_invalid_exceptions(proxies.get(_EXCEPTIONS, ""), fault_of_pattern),
    ]
    return Settings().mask(found[0]) if found else None


def proxy_description(url: str) -> str | None:
    """Return the proxy for requests to a URL and its variable, or None if such requests use no proxy."""
    proxies, parts = getproxies(), urlsplit(url)
    scheme = next((name for name in (parts.scheme, "all") if proxies.get(name)), None)
    if scheme is None or proxy_bypass(parts.hostname or ""):
        return None
    return Settings().mask(f"the proxy {_with_scheme(proxies[scheme])} in {_variable(scheme)}")


def _unusable_proxies(proxies: dict[str, str], fault_of_proxy: Callable[[str], str | None]) -> Iterator[str]:
    for scheme in _SCHEMES:
        if not (value := proxies.get(scheme)):
            continue
        proxy = _with_scheme(value)
        if fault := fault_of_proxy(proxy):
            yield f"{_variable(scheme)} is {proxy!r} ({fault.rstrip('.')}): correct this proxy, or unset it"


def _invalid_exceptions(value: str, fault_of_pattern: Callable[[str], str | None]) -> Iterator[str]:
    for entry in map(str.strip, value.split(",")):
        if fault_of_pattern(_pattern(entry)):
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
    return name if ENVIRONMENT.get(name) else name.upper()
