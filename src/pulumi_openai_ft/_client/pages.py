"""Reading of the pages of lists, whose elements are read one by one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from pydantic import ValidationError

from pulumi_openai_ft._client.objects import APIObject

ItemT = TypeVar("ItemT", bound=APIObject)


@dataclass(frozen=True)
class Page(Generic[ItemT]):
    """A page of a list.

    Attributes:
        items: The elements that can be read.
        unreadable: The reasons why other elements cannot be read.
        has_more: Whether the list continues, or None if the service does not state it.
        last_id: The cursor for the next page, or None if the page is empty.
    """

    items: list[ItemT]
    unreadable: list[str]
    has_more: bool | None
    last_id: str | None

    @classmethod
    def read(cls, kind: type[ItemT], decoded: Any) -> Page[ItemT]:
        """Read a page of objects.

        Raises:
            ValueError: The response is not a page.
        """
        data = decoded.get("data") if isinstance(decoded, Mapping) else None
        if not isinstance(data, list):
            data = _empty_page(kind, decoded)
        items, unreadable = [], []
        for number, element in enumerate(data):
            try:
                items.append(kind.model_validate(element))
            except ValidationError as error:
                unreadable.append(f"data.{number}: {reasons(error)}")
        given, last = decoded.get("has_more"), decoded.get("last_id")
        cursor = last if isinstance(last, str) and last else (items[-1].id if items else None)
        return cls(items, unreadable, given if isinstance(given, bool) else None, cursor)


def reasons(error: ValidationError) -> str:
    """Return the problems of an object, without its values."""
    fields = {".".join(map(str, problem["loc"])): problem["msg"] for problem in error.errors()}
    return ", ".join(f"{field}: {reason}" if field else reason for field, reason in fields.items())


def _empty_page(kind: type[APIObject], decoded: Any) -> list[Any]:
    """Return the elements of a page without `data`: none, unless something in the response contradicts that.

    Raises:
        ValueError: The response is not a list, or states that it has elements.
    """
    problem = f"not a valid list of {kind.__name__} objects"
    if not isinstance(decoded, Mapping):
        raise ValueError(f"{problem}: not a JSON object")  # noqa: TRY004 - the reader of a response raises ValueError
    if "data" not in decoded and decoded.get("object") != "list":
        raise ValueError(f"{problem}: data: Field required")
    if decoded.get("data") is not None:
        raise ValueError(f"{problem}: data: Input should be a valid list")
    contradicting = [
        name
        for name, value in decoded.items()
        if (name in ("has_more", "first_id", "last_id") and value)
        or (isinstance(value, list | dict) and value)
        or (name == "error" and value)
        or ((name == "count" or "total" in name) and value)
    ]
    if contradicting:
        raise ValueError(f"{problem}: data is null, although {contradicting[0]} is set")
    return []
