"""Failing imports: they report a sentence and an exit code, and leave the state unchanged."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from tests.e2e.import_.importing import (
    FILE,
    JOB,
    MODEL,
    PERMISSION,
    import_all,
    import_one,
    printed_program,
    run_printed_program,
    set_config,
    state,
    write,
)
from tests.support import ADMIN_KEY, API_KEY

if TYPE_CHECKING:
    from tests.e2e.conftest import CommandResult, Stack
    from tests.e2e.import_.importing import Account

pytestmark = pytest.mark.e2e

REFUSED = {
    "no-file": (FILE, "file-unknown", "No such File object: file-unknown"),
    "no-job": (JOB, "ftjob-unknown", "Could not find fine tune: ftjob-unknown"),
    "no-grant": (
        PERMISSION,
        "cp_nothing",
        "cp_nothing was not found among the permissions of the newest checkpoints (",
    ),
    "not-shared": (PERMISSION, "ft:gpt-4o:shop::abc", "ft:gpt-4o:shop::abc is not shared with any project"),
    "no-checkpoint": (PERMISSION, "ftckpt_nothing", "'ftckpt_nothing' was not found among the checkpoints"),
    "a-job": (
        FILE,
        "ftjob-1",
        "'ftjob-1' is the id of a job: to import a File, pass the id of a file, file-…",
    ),
    "a-file": (
        JOB,
        "file-1",
        "'file-1' is the id of a file: to import a FineTuningJob, pass the id of a job, ftjob-…",
    ),
    "a-project": (
        PERMISSION,
        "proj_a",
        "'proj_a' is the id of a project: to import a FineTuningCheckpointPermission, pass",
    ),
    "blank": (JOB, " ", "the id is empty: to import a FineTuningJob, pass the id of a job, ftjob-…"),
    "no-type": ("FineTuningJobs", "ftjob-1", "unknown type"),
}
"""Types, ids and errors, by name."""


def diagnostics(result: CommandResult) -> dict[str, list[str]]:
    """Return the errors at the end of the output, by resource name."""
    found: dict[str, list[str]] = {}
    name = ""
    for line in result.text.rpartition("Diagnostics:\n")[2].splitlines():
        if heading := re.fullmatch(r"  \S+ \((\S+)\):", line):
            name = heading[1]
        elif line.startswith("    error: "):
            found.setdefault(name, []).append(line.removeprefix("    error: "))
    return found


def assert_reported(result: CommandResult, name: str, sentence: str) -> None:
    """Assert that the resource has a single error, in a single line with the sentence."""
    (reported,) = diagnostics(result)[name]
    assert sentence in reported
    assert "Traceback" not in result.text


def test_a_bulk_import_reports_and_skips_missing_ids(stack: Stack, account: Account) -> None:
    file = account.upload()
    job = account.train(file)
    (results,) = job.result_files
    good = {"data": (FILE, file), "job": (JOB, job.id)}
    bad = {name: (kind, id_) for name, (kind, id_, _) in REFUSED.items()}

    result = import_all(stack, {**bad, **good, "results": (FILE, results)}, "--skip-preview", code=1)

    for name, (_, _, sentence) in REFUSED.items():
        assert_reported(result, name, sentence)
    assert_reported(
        result, "results", f"{results} has the purpose 'fine-tune-results': only uploaded files can be"
    )
    assert {name: entry["id"] for name, entry in state(stack).items()} == {"data": file, "job": job.id}

    import_all(stack, good, "--skip-preview")
    run_printed_program(stack)


@pytest.mark.long
def test_a_bulk_import_whose_preview_fails_imports_nothing(stack: Stack, account: Account) -> None:
    file = account.upload()

    result = import_all(stack, {"data": (FILE, file), "job": (JOB, "ftjob-unknown")}, code=1)

    assert_reported(result, "job", "Preview failed: fine_tune_id: Could not find fine tune: ftjob-unknown")
    assert state(stack) == {}


@pytest.mark.long
@pytest.mark.parametrize(
    ("settings", "kind", "sentence"),
    [
        (
            {"OPENAI_API_KEY": None},
            FILE,
            "no API key is set: run `pulumi config set --secret openai-ft:apiKey`",
        ),
        ({"OPENAI_API_KEY": "sk-proj-of-another-user-1234"}, JOB, "Incorrect API key provided: sk-…1234"),
        (
            {"OPENAI_ADMIN_KEY": None},
            PERMISSION,
            "permissions need an admin key: run `pulumi config set --secret",
        ),
        ({"OPENAI_ADMIN_KEY": "sk-admin-that-is-invalid-5678"}, PERMISSION, "admin key sk-…5678"),
        (
            {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1"},
            FILE,
            "no response from http://127.0.0.1:9/v1 to GET /files/",
        ),
        (
            {"OPENAI_BASE_URL": "127.0.0.1:9"},
            JOB,
            "openai-ft:baseUrl (or OPENAI_BASE_URL) is '127.0.0.1:9': must be a complete URL",
        ),
    ],
    ids=["no key", "wrong key", "no admin key", "wrong admin key", "unreachable", "malformed address"],
)
def test_an_invalid_setting_is_reported(
    settings: dict[str, str | None], kind: str, sentence: str, stack: Stack, account: Account
) -> None:
    file = account.upload()
    job = account.train(file)
    account.share(job.fine_tuned_model, "proj_a")
    for key in (API_KEY, ADMIN_KEY):
        account.service.add_key(key)
    ids = {FILE: file, JOB: job.id, PERMISSION: job.fine_tuned_model}
    environment = {**stack.environment, **settings}
    stack.environment = {name: value for name, value in environment.items() if value is not None}
    set_config(stack, maxRetries="0")

    result = import_one(stack, kind, "it", ids[kind], "--skip-preview", code=1)

    assert_reported(result, "it", sentence)
    assert state(stack) == {}


@pytest.mark.long
def test_permissions_are_rejected_if_the_service_lacks_them(stack: Stack, account: Account) -> None:
    account.service.settings.mode = "gateway"
    set_config(stack, service="generic")

    result = import_one(stack, PERMISSION, "share", "ft:gpt-4o:shop::abc", "--skip-preview", code=1)

    assert_reported(result, "share", "the service 'generic' does not support checkpoint permissions")
    assert state(stack) == {}


OPTION = """
import pulumi_openai_ft as ft
from pulumi import ResourceOptions

ft.FineTuningJob("job", model={model!r}, training_file={file!r}, {more}opts=ResourceOptions(import_={id!r}))
ft.File("notes", file="notes.txt", purpose="user_data")
"""


@pytest.mark.long
def test_the_option_reports_missing_ids_and_the_program_continues(stack: Stack, account: Account) -> None:
    (stack.folder / "notes.txt").write_text("Passwords are reset under Account.\n")
    write(stack, OPTION.format(model=MODEL, file="file-1", more="", id="ftjob-unknown"))

    assert stack.preview(code=None).code != 0
    result = stack.up("--continue-on-error", code=None)

    assert result.code != 0
    assert_reported(result, "job", "Could not find fine tune: ftjob-unknown")
    assert set(state(stack)) == {"notes"}
    assert account.service.jobs() == []


@pytest.mark.long
def test_the_option_with_other_inputs_only_previews_a_replacement(stack: Stack, account: Account) -> None:
    """The engine refuses to replace a resource with the option `import_`, and prints no secrets."""
    (stack.folder / "notes.txt").write_text("Passwords are reset under Account.\n")
    job = account.train(account.upload())
    more = 'suffix="other", metadata=__import__("pulumi").Output.secret({"note": "internal note"}), '
    write(stack, OPTION.format(model=MODEL, file=job.training_file, more=more, id=job.id))

    preview = stack.preview().text
    reported = stack.up(code=1).text

    assert "replace" in preview
    assert "previously-imported resources that still specify an ID may not be replaced" in reported
    assert "internal note" not in preview + reported + stack.export()
    assert state(stack)["job"]["id"] == job.id
    assert [found["id"] for found in account.service.jobs()] == [job.id]


@pytest.mark.long
def test_an_id_in_the_stack_is_not_imported_twice(stack: Stack, account: Account) -> None:
    first, second = account.upload("first.jsonl"), account.upload("second.jsonl")
    import_one(stack, FILE, "data", first, "--skip-preview")
    before = printed_program(stack), state(stack)

    again = import_one(stack, FILE, "data", first)
    assert "unchanged" in again.text
    assert (printed_program(stack), state(stack)) == before

    other = import_one(stack, FILE, "data", second, code=1)
    assert "already exists" in other.text
    assert state(stack) == before[1]


class TestStockHost:
    @pytest.fixture
    def host(self) -> str:
        return "stock"

    @pytest.mark.long
    def test_an_import_raises_a_key_error_and_changes_nothing(self, stack: Stack, account: Account) -> None:
        """The README states that imports need our host."""
        result = import_one(stack, FILE, "data", account.upload(), code=None)

        assert result.code != 0
        assert "KeyError: '__provider'" in result.text
        assert state(stack) == {}
