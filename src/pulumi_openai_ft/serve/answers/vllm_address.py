from __future__ import annotations

from pulumi_openai_ft.serve.addresses import checked_address as checked


def checked_address(text: str) -> str:
    """Return the base URL of a vLLM server, without `/v1` and without a slash at its end.

    Any client of a vLLM server that loads adapters at run time can load any folder.

    Raises:
        ValueError: The URL is not accepted. The message is a sentence that does not contain credentials.
    """
    return checked(text, "vLLM", "http://127.0.0.1:8001").removesuffix("/v1")
