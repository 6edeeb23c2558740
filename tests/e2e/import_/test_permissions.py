"""Imports of permissions by each form of id: the resource manages the permissions that the id names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from tests.e2e.import_.importing import (
    PERMISSION,
    import_all,
    import_one,
    printed_program,
    run_printed_program,
    state,
)

if TYPE_CHECKING:
    from tests.e2e.conftest import Stack
    from tests.e2e.import_.importing import Account

pytestmark = [pytest.mark.e2e, pytest.mark.long]


def test_each_id_form_imports_only_its_permissions(stack: Stack, account: Account) -> None:
    job = account.train(account.upload())
    first, second, third = account.checkpoints(job)
    names = [checkpoint.fine_tuned_model_checkpoint for checkpoint in (first, second, third)]
    cps = account.share(names[0], "proj_a", "proj_b", "proj_c")
    account.share(names[1], "proj_b", "proj_a")
    by_id = account.share(names[2], "proj_a", "proj_b")

    import_all(
        stack,
        {
            "one": (PERMISSION, f"{names[0]}/{cps['proj_a']}"),
            "bare": (PERMISSION, cps["proj_b"]),
            "all": (PERMISSION, names[1]),
            "of-id": (PERMISSION, f"{third.id}/{by_id['proj_b']}"),
        },
        "--skip-preview",
        "--protect=false",
    )

    found = state(stack)
    assert {name: (entry["id"], entry["inputs"]["project_ids"]) for name, entry in found.items()} == {
        "one": (names[0], ["proj_a"]),
        "bare": (names[0], ["proj_b"]),
        "all": (names[1], ["proj_a", "proj_b"]),
        "of-id": (names[2], ["proj_b"]),
    }
    assert found["one"]["outputs"]["permission_ids"] == {"proj_a": cps["proj_a"]}
    run_printed_program(stack)
    stack.up("--expect-no-changes")

    stack.destroy()
    assert account.permissions() == {(names[0], "proj_c"), (names[2], "proj_a")}


def test_a_checkpoint_id_imports_all_its_permissions_by_name(stack: Stack, account: Account) -> None:
    checkpoint = account.checkpoints(account.train(account.upload()))[0]
    account.share(checkpoint.fine_tuned_model_checkpoint, "proj_b", "proj_a")

    import_one(stack, PERMISSION, "share", checkpoint.id, "--skip-preview", "--protect=false")

    assert f'checkpoint_id="{checkpoint.fine_tuned_model_checkpoint}"' in printed_program(stack)
    assert state(stack)["share"]["id"] == checkpoint.fine_tuned_model_checkpoint
    run_printed_program(stack)


def test_an_added_project_is_granted_in_place(stack: Stack, account: Account) -> None:
    model = account.train(account.upload()).fine_tuned_model
    kept = account.share(model, "proj_a", "proj_b")
    import_one(stack, PERMISSION, "share", f"{model}/{kept['proj_a']}", "--skip-preview", "--protect=false")
    run_printed_program(stack)

    program = stack.folder / "__main__.py"
    program.write_text(program.read_text().replace('["proj_a"]', '["proj_a", "proj_c"]'))
    stack.up()

    assert account.permissions() == {(model, project) for project in ("proj_a", "proj_b", "proj_c")}
    assert state(stack)["share"]["outputs"]["permission_ids"]["proj_a"] == kept["proj_a"]
    stack.preview("--expect-no-changes")
