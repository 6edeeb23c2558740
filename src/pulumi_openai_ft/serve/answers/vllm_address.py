from __future__ import annotations

from urllib.parse import urlsplit

from pulumi_openai_ft.serve.loopback import is_loopback


def checked_address(text: str) -> str:
    """Return the base URL of a vLLM server, without `/v1` and without a slash at its end.

    Any client of a vLLM server that loads adapters at run time can load any folder, and its key must not travel
    unencrypted. Therefore, only https is accepted, and http to a loopback address.

    Raises:
        ValueError: The URL is not accepted. The message is a sentence that does not contain credentials.
    """
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("The address of vLLM must be a URL such as http://127.0.0.1:8001.")
    if parts.username is not None or parts.password is not None:
        raise ValueError("The address of vLLM must not contain credentials: set its key separately.")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ValueError(
            f"vLLM at {parts.hostname} must be reached over https: http is accepted for loopback addresses only."
        )
    return text.rstrip("/").removesuffix("/v1")
