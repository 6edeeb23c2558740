from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from tools import picture_of_watch

if TYPE_CHECKING:
    from pathlib import Path


def test_the_picture_shows_curves_and_needs_no_network(tmp_path: Path) -> None:
    path = tmp_path / "watch.svg"

    picture_of_watch.main(path)

    svg = path.read_text("utf-8")
    texts = "".join(ET.fromstring(svg).itertext())  # noqa: S314 - written by this test
    assert re.search("[\u2801-\u28ff]", texts)
    assert re.search(r"step\s\d+/90", texts)
    assert "url(" not in re.sub(r"url\(#", "", svg)
    assert len(svg) < 50_000


def test_the_published_picture_is_of_the_same_form() -> None:
    svg = picture_of_watch.PICTURE.read_text("utf-8")

    assert ET.fromstring(svg).tag.endswith("svg")  # noqa: S314 - a file of the repository
    assert "@font-face" not in svg
