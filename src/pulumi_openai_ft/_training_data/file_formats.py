"""Files that are not JSON Lines: how to recognize them by their start."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


SIGNATURES = {
    b"\x1f\x8b": "is compressed with gzip",
    b"BZh": "is compressed with bzip2",
    b"\xfd7zXZ": "is compressed with xz",
    b"\x28\xb5\x2f\xfd": "is compressed with Zstandard",
    b"7z\xbc\xaf": "is a 7-Zip archive",
    b"PK\x03\x04": "is a ZIP archive or an Excel file",
    b"PAR1": "is a Parquet file",
    b"Obj\x01": "is an Avro file",
    b"ARROW1": "is an Arrow file",
    b"\x89HDF": "is an HDF5 file",
    b"SQLite format 3": "is an SQLite database",
    b"%PDF": "is a PDF file",
    b"<?xml": "is an XML file",
    b"<!DOCTYPE": "is an HTML page",
    b"<html": "is an HTML page",
    b"version https://git-lfs": "is a pointer of Git LFS, not the file itself (run `git lfs pull`)",
}
"""First bytes of files, and descriptions of their formats."""
CSV_HEADER = re.compile(rb'"?[A-Za-z_][\w ]*"?(?:([,;\t])"?[A-Za-z_][\w ]*"?)(?:\1"?[A-Za-z_][\w ]*"?)*\s*')
LINES_OF_OBJECT = 100
"""Number of lines in which the rest of an object is looked for. A longer one is recognized by its second line."""
PYTHON_DICTIONARY = re.compile(rb"\s*\{\s*'")
YAML = re.compile(rb"(?:---\s*|- [A-Za-z_]+:.*|[A-Za-z_]+:\s*)")


def other_file_format(first_line: bytes) -> str | None:
    """Return the description of a file that is not text in JSON, or None if its first line does not show it."""
    for start, description in SIGNATURES.items():
        if first_line.startswith(start):
            return description
    if PYTHON_DICTIONARY.match(first_line):
        return "contains Python dictionaries with single quotes, not JSON (write each with json.dumps)"
    if CSV_HEADER.fullmatch(first_line):
        return f"is a table such as CSV, with the header {first_line.decode(errors='replace').strip()[:60]}"
    return "is YAML" if YAML.fullmatch(first_line.rstrip()) else None


def is_cut_off(line: bytes) -> bool:
    """Return whether a line is the start of an object that does not end there."""
    first = line.strip()
    if not first.startswith(b"{"):
        return False
    try:
        json.loads(first)
    except json.JSONDecodeError as error:
        return error.pos >= len(error.doc) or error.msg.startswith("Unterminated string")
    except (ValueError, RecursionError):
        pass
    return False


def continues(first: bytes, following: Iterable[bytes]) -> bool:
    """Return whether an object continues after a line, rather than that this line is damaged."""
    following = [*islice(filter(bytes.strip, following), LINES_OF_OBJECT)]
    start = first.decode(errors="replace").strip()
    text = "\n".join([start, *(line.decode(errors="replace") for line in following)])
    try:
        return json.JSONDecoder().raw_decode(text)[1] > len(start)
    except (ValueError, RecursionError):
        pass
    try:
        return bool(following) and not isinstance(json.loads(following[0]), dict)
    except (ValueError, RecursionError):
        return True
