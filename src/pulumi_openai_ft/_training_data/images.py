"""Checks of the images in messages: their addresses, and the content of data URLs."""

from __future__ import annotations

import binascii
import ipaddress
import json
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from pulumi_openai_ft._training_data.limits import MOST_IMAGE_BYTES

WEB_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
IMAGE_DATA = re.compile(r"data:image/(jpeg|png|webp);base64,", re.IGNORECASE)
DATA_TYPE = re.compile(r"data:([^;,]*)", re.IGNORECASE)
SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")
PRIVATE_SUFFIXES = (".local", ".localhost", ".internal", ".lan", ".home.arpa")
MEGABYTE = 2**20
EXPECTED = "JPEG, PNG or WEBP"
SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF8", "GIF"),
    (b"BM", "BMP"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"%PDF", "PDF"),
    (b"<svg", "SVG"),
    (b"<?xml", "SVG"),
)
"""First bytes of files, and their formats. WEBP, AVIF and HEIC have their signatures further inside."""


class ImageFault(NamedTuple):
    """A fault of an image.

    Attributes:
        kind: Kind of the problem, a key of `problems.KINDS`.
        reason: Description that begins with a verb.
    """

    kind: str
    reason: str


def image_fault(url: str) -> ImageFault | None:
    """Return why the service would reject or skip an image, or None if no reason is known."""
    if WEB_ADDRESS.match(url):
        return _address_fault(url)
    if data := IMAGE_DATA.match(url):
        return _data_fault(url, data)
    return ImageFault("image", _unsupported(url))


def _address_fault(url: str) -> ImageFault | None:
    try:
        host = urlsplit(url).hostname
    except ValueError:
        host = None
    if not host:
        return ImageFault("image_address", "is a URL without a valid host")
    if _is_private(host):
        return ImageFault(
            "image_address", f"is at {json.dumps(host)}, which only a private network can reach"
        )
    return None


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host.partition("%")[0]).is_global
    except ValueError:
        name = host.removesuffix(".")
        return "." not in name or name.endswith(PRIVATE_SUFFIXES)


def _unsupported(url: str) -> str:
    """Describe a URL that is neither a web URL nor the data URL of a supported type."""
    if data := DATA_TYPE.match(url):
        type_ = data[1].lower()
        name = type_.removeprefix("image/").removesuffix("+xml").upper()
        if name in {"JPEG", "PNG", "WEBP"} and type_.startswith("image/"):
            return "is a data URL of another form than data:image/…;base64,…"
        if type_ == "image/jpg":
            return "has the type image/jpg: write image/jpeg"
        if not type_.startswith("image/"):
            return f"is a data URL of the type {json.dumps(type_)[:60]}, not of a {EXPECTED} image"
        return f"is a {name[:40]} image, not {EXPECTED}"
    scheme = SCHEME.match(url)
    if scheme:
        return f"is a {scheme[1][:20].lower()} URL, neither a web URL nor a data URL of a {EXPECTED} image"
    return f"is neither a web URL nor a base64 data URL of a {EXPECTED} image"


def _data_fault(url: str, data: re.Match[str]) -> ImageFault | None:
    size = (len(url) - data.end()) * 3 // 4
    if size > MOST_IMAGE_BYTES:
        most = MOST_IMAGE_BYTES / MEGABYTE
        return ImageFault("image", f"is an image of {size / MEGABYTE:.1f} MB, more than {most:.0f} MB")
    try:
        content = binascii.a2b_base64(url[data.end() :], strict_mode=True)
    except ValueError:
        return ImageFault("image_content", "is not valid base64, so that the image cannot be decoded")
    expected, found = data[1].upper(), _format_of(content)
    if found is None:
        return ImageFault(
            "image_content", f"is not a {expected} image: its {len(content)} bytes cannot be decoded"
        )
    if found != expected:
        return ImageFault("image_content", f"has the type image/{data[1].lower()}, but is a {found} image")
    if _is_cut_off(content, found):
        return ImageFault("image_content", f"is an incomplete {found} image of {len(content)} bytes")
    return None


def _format_of(content: bytes) -> str | None:
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "WEBP"
    if content[4:8] == b"ftyp":
        return "AVIF" if content[8:12] == b"avif" else "HEIC"
    return next((name for start, name in SIGNATURES if content.startswith(start)), None)


def _is_cut_off(content: bytes, name: str) -> bool:
    """Return whether the end of an image is missing. Other bytes may follow the end."""
    if name == "WEBP":
        return int.from_bytes(content[4:8], "little") + 8 > len(content)
    return {"PNG": b"IEND", "JPEG": b"\xff\xd9"}[name] not in content
