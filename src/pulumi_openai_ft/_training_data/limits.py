"""Names and limits in the service's rules for training data, from openai-openapi of 2025-07 and OpenAI's guides."""

from __future__ import annotations

import re

METHODS = ("supervised", "dpo", "reinforcement")
"""Training methods: the values of `method.type` in the request that creates a job."""
CHAT_ROLES = ("system", "developer", "user", "assistant", "tool", "function")
REINFORCEMENT_ROLES = ("developer", "user", "assistant", "tool")
PARTS = {"user": ("text", "image_url"), "assistant": ("text", "refusal")}
"""Types of content parts by role. Other roles allow only text."""
DETAILS = ("auto", "low", "high")

LEAST_EXAMPLES = 10
MOST_IMAGE_ROWS = 50_000
MOST_IMAGES = 10
MOST_IMAGE_BYTES = 10 * 2**20
MOST_FUNCTIONS = 128
IMAGE_TOKENS = {"low": 85}
WHOLE_IMAGE_TOKENS = 765
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
