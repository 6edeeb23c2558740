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
MOST_IMAGE_BYTES = LIMITS["image_bytes"]
MOST_FUNCTIONS = LIMITS["functions_in_row"]
IMAGE_TOKENS = {"low": LIMITS["tokens_of_low_detail_image"]}
WHOLE_IMAGE_TOKENS = LIMITS["tokens_of_image"]
"""Tokens of an image of four tiles. The actual number depends on the size of the image."""

SPECIAL_TOKEN = re.compile(
    r"<\|(?:endoftext|endofprompt|fim_prefix|fim_middle|fim_suffix|im_start|im_end|im_sep)\|>"
)
FUNCTION_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
IMAGE_DATA = re.compile(r"data:image/(?:jpeg|png|webp);base64,", re.IGNORECASE)
WEB_ADDRESS = re.compile(r"https?://", re.IGNORECASE)


def is_image(url: str) -> bool:
    """Return whether an image's URL is a web URL or a data URL that the service accepts."""
    if WEB_ADDRESS.match(url):
        return True
    data = IMAGE_DATA.match(url)
    return data is not None and (len(url) - data.end()) * 3 // 4 <= MOST_IMAGE_BYTES
