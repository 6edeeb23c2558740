from __future__ import annotations

import re
from typing import TYPE_CHECKING, get_args

from pydantic import BaseModel
from tests.docs.pages import DOCS

from pulumi_openai_ft.serve import hyperparameters
from pulumi_openai_ft.serve.config import ServeConfig
from pulumi_openai_ft.serve.config_file import new_config

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


def test_documented_defaults_are_those_of_the_template() -> None:
    rows = re.findall(r"(?m)^\| `[a-z.\[\]]*?([a-z0-9_]+)` \| `(.*)` \| .* \|$", PAGE.split("## Keys")[0])
    template = new_config(id_="x", path="x", aliases=[], max_length=2048)

    documented = {f"{key} = {default}" for key, default in rows if default != "{}"}
    assert len(documented) > 15
    assert {line for line in documented if f"\n{line}\n" not in template.replace("\n#", "\n")} == set()


def test_the_rule_of_auto_is_that_of_the_service() -> None:
    (small, four), (large, eight) = hyperparameters.BATCH_SIZES
    multiplier = hyperparameters.LEARNING_RATE_MULTIPLIER
    for row in (
        f"| `n_epochs` | {hyperparameters.EPOCHS} |",
        (
            f"| `batch_size` | {four} for files with fewer than {small:,} rows, {eight} for fewer than {large:,}, or else "
            f"{hyperparameters.LARGEST_BATCH_SIZE}; never more than the rows |"
        ),
        f"| `learning_rate_multiplier` | {multiplier:g}, which means",
        f"| `beta` (DPO) | {hyperparameters.BETA} |",
    ):
        assert row in PAGE
