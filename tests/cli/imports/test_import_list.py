"""The list of resources that `pulumi import --file` reads."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from pulumi_openai_ft._shared.state_names import FILE_TYPE, JOB_TYPE
from pulumi_openai_ft.cli.imports.import_list import ImportEntry, ImportList, Omission
from pulumi_openai_ft.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

LIST = ImportList(
    (ImportEntry(FILE_TYPE, "data", "file-1"), ImportEntry(JOB_TYPE, "support", "ftjob-1", parent="models")),
    (Omission("file-2", "deleted; ftjob-1 used it"),),
)


def test_entries_keep_their_order_and_parents(tmp_path: Path) -> None:
    LIST.write(tmp_path / "import.json")

    assert json.loads((tmp_path / "import.json").read_text()) == {
        "resources": [
            {"type": FILE_TYPE, "name": "data", "id": "file-1"},
            {"type": JOB_TYPE, "name": "support", "id": "ftjob-1", "parent": "models"},
        ],
        "omitted": [{"id": "file-2", "reason": "deleted; ftjob-1 used it"}],
    }


def test_an_existing_file_is_not_overwritten(tmp_path: Path) -> None:
    existing = tmp_path / "import.json"
    existing.write_text("mine")

    with pytest.raises(InputError, match=r"import\.json exists"):
        LIST.write(existing)

    assert existing.read_text() == "mine"
