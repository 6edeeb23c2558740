from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

from pydantic import BaseModel
from tests.docs.pages import DOCS

from pulumi_openai_ft.serve.config import ServeConfig

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = (DOCS / "self-hosting.md").read_text("utf-8")


def tables_in(annotation: object) -> Iterator[type[BaseModel]]:
    for found in (annotation, *get_args(annotation)):
        if isinstance(found, type) and issubclass(found, BaseModel):
            yield found


def documented_keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in model.model_fields.items():
        key = f"{prefix}{field.alias or name}"
        tables = list(tables_in(field.annotation))
        if key == "key":  # a command writes these tables
            yield "key[]"
        elif tables:
            yield from documented_keys(tables[0], f"{key}[]." if field.alias else f"{key}.")
        else:
            yield key


def test_the_page_documents_every_key_once() -> None:
    listed = re.findall(r"(?m)^\| `([a-z0-9_.\[\]]+)` \|.*\|.*\|$", PAGE.split("## Keys")[0])
    assert sorted(listed) == sorted(documented_keys(ServeConfig))
