"""The commands `import plan` and `import run`, up to the point where they need Pulumi."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import pytest
from tests.cli.imports.test_plan import trained
from tests.cli.imports.test_program_source import calls
from tests.support import ADMIN_KEY, API_KEY

from pulumi_openai_ft._shared.state_names import IDENTITY, JOB_TYPE
from pulumi_openai_ft.cli.imports.engine_import import errors_in
from pulumi_openai_ft.cli.imports.import_list import ImportEntry
from pulumi_openai_ft.cli.imports.imported_program import write_module, written_modules
from pulumi_openai_ft.cli.imports.progress_counter import ProgressCounter
from pulumi_openai_ft.cli.imports.stack_objects import StackObjects
from pulumi_openai_ft.cli.imports.unfinished import Unfinished
from pulumi_openai_ft.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

    from tests.emulator.support import Api

    from pulumi_openai_ft.emulator import Emulator

ENTRY = ImportEntry(JOB_TYPE, "support", "ftjob-1")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, service: Emulator, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder without a project, with the emulator's settings in the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("OPENAI_API_KEY", API_KEY)
    monkeypatch.setenv("OPENAI_ADMIN_KEY", ADMIN_KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", service.url)
    return tmp_path


def test_a_plan_needs_no_project(api: Api, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    job = trained(api, suffix="support")
    lost = trained(api, suffix="lost")
    api.delete(f"/models/{lost['fine_tuned_model']}").raise_for_status()

    assert main(["import", "plan", "--project", "proj_default"]) == 0

    written = json.loads((folder / "import.json").read_text())
    assert written["resources"] == [{"type": JOB_TYPE, "name": "support", "id": job["id"]}]
    out, err = capsys.readouterr()
    assert "Listed 1 job in import.json." in out
    assert "   pulumi config set openai-ft:project proj_default\n" in out
    assert "   pulumi import --file import.json --out imported_resources.py\n" in out
    assert f"Left out:\n  - {lost['id']}: its model {lost['fine_tuned_model']} was deleted" in err
    assert API_KEY not in out + err + json.dumps(written)


def test_a_list_can_be_printed(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    trained(api)

    assert main(["import", "plan", "--output", "-"]) == 0

    out, err = capsys.readouterr()
    assert len(json.loads(out)["resources"]) == 1
    assert err.startswith("Listed 1 job.\n\nTo import them, save the list as import.json and run:\n")
    assert "pulumi import --file import.json" in err


def test_an_existing_list_is_kept(api: Api, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trained(api)
    (folder / "import.json").write_text("mine")

    assert main(["import", "plan"]) == 1

    assert "import.json exists; pass another file, or remove it" in capsys.readouterr().err
    assert (folder / "import.json").read_text() == "mine"


def test_an_empty_account_has_nothing_to_import(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["import", "plan", "--with-files", "--with-permissions"]) == 0

    assert capsys.readouterr().out == "Nothing to import.\n"
    assert not (folder / "import.json").exists()


@pytest.mark.parametrize(
    ("options", "removed", "message"),
    [
        (["plan"], "OPENAI_API_KEY", "no API key is set"),
        (["plan", "--with-permissions"], "OPENAI_ADMIN_KEY", "checkpoint permissions need an admin key"),
        (["run"], None, "no Pulumi.yaml in"),
    ],
)
def test_a_missing_setting_is_reported(
    options: list[str],
    removed: str | None,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if removed:
        monkeypatch.delenv(removed)

    assert main(["import", *options]) == 1

    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("project", "program", "message"),
    [
        ("", None, "does not use this package's host, which `pulumi import` needs; run `openai-ft init`"),
        ("ours", "__main__.py", "__main__.py exists; pass another file with --program"),
        ("ours", "my-resources.py", "my-resources.py cannot be imported; pass a name such as"),
        ("ours", "missing/a.py", "missing is not a folder"),
    ],
)
def test_an_unusable_project_or_program_is_reported(
    project: str, program: str | None, message: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plugins = "plugins:\n  providers:\n    - name: pulumi-python\n      path: bin\n" if project else ""
    (folder / "Pulumi.yaml").write_text(f"name: shop\nruntime: python\n{plugins}")
    (folder / "__main__.py").touch()

    assert main(["import", "run", *(["--program", program] if program else [])]) == 1

    assert message in capsys.readouterr().err


def test_an_invalid_day_is_reported(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["import", "plan", "--since", "yesterday"])

    assert "'yesterday' is not a day; write it as YYYY-MM-DD" in capsys.readouterr().err


def stack_with(**inputs: object) -> StackObjects:
    urn = f"urn:pulumi:dev::shop::{JOB_TYPE}::{ENTRY.name}"
    resource = {"type": JOB_TYPE, "urn": urn, "id": ENTRY.id, "inputs": inputs}
    return StackObjects.of({"deployment": {"resources": [resource]}})


@pytest.mark.parametrize(
    ("identity", "note"),
    [({}, 'a\\b\n"c"'), ({IDENTITY: "x"}, 'a\\\\b\n\\"c\\"')],
    ids=["imported", "updated"],
)
def test_escapes_of_an_import_are_removed(identity: dict[str, str], note: str, folder: Path) -> None:
    stack = stack_with(metadata={"note": 'a\\\\b\n\\"c\\"'}, __provider="x", **identity)

    write_module(folder / "jobs.py", [ENTRY], stack)

    assert calls((folder / "jobs.py").read_text()) == [
        ("FineTuningJob", "support", {"metadata": {"note": note}})
    ]


@pytest.mark.parametrize(
    ("line", "is_used"),
    [
        ("import jobs", True),
        ("import os, jobs", True),
        ("from jobs import support", True),
        ("    import jobs  # noqa", True),
        ("# import jobs", False),
        ("import jobs_2", False),
    ],
)
def test_imported_modules_are_found(line: str, *, is_used: bool, folder: Path) -> None:
    write_module(folder / "jobs.py", [ENTRY], stack_with(model="gpt-4o-mini"))
    (folder / "__main__.py").write_text(f"import pulumi\n{line}\n")

    assert written_modules(folder) == {"jobs": is_used}


@pytest.mark.parametrize("damage", ["", "{}", '[{"id": 1}]'])
def test_damaged_notes_of_an_import_are_ignored(damage: str, folder: Path) -> None:
    unfinished = Unfinished.of(folder, "dev")
    unfinished.save([ENTRY])
    assert Unfinished.of(folder, "dev").load() == (ENTRY,)
    assert Unfinished.of(folder, "prod").load() == ()

    unfinished.file.write_text(damage)

    assert unfinished.load() == ()


def test_only_the_diagnostics_of_the_engine_are_shown() -> None:
    lines = [
        "Importing (dev):",
        "Diagnostics:",
        "  job (a):",
        "    error: gone",
        "",
        "Resources:",
        "    1 errored",
    ]

    assert errors_in(lines) == "  job (a):\n    error: gone"
    assert errors_in(["error: the stack is locked", ""]) == "error: the stack is locked"


def test_piped_progress_is_a_line_per_half_minute() -> None:
    now, stream = [0.0], io.StringIO()
    counter = ProgressCounter("resources imported", stream, lambda: now[0])
    for second in range(0, 100, 10):
        now[0] = second
        counter.show(second, 1000)
    counter.close()

    assert stream.getvalue().splitlines() == [
        "openai-ft: 30 of 1,000 resources imported",
        "openai-ft: 60 of 1,000 resources imported",
        "openai-ft: 90 of 1,000 resources imported",
    ]
