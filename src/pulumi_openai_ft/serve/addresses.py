"""Addresses of other servers that the service calls with a key."""

from __future__ import annotations

from urllib.parse import urlsplit

from pulumi_openai_ft.serve.loopback import is_loopback


def checked_address(text: str, server: str, example: str) -> str:
    """Return a base URL without a slash at its end.

    A key must not travel unencrypted. Therefore, only https is accepted, and http to a loopback address.

    Args:
        text: The URL.
        server: Name of the server, such as vLLM.
        example: A correct URL.

    Raises:
        ValueError: The URL is not accepted. The message is a sentence that does not contain credentials.
    """
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"The address of {server} must be a URL such as {example}.")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"The address of {server} must not contain credentials: set its key separately.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(
            f"{server} at {parts.hostname} must be reached over https: http is accepted for loopback addresses only."
        )
    return text.rstrip("/")
