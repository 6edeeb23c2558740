from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from pulumi.output import Unknown

from pulumi_openai_ft._provider.checkpoint_permission import FineTuningCheckpointPermissionProvider
from pulumi_openai_ft._provider.file import FileProvider
from pulumi_openai_ft._provider.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft.errors import InputError, MissingScopeError, ServiceError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Configure

    from pulumi_openai_ft.emulator import Emulator


@pytest.fixture
def provider(configure: Configure) -> FineTuningCheckpointPermissionProvider:
    made: FineTuningCheckpointPermissionProvider = configure(FineTuningCheckpointPermissionProvider)
    return made


@pytest.fixture
def checkpoint(configure: Configure, training_data: Path) -> str:
    """Train a model, and return its name."""
    file = configure(FileProvider).create({"file": str(training_data)})
    job = configure(FineTuningJobProvider).create(
        {"model": "gpt-4o-mini-2024-07-18", "training_file": file.id}
    )
    name: str = (job.outs or {})["fine_tuned_model"]
    return name


def permitted_projects(service: Emulator) -> set[str]:
    return {permission["project_id"] for permission in service.permissions()}


def requests(service: Emulator, method: str) -> int:
    return sum(1 for entry in service.journal() if entry.method == method and "/permissions" in entry.path)


def test_creates_all_permissions_in_one_request(
    provider: FineTuningCheckpointPermissionProvider, checkpoint: str, service: Emulator
) -> None:
    created = provider.create({"checkpoint_id": checkpoint, "project_ids": ["proj_b", "proj_c"]})

    assert created.id == checkpoint
    assert permitted_projects(service) == {"proj_b", "proj_c"}
    assert requests(service, "POST") == 1


def test_the_state_holds_the_id_of_each_permission(
    provider: FineTuningCheckpointPermissionProvider, checkpoint: str, service: Emulator
) -> None:
    created = provider.create({"checkpoint_id": checkpoint, "project_ids": ["proj_c", "proj_b"]})

    ids = {permission["project_id"]: permission["id"] for permission in service.permissions()}
    assert created.outs == {
        "checkpoint_id": checkpoint,
        "project_ids": ["proj_b", "proj_c"],
        "permission_ids": ids,
        "__asked_checkpoint_id": checkpoint,
    }


def test_adopts_an_existing_permission(
    provider: FineTuningCheckpointPermissionProvider, checkpoint: str, service: Emulator
) -> None:
    first = provider.create({"checkpoint_id": checkpoint, "project_ids": ["proj_b"]})

    again = provider.create({"checkpoint_id": checkpoint, "project_ids": ["proj_b"]})

    assert again.outs == first.outs
    assert requests(service, "POST") == 1


def test_projects_change_in_place_and_keep_other_permissions(
    provider: FineTuningCheckpointPermissionProvider, checkpoint: str, service: Emulator
) -> None:
    created = provider.create({"checkpoint_id": checkpoint, "project_ids": ["proj_b", "proj_c"]})
    stays = created.outs["permission_ids"]["proj_c"]  # type: ignore[index]

    updated = provider.update(
        created.id, created.outs or {}, {"checkpoint_id": checkpoint, "project_ids": ["proj_c", "proj_d"]}
    )

    assert permitted_projects(service) == {"proj_c", "proj_d"}
    assert (updated.outs or {})["permission_ids"]["proj_c"] == stays
    assert requests(service, "DELETE") == 1


def test_revokes_only_its_own_permissions(
    provider: FineTuningCheckpointPermissionProvider, checkpoint: str, service: Emulator
) -> None:
    created = provider.create({"checkpoint_id": checkpoint, "project_ids": ["proj_b", "proj_c"]})
    provider.create({"checkpoint_id": checkpoint, "project_ids": ["proj_other"]})

    provider.delete(created.id, created.outs or {})

    assert permitted_projects(service) == {"proj_other"}


def test_revoking_a_missing_permission_succeeds(
    provider: FineTuningCheckpointPermissionProvider, checkpoint: str, service: Emulator
) -> None:
    created = provider.create({"checkpoint_id": checkpoint, "project_ids": ["proj_b"]})
    provider.delete(created.id, created.outs or {})

    provider.delete(created.id, created.outs or {})

    assert permitted_projects(service) == set()


def test_a_revoked_permission_is_the_only_difference(
    provider: FineTuningCheckpointPermissionProvider, checkpoint: str, configure: Configure
) -> None:
    declared = {"checkpoint_id": checkpoint, "project_ids": ["proj_b", "proj_c"]}
    created = provider.create(dict(declared))
    provider.api.revoke_permission(checkpoint, created.outs["permission_ids"]["proj_b"])  # type: ignore[index]

    read = configure(FineTuningCheckpointPermissionProvider).read(created.id, created.outs or {})

    assert (read.outs or {})["project_ids"] == ["proj_c"]
    assert provider.diff(created.id, read.outs or {}, declared).changes is True
    assert provider.diff(created.id, created.outs or {}, declared).changes is False


def test_without_permissions_left_it_reads_as_deleted(
    provider: FineTuningCheckpointPermissionProvider, checkpoint: str
) -> None:
    assert provider.read(checkpoint, {"project_ids": ["proj_b"]}).id == ""


def test_another_checkpoint_replaces_the_resource(provider: FineTuningCheckpointPermissionProvider) -> None:
    olds = {"checkpoint_id": "ft:m:o::a", "project_ids": ["proj_b"]}

    for news in ("ft:m:o::b", Unknown()):
        assert provider.diff("id", olds, {**olds, "checkpoint_id": news}).replaces == ["checkpoint_id"]


@pytest.mark.parametrize(
    ("inputs", "sentence"),
    [
        ({"checkpoint_id": "ftjob-1"}, "checkpoint_id: 'ftjob-1' is a job: pass a job's `fine_tuned_model`"),
        ({"checkpoint_id": None}, "checkpoint_id: is missing: a job has no model until it has succeeded"),
        ({"project_ids": []}, "project_ids: [] is invalid"),
        ({"project_ids": "proj_b"}, "project_ids: 'proj_b' is invalid: must be a list"),
        ({"allow_view": False}, "allow_view: False is invalid: must be True"),
    ],
    ids=repr,
)
def test_bad_input_is_reported_at_preview(
    provider: FineTuningCheckpointPermissionProvider, inputs: dict[str, Any], sentence: str
) -> None:
    good = {"checkpoint_id": "ft:m:o::a", "project_ids": ["proj_b"]}

    (failure,) = provider.check({}, {**good, **inputs}).failures

    assert failure.reason.startswith(sentence)


def test_the_owning_project_is_refused_without_creating_permissions(
    provider: FineTuningCheckpointPermissionProvider, checkpoint: str, service: Emulator
) -> None:
    owner = "proj_default"

    with pytest.raises(ServiceError, match="project"):
        provider.create({"checkpoint_id": checkpoint, "project_ids": [owner]})

    assert permitted_projects(service) == set()


def test_a_project_key_used_as_admin_key_is_reported(configure: Configure, checkpoint: str) -> None:
    provider = configure(FineTuningCheckpointPermissionProvider, adminKey="sk-proj-this-is-no-admin-key")

    with pytest.raises(MissingScopeError, match=r"api\.fine_tuning\.checkpoints\."):
        provider.create({"checkpoint_id": checkpoint, "project_ids": ["proj_b"]})


def test_a_forced_replacement_keeps_adopted_permissions(
    provider: FineTuningCheckpointPermissionProvider, checkpoint: str, service: Emulator
) -> None:
    inputs = {"checkpoint_id": checkpoint, "project_ids": ["proj_b"]}
    old = provider.create(dict(inputs))

    new = provider.create(dict(inputs))
    provider.delete(old.id, old.outs or {})
    assert permitted_projects(service) == {"proj_b"}

    provider.delete(new.id, new.outs or {})
    assert permitted_projects(service) == set()


def test_many_resources_of_a_checkpoint_share_one_list(
    provider: FineTuningCheckpointPermissionProvider, checkpoint: str, service: Emulator
) -> None:
    for project in ("proj_b", "proj_c", "proj_d"):
        provider.create({"checkpoint_id": checkpoint, "project_ids": [project]})
        provider.read(checkpoint, {"project_ids": [project]})

    assert requests(service, "GET") == 1


@pytest.mark.usefixtures("checkpoint")
def test_a_checkpoint_is_found_by_its_id(
    provider: FineTuningCheckpointPermissionProvider, service: Emulator
) -> None:
    (job,) = service.jobs()
    found = next(provider.api.checkpoints(job["id"]))
    inputs = {"checkpoint_id": found.id, "project_ids": ["proj_b"]}

    created = provider.create(dict(inputs))

    assert created.id == found.fine_tuned_model_checkpoint
    assert provider.diff(created.id, created.outs or {}, inputs).changes is False


@pytest.mark.usefixtures("checkpoint")
def test_a_checkpoint_id_not_found_is_reported_with_advice(
    provider: FineTuningCheckpointPermissionProvider,
) -> None:
    with pytest.raises(InputError, match=r"'ftckpt_missing' was not found .*: use the checkpoint's name"):
        provider.create({"checkpoint_id": "ftckpt_missing", "project_ids": ["proj_b"]})


def test_duplicate_permissions_are_reported_at_preview(
    provider: FineTuningCheckpointPermissionProvider,
) -> None:
    good = {"checkpoint_id": "ft:m:o::a", "project_ids": ["proj_b"]}
    provider.check({}, {**good, "__identity": "o::dev::shop::T::first"})

    (failure,) = provider.check({}, {**good, "__identity": "o::dev::shop::T::second"}).failures

    assert failure.reason.startswith(
        "project_ids: 'proj_b' already has access to ft:m:o::a through another resource, 'first'"
    )
    assert provider.check({}, {**good, "__identity": "o::dev::shop::T::first"}).failures == []


@pytest.mark.parametrize("action", ["drop_after", "truncate"])
def test_an_unanswered_permission_request_is_found(
    provider: FineTuningCheckpointPermissionProvider, checkpoint: str, service: Emulator, action: str
) -> None:
    service.fault("POST", "/v1/fine_tuning/checkpoints/*", action)

    created = provider.create({"checkpoint_id": checkpoint, "project_ids": ["proj_b"]})

    assert permitted_projects(service) == {"proj_b"}
    assert set((created.outs or {})["permission_ids"]) == {"proj_b"}
