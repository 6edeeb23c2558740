"""Names and limits in the service's rules for training data, from openai-openapi of 2025-07 and OpenAI's guides."""

from __future__ import annotations

import re

from pulumi_openai_ft._shared.api_limits import LIMITS

CHAT_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
REINFORCEMENT_ROLES = ("developer", "user", "assistant", "tool")
PARTS = {"user": ("text", "image_url"), "assistant": ("text", "refusal")}
"""Types of content parts by role. Other roles allow only text."""
DETAILS = ("auto", "low", "high")

FEWEST_ROWS = LIMITS["fewest_rows"]
MOST_IMAGE_ROWS = LIMITS["rows_with_images"]
MOST_IMAGES = LIMITS["images_in_row"]
AZURE = "azure"
"""Name of the service whose limit of images differs, which rejects calls without results, and requires a byte order mark."""
MOST_IMAGES_AT_AZURE = LIMITS["images_in_row_at_azure"]
MOST_IMAGE_BYTES = LIMITS["image_bytes"]
MOST_FUNCTIONS = LIMITS["functions_in_row"]
IMAGE_TOKENS = {"low": LIMITS["tokens_of_low_detail_image"]}
WHOLE_IMAGE_TOKENS = LIMITS["tokens_of_image"]
"""Tokens of an image of four tiles. The actual number depends on the size of the image."""

SPECIAL_TOKEN = re.compile(
    r"<\|(?:endoftext|endofprompt|fim_prefix|fim_middle|fim_suffix|im_start|im_end|im_sep)\|>"
)
FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
MESSAGE_NAME = re.compile(r"[^\s<|\\/>]{1,64}")

ROW_KEYS = frozenset({"messages", "tools", "functions", "parallel_tool_calls"})
"""Keys of a supervised row, and of the `input` of a preference row."""
PREFERENCE_KEYS = frozenset({"input", "preferred_output", "non_preferred_output"})
_EVERY_ROLE = frozenset({"role", "content", "name"})
MESSAGE_KEYS = {
    "system": _EVERY_ROLE,
    "developer": _EVERY_ROLE,
    "user": _EVERY_ROLE,
    "assistant": _EVERY_ROLE | {"refusal", "weight", "tool_calls", "function_call"},
    "tool": _EVERY_ROLE | {"tool_call_id"},
    "function": _EVERY_ROLE,
}
ANY_MESSAGE_KEYS = frozenset().union(*MESSAGE_KEYS.values())
PART_KEYS = frozenset({"text", "image_url", "refusal"})
IMAGE_KEYS = frozenset({"url", "detail"})
CALL_KEYS = frozenset({"id", "type", "function"})
CALLED_KEYS = frozenset({"name", "arguments"})
TOOL_KEYS = frozenset({"type", "function"})
FUNCTION_KEYS = frozenset({"name", "description", "parameters", "strict"})


def most_images(service: str) -> int:
    """Return the maximum number of images per row at a service."""
    return MOST_IMAGES_AT_AZURE if service == AZURE else MOST_IMAGES
