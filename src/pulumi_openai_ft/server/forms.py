"""Streaming parser for multipart bodies: text fields go to a dictionary, the file to a draft on disk."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from pulumi_openai_ft.server.errors import ApiError, invalid

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks
    from starlette.requests import Request

    from pulumi_openai_ft.server.blobs import Blobs, Draft

_LONGEST_FIELD = 1 << 16
_PART_FIELD = "data"
"""Field with the content of an upload part. The API accepts it without a file name, as a text field."""


@dataclass(slots=True)
class Form:
    """A multipart body.

    Attributes:
        fields: Text fields by name.
        draft: Content of the file, if the body has a file.
        file_field: Name of the file's field.
        filename: Name of the file.
        too_long: Whether the file exceeds the limit.
    """

    fields: dict[str, str] = field(default_factory=dict)
    draft: Draft | None = None
    file_field: str = ""
    filename: str = ""
    too_long: bool = False

    def file(self, name: str) -> Draft:
        """Return the file in the field `name`. Raise a 400 if the file is missing or in another field."""
        if self.draft is None:
            raise invalid(
                f"Missing required parameter: '{name}' (a file).", name, "missing_required_parameter"
            )
        if self.file_field != name:
            raise invalid(f"Unknown parameter: '{self.file_field}'.", self.file_field, "unknown_parameter")
        return self.draft

    def discard(self) -> None:
        """Delete the file's draft, unless it was stored."""
        if self.draft is not None:
            self.draft.discard()


class _Reader:
    """The parser's callbacks for one body."""

    def __init__(self, blobs: Blobs, limit: int) -> None:
        self.form = Form()
        self._blobs = blobs
        self._limit = limit
        self._header = (bytearray(), bytearray())
        self._disposition = b""
        self._name = ""
        self._text: bytearray | None = None
        self._complete = False

    def callbacks(self) -> MultipartCallbacks:
        """Return the methods for the parser."""
        return {
            "on_part_begin": self.on_part_begin,
            "on_part_data": self.on_part_data,
            "on_part_end": self.on_part_end,
            "on_header_field": self.on_header_field,
            "on_header_value": self.on_header_value,
            "on_header_end": self.on_header_end,
            "on_headers_finished": self.on_headers_finished,
            "on_end": self.on_end,
        }

    def on_part_begin(self) -> None:
        self._disposition = b""
        self._text = None

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header[0].extend(data[start:end])

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._header[1].extend(data[start:end])

    def on_header_end(self) -> None:
        name, value = self._header
        if name.lower() == b"content-disposition":
            self._disposition = bytes(value)
        self._header = (bytearray(), bytearray())

    def on_headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        self._name = options.get(b"name", b"").decode("utf-8", "replace")
        if b"filename" not in options and self._name != _PART_FIELD:
            self._text = bytearray()
            return
        if self.form.draft is not None:
            raise invalid("The body contains more than one file.", self._name)
        self.form.draft = self._blobs.draft()
        self.form.file_field = self._name
        self.form.filename = options.get(b"filename", b"").decode("utf-8", "replace")

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._text is not None:
            self._add_text(data[start:end])
        elif self.form.draft is not None and not self.form.too_long:
            self.form.too_long = self.form.draft.bytes + end - start > self._limit
            self.form.draft.write(data[start:end])

    def on_part_end(self) -> None:
        if self._text is not None:
            self.form.fields[self._name] = self._text.decode("utf-8", "replace")

    def on_end(self) -> None:
        self._complete = True

    def check_end(self) -> None:
        if not self._complete:
            raise invalid("The multipart body of your request ends without its closing boundary.")
        if self.form.too_long:
            raise ApiError(413, f"The file is longer than {self._limit} bytes.", param=self.form.file_field)

    def _add_text(self, data: bytes) -> None:
        assert self._text is not None
        self._text.extend(data)
        if len(self._text) > _LONGEST_FIELD:
            raise invalid(f"Parameter '{self._name}' is longer than {_LONGEST_FIELD} bytes.", self._name)


async def read_form(request: Request, blobs: Blobs, limit: int) -> Form:
    """Read a multipart body with one file of at most `limit` bytes. Call `Form.discard` when you no longer need it.

    Raise a 400 if the body is not multipart, and a 413 if the file exceeds the limit. Even then, read the complete
    body: otherwise clients could not receive the response.
    """
    reader = _Reader(blobs, limit)
    try:
        parser = MultipartParser(_boundary(request), reader.callbacks())
        async for chunk in request.stream():
            parser.write(chunk)
        parser.finalize()
        reader.check_end()
    except FormParserError as error:
        reader.form.discard()
        raise invalid(f"We could not parse the multipart body of your request: {error}.") from error
    except BaseException:
        reader.form.discard()
        raise
    return reader.form


def _boundary(request: Request) -> bytes:
    media_type, options = parse_options_header(request.headers.get("content-type"))
    if media_type != b"multipart/form-data" or b"boundary" not in options:
        raise invalid("The body must be multipart/form-data with a boundary.")
    return options[b"boundary"]
