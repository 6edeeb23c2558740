"""The engine's calls to a real host over gRPC, which sends real HTTP to the emulator."""

from __future__ import annotations

import base64
import hashlib
import json
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import provider_pb2
from pulumi.runtime.proto.provider_pb2 import DiffResponse, PropertyDiff
from tests.host.support import (
    FILE,
    JOB,
    MODEL,
    PERMISSION,
    THIRD_PARTY_TYPE,
    TYPE_PREFIX,
    UNKNOWN,
    configuration,
    pickled,
    refusal,
    struct,
    to_dict,
    urn,
)
from tests.support import ADMIN_KEY, API_KEY

from pulumi_openai_ft.checkpoint_permission import FineTuningCheckpointPermissionProvider
from pulumi_openai_ft.file import FileProvider
from pulumi_openai_ft.fine_tuning_job import FineTuningJobProvider
from pulumi_openai_ft.training_data import check

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.host.support import Host, HostProcess

    from pulumi_openai_ft.emulator import Emulator

PROVIDERS = {
    FILE: FileProvider,
    JOB: FineTuningJobProvider,
    PERMISSION: FineTuningCheckpointPermissionProvider,
}
METHODS: dict[str, Callable[[Host, str], Any]] = {
    "Check": lambda host, resource: host.stub.Check(provider_pb2.CheckRequest(urn=resource)),
    "Diff": lambda host, resource: host.stub.Diff(provider_pb2.DiffRequest(urn=resource, id="x")),
    "Create": lambda host, resource: host.stub.Create(provider_pb2.CreateRequest(urn=resource)),
    "Update": lambda host, resource: host.stub.Update(provider_pb2.UpdateRequest(urn=resource, id="x")),
    "Read": lambda host, resource: host.stub.Read(provider_pb2.ReadRequest(urn=resource, id="x")),
    "Delete": lambda host, resource: host.stub.Delete(provider_pb2.DeleteRequest(urn=resource, id="x")),
}
EPOCHS = "method.supervised.hyperparameters.n_epochs"


def supervised(**hyperparameters: Any) -> dict[str, Any]:
    return {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}


def is_a_sentence(reason: str) -> bool:
    return bool(reason) and "Traceback" not in reason and "\n" not in reason


def still_works(host: Host) -> bool:
    return not host.check(JOB, {"model": MODEL, "training_file": "file-1"}).failures


def reasons(host: Host, kind: str, news: dict[str, Any]) -> list[str]:
    found = host.check(kind, news).failures
    assert {failure.property for failure in found} <= {""}
    return [failure.reason for failure in found]


class TestProtocol:
    """Negotiation, once per engine."""

    def test_values_come_as_the_stock_host_gets_them(self, host: Host) -> None:
        """Accept no secrets, resource references or outputs, but support creates and updates in previews."""
        handshake = host.stub.Handshake(provider_pb2.ProviderHandshakeRequest())
        configured = host.stub.Configure(provider_pb2.ConfigureRequest(acceptSecrets=True))

        assert handshake == provider_pb2.ProviderHandshakeResponse()
        assert configured == provider_pb2.ConfigureResponse(supportsPreview=True)

    def test_it_has_a_version(self, host: Host) -> None:
        assert host.stub.GetPluginInfo(empty_pb2.Empty()).version

    def test_the_schema_has_every_resource_type(self, host: Host) -> None:
        schema = json.loads(host.stub.GetSchema(provider_pb2.GetSchemaRequest()).schema)

        assert schema["name"] == "pulumi-python"
        assert set(schema["resources"]) == {urn(kind).split("::")[2] for kind in PROVIDERS}
        assert schema["functions"]

    def test_functions_use_the_stacks_configuration(self, host: Host, service: Emulator) -> None:
        answer = host.stub.Invoke(
            provider_pb2.InvokeRequest(tok=f"{TYPE_PREFIX}getFineTuningJobs", args=struct({"limit": 1}))
        )

        assert to_dict(getattr(answer, "return"))["jobs"] == []
        assert [entry.path for entry in service.journal()] == ["/v1/fine_tuning/jobs"]

    @pytest.mark.parametrize("token", [f"{TYPE_PREFIX}getNothing", "aws:s3:getBucket", ""])
    def test_a_missing_function_is_reported(self, host: Host, token: str) -> None:
        (failure,) = host.stub.Invoke(provider_pb2.InvokeRequest(tok=token)).failures

        assert is_a_sentence(failure.reason)
        assert repr(token) in failure.reason


class TestBadInput:
    """Each error is a sentence that names the resource; the next call works."""

    @pytest.mark.parametrize("method", METHODS)
    def test_a_missing_type_of_this_package_is_reported(self, host: Host, method: str) -> None:
        reason = refusal(METHODS[method], host, urn("Model", "typo")).reason

        assert is_a_sentence(reason)
        assert "'typo'" in reason
        assert "'pulumi-python:dynamic/openai_ft:Model'" in reason
        assert "File, FineTuningJob, FineTuningCheckpointPermission" in reason
        assert still_works(host)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("kind", ["aws:s3/bucket:Bucket", THIRD_PARTY_TYPE])
    def test_a_resource_without_a_provider_is_reported(self, host: Host, kind: str, method: str) -> None:
        reason = refusal(METHODS[method], host, urn(kind, "assets")).reason

        assert is_a_sentence(reason)
        assert "'assets'" in reason
        assert still_works(host)

    @pytest.mark.parametrize("method", METHODS)
    @pytest.mark.parametrize("resource", ["", "support", "urn:pulumi:dev", "urn:pulumi:dev::shop::::support"])
    def test_a_malformed_urn_is_reported(self, host: Host, resource: str, method: str) -> None:
        reason = refusal(METHODS[method], host, resource).reason

        assert is_a_sentence(reason)
        assert repr(resource.rpartition("::")[2]) in reason
        assert still_works(host)

    @pytest.mark.parametrize("name", ["a::b", "$", "aws:s3:Bucket$x", "::", " ", "ü\n"])
    def test_a_name_may_contain_any_character(self, host: Host, name: str) -> None:
        host.create(JOB, {"model": MODEL, "training_file": "file-1"}, name, preview=True)
        failed = refusal(host.create, "Model", {}, name)

        assert repr(name) in failed.reason

    def test_a_childs_type_is_independent_of_its_parents(self, host: Host) -> None:
        child = urn(FILE, "data", parents=f"shop:index:Team${THIRD_PARTY_TYPE}$")

        assert not host.stub.Check(provider_pb2.CheckRequest(urn=child)).failures

    @pytest.mark.parametrize(
        "resource",
        [
            urn(THIRD_PARTY_TYPE, parents=f"{TYPE_PREFIX}{FILE}$"),
            urn(THIRD_PARTY_TYPE, f"{TYPE_PREFIX}{FILE}"),
        ],
        ids=["child of this package", "name like this package's"],
    )
    def test_similar_types_do_not_belong_to_this_package(self, host: Host, resource: str) -> None:
        given = struct({"size": 1})

        request = provider_pb2.CreateRequest(urn=resource, properties=given, preview=True)

        assert host.stub.Create(request).properties == given

    @pytest.mark.parametrize("method", ["Update", "Read", "Delete"])
    @pytest.mark.parametrize("written", [2, "2027-01"])
    def test_a_state_of_a_newer_version_is_refused(self, host: Host, written: Any, method: str) -> None:
        state, resource = struct({"__state_format": written, "model": MODEL}), urn(JOB)
        calls: dict[str, Callable[[], Any]] = {
            "Update": lambda: host.stub.Update(
                provider_pb2.UpdateRequest(urn=resource, id="ftjob-1", olds=state)
            ),
            "Read": lambda: host.stub.Read(
                provider_pb2.ReadRequest(urn=resource, id="ftjob-1", properties=state)
            ),
            "Delete": lambda: host.stub.Delete(
                provider_pb2.DeleteRequest(urn=resource, id="ftjob-1", properties=state)
            ),
        }

        reason = refusal(calls[method]).reason

        assert is_a_sentence(reason)
        assert "'support': its state was written by a newer version of pulumi-openai-ft" in reason
        assert still_works(host)

    def test_a_state_of_a_newer_version_differs(self, host: Host) -> None:
        """Report a difference: a failing diff would end the whole command, including other resources."""
        inputs = {"model": MODEL, "training_file": "file-1"}

        found = host.diff(JOB, "ftjob-1", {"__state_format": 2, **inputs, "status": "succeeded"}, inputs)

        assert (found.changes, list(found.replaces)) == (DiffResponse.DIFF_SOME, [])

    def test_third_party_resources_can_be_denied(
        self, host: Host, service: Emulator, training_data: Path
    ) -> None:
        host.configure(configuration(service.url, denyThirdPartyProviders="true"))

        reason = refusal(host.create, THIRD_PARTY_TYPE, {"__provider": "never loaded"}, "shelf").reason

        assert is_a_sentence(reason)
        assert "'shelf'" in reason
        assert "openai-ft:denyThirdPartyProviders is set" in reason
        assert host.create(FILE, {"file": str(training_data)}, "data").id.startswith("file-")

    @pytest.mark.parametrize(
        "broken",
        [
            "§",
            "not base64",
            "bm8gcGlja2xl",
            "",
            7,
            ["x"],
            "gAWVHQAAAAAAAACMCW5vX21vZHVsZZSMCFByb3ZpZGVylJOUKYGULg==",
        ],
        ids=["letters", "blanks", "no pickle", "empty", "number", "list", "unknown module"],
    )
    def test_a_broken_third_party_provider_is_reported(self, host: Host, broken: Any) -> None:
        reason = refusal(host.create, THIRD_PARTY_TYPE, {"__provider": broken, "size": 1}, "shelf").reason

        assert is_a_sentence(reason)
        assert "'shelf'" in reason
        assert "__provider" in reason
        assert still_works(host)

    def test_pickles_in_our_states_are_never_loaded(self, host: Host, tmp_path: Path) -> None:
        """A tampered state cannot run code through the types of this package."""
        trap = {"__provider": pickled_trap(tmp_path / "sprung")}
        inputs = {"model": MODEL, "training_file": "file-1"}

        host.check(JOB, {**inputs, **trap})
        host.diff(JOB, "ftjob-1", {**inputs, **trap}, {**inputs, **trap})
        host.create(JOB, {**inputs, **trap}, preview=True)
        refusal(host.read, JOB, "ftjob-1", {**inputs, **trap})
        refusal(host.delete, JOB, "ftjob-1", {**inputs, **trap})

        assert not (tmp_path / "sprung").exists()
        refusal(host.create, THIRD_PARTY_TYPE, trap)
        assert (tmp_path / "sprung").exists()


class Trap:
    """An object that creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, (str(self.path), "w")


def pickled_trap(path: Path) -> str:
    return base64.b64encode(pickle.dumps(Trap(path))).decode()


class TestFile:
    """The lifecycle of a file."""

    def test_it_is_uploaded_read_and_deleted(
        self, host: Host, service: Emulator, training_data: Path
    ) -> None:
        sha256 = hashlib.sha256(training_data.read_bytes()).hexdigest()
        inputs = {"file": str(training_data), "sha256": sha256, **pickled(FileProvider())}

        created = host.create(FILE, inputs)
        read = host.read(FILE, created.id, to_dict(created.properties), inputs)

        (file,) = service.files()
        assert created.id == file["id"]
        assert to_dict(created.properties) == {
            "filename": "training.jsonl",
            "purpose": "fine-tune",
            "bytes": training_data.stat().st_size,
            "created_at": file["created_at"],
            "status": file["status"],
            "sha256": sha256,
            "example_count": 12,
            "token_count": check(training_data).tokens,
        }
        assert (read.id, to_dict(read.properties)) == (created.id, to_dict(created.properties))
        host.delete(FILE, created.id, to_dict(created.properties))
        assert service.files() == []
        assert host.read(FILE, created.id, to_dict(created.properties)) == provider_pb2.ReadResponse()

    def test_an_edited_file_is_replaced(self, host: Host, training_data: Path) -> None:
        created = host.create(FILE, {"file": str(training_data)})
        olds = to_dict(created.properties)

        found = host.diff(FILE, created.id, olds, {"file": str(training_data), "sha256": "0" * 64})

        assert (found.changes, list(found.replaces)) == (DiffResponse.DIFF_SOME, ["sha256"])
        assert found.hasDetailedDiff
        assert {path: each.kind for path, each in found.detailedDiff.items()} == {
            "sha256": PropertyDiff.UPDATE_REPLACE
        }
        assert host.diff(FILE, created.id, olds, {"file": "moved", "sha256": olds["sha256"]}).changes == (
            DiffResponse.DIFF_NONE
        )

    def test_an_import_returns_the_inputs_of_a_program(self, host: Host, file_id: str) -> None:
        read = host.read(FILE, file_id)

        inputs = to_dict(read.inputs)
        assert read.id == file_id
        assert {"filename": "training.jsonl", "purpose": "fine-tune"}.items() <= inputs.items()
        assert host.diff(FILE, file_id, to_dict(read.properties), inputs).changes == DiffResponse.DIFF_NONE
        assert read.inputs["__provider"] == read.properties["__provider"] != ""
        assert not host.check(FILE, inputs).failures

    def test_a_missing_path_is_refused(self, host: Host, tmp_path: Path) -> None:
        (reason,) = reasons(host, FILE, {"file": str(tmp_path / "missing.jsonl")})

        assert reason.startswith("file: ")
        assert "cannot be read" in reason

    def test_a_preview_knows_values_of_the_local_file(
        self, host: Host, service: Emulator, training_data: Path
    ) -> None:
        inputs = {"file": str(training_data), "sha256": "0" * 64, "__identity": "a resource"}

        planned = to_dict(host.create(FILE, inputs, preview=True).properties)

        assert planned["bytes"] == training_data.stat().st_size
        assert planned["filename"].startswith("training-")
        assert (planned["sha256"], planned["purpose"]) == ("0" * 64, "fine-tune")
        assert (planned["created_at"], planned["status"]) == (UNKNOWN, UNKNOWN)
        assert service.journal() == []

    def test_a_preview_of_an_update_keeps_everything(self, host: Host, service: Emulator) -> None:
        olds = {"filename": "a.jsonl", "sha256": "0" * 64, "bytes": 7}

        planned = host.update(FILE, "file-1", olds, {"file": "moved", "sha256": "0" * 64}, preview=True)

        assert to_dict(planned.properties) == olds
        assert service.journal() == []


class TestJob:
    """The lifecycle of a job."""

    def test_it_is_trained_and_read(self, host: Host, service: Emulator, job_inputs: dict[str, Any]) -> None:
        created = host.create(JOB, job_inputs)

        (job,) = service.jobs()
        outs = to_dict(created.properties)
        assert created.id == job["id"]
        assert (outs["status"], outs["fine_tuned_model"]) == ("succeeded", job["fine_tuned_model"])
        assert to_dict(host.read(JOB, created.id, outs).properties) == outs
        assert host.diff(JOB, created.id, outs, job_inputs).changes == DiffResponse.DIFF_NONE
        assert host.engine.await_log("created job").urn == urn(JOB)

    def test_in_place_changes_are_updates(self, host: Host, job_inputs: dict[str, Any]) -> None:
        created = host.create(JOB, job_inputs)
        olds, news = to_dict(created.properties), {**job_inputs, "delete_model_on_destroy": True}

        found = host.diff(JOB, created.id, olds, news)
        updated = host.update(JOB, created.id, olds, news)

        assert (found.changes, list(found.replaces)) == (DiffResponse.DIFF_SOME, [])
        assert {path: each.kind for path, each in found.detailedDiff.items()} == {
            "delete_model_on_destroy": PropertyDiff.ADD
        }
        assert to_dict(updated.properties) == {**olds, "delete_model_on_destroy": True} | requested(updated)

    def test_a_nested_change_replaces_and_names_its_path(
        self, host: Host, job_inputs: dict[str, Any]
    ) -> None:
        inputs = {**job_inputs, "method": supervised(n_epochs=3), "metadata": {"team.name": "a"}}
        created = host.create(JOB, inputs)
        news = {**inputs, "method": supervised(n_epochs=4), "metadata": {"team.name": "b"}, "suffix": "new"}

        found = host.diff(JOB, created.id, to_dict(created.properties), news)

        assert found.changes == DiffResponse.DIFF_SOME
        assert {path: each.kind for path, each in found.detailedDiff.items()} == {
            EPOCHS: PropertyDiff.UPDATE_REPLACE,
            'metadata["team.name"]': PropertyDiff.UPDATE_REPLACE,
            "suffix": PropertyDiff.ADD_REPLACE,
        }
        assert found.replaces
        assert not found.deleteBeforeReplace

    def test_an_unknown_value_counts_as_a_change(self, host: Host, job_inputs: dict[str, Any]) -> None:
        created = host.create(JOB, job_inputs)

        news = {**job_inputs, "training_file": UNKNOWN}
        found = host.diff(JOB, created.id, to_dict(created.properties), news)

        assert list(found.replaces) == ["training_file"]

    def test_a_running_job_is_cancelled_before_its_replacement(
        self, slow_host: Host, slow_job_inputs: dict[str, Any]
    ) -> None:
        inputs = {**slow_job_inputs, "wait_for_completion": False}
        created = slow_host.create(JOB, inputs)

        found = slow_host.diff(JOB, created.id, to_dict(created.properties), {**inputs, "seed": 7})

        assert found.deleteBeforeReplace

    def test_destroying_a_running_job_cancels_it(
        self, slow_host: Host, slow_service: Emulator, slow_job_inputs: dict[str, Any]
    ) -> None:
        created = slow_host.create(JOB, {**slow_job_inputs, "wait_for_completion": False})

        slow_host.delete(JOB, created.id, to_dict(created.properties))

        assert [job["status"] for job in slow_service.jobs()] == ["cancelled"]

    def test_invalid_inputs_are_reported_with_their_paths(self, host: Host) -> None:
        news = {"model": MODEL, "training_file": "file-1", "method": supervised(n_epochs="many"), "seed": -1}

        found = reasons(host, JOB, news)

        assert len(found) == 2
        assert any(reason.startswith(f"{EPOCHS}: ") for reason in found)
        assert any(reason.startswith("seed: ") for reason in found)

    def test_checked_inputs_are_the_programs(self, host: Host) -> None:
        news = {"model": MODEL, "training_file": UNKNOWN, "seed": 7, "__identity": "a resource"}

        assert to_dict(host.check(JOB, news).inputs) == news

    def test_a_create_preview_knows_the_inputs(self, host: Host, service: Emulator) -> None:
        planned = host.create(
            JOB, {"model": MODEL, "training_file": UNKNOWN, "suffix": "support", "seed": 7}, preview=True
        )

        outs = to_dict(planned.properties)
        assert planned.id == ""
        assert (outs["training_file"], outs["suffix"], outs["seed"]) == (UNKNOWN, "support", 7)
        assert outs["base_url"] == service.url
        unknown = {"model", "method", "status", "fine_tuned_model", "created_at", "organization_id"}
        assert {outs[name] for name in unknown} == {UNKNOWN}
        assert service.journal() == []

    def test_a_preview_of_an_update_keeps_constant_outputs(
        self, host: Host, service: Emulator, job_inputs: dict[str, Any]
    ) -> None:
        created = host.create(JOB, job_inputs)
        olds, before = to_dict(created.properties), service.journal()

        planned = host.update(
            JOB, created.id, olds, {**job_inputs, "delete_model_on_destroy": True}, preview=True
        )

        assert to_dict(planned.properties) == {**olds, "delete_model_on_destroy": True}
        assert service.journal() == before

    def test_an_import_returns_the_inputs_of_a_program(self, host: Host, job_inputs: dict[str, Any]) -> None:
        created = host.create(JOB, {**job_inputs, "suffix": "support"})

        read = host.read(JOB, created.id)

        inputs = to_dict(read.inputs)
        assert (inputs["training_file"], inputs["suffix"]) == (job_inputs["training_file"], "support")
        assert not host.check(JOB, inputs).failures
        found = host.diff(JOB, created.id, to_dict(read.properties), inputs)
        assert (found.changes, list(found.replaces)) == (DiffResponse.DIFF_NONE, [])

    @pytest.mark.parametrize("id_", ["", "file-1", "nonsense"])
    def test_an_invalid_id_is_refused(self, host: Host, id_: str) -> None:
        assert is_a_sentence(refusal(host.read, JOB, id_).reason)

    def test_a_job_not_found_is_an_error(self, host: Host, job_inputs: dict[str, Any]) -> None:
        failed = refusal(host.read, JOB, "ftjob-unknown", job_inputs)

        assert is_a_sentence(failed.reason)
        assert "pulumi state delete" in failed.reason
        assert failed.left is None


class TestPermission:
    """The lifecycle of checkpoint permissions."""

    @pytest.fixture
    def inputs(self, host: Host, job_inputs: dict[str, Any]) -> dict[str, Any]:
        model = to_dict(host.create(JOB, job_inputs).properties)["fine_tuned_model"]
        return {"checkpoint_id": model, "project_ids": ["proj_b", "proj_c"]}

    def test_it_is_created_changed_read_and_revoked(
        self, host: Host, service: Emulator, inputs: dict[str, Any]
    ) -> None:
        created = host.create(PERMISSION, inputs)
        olds, news = to_dict(created.properties), {**inputs, "project_ids": ["proj_c", "proj_d"]}

        found = host.diff(PERMISSION, created.id, olds, news)
        updated = to_dict(host.update(PERMISSION, created.id, olds, news).properties)

        assert created.id == inputs["checkpoint_id"]
        assert {path: each.kind for path, each in found.detailedDiff.items()} == {
            "project_ids": PropertyDiff.UPDATE
        }
        assert (updated["project_ids"], updated["permission_ids"]["proj_c"]) == (
            ["proj_c", "proj_d"],
            olds["permission_ids"]["proj_c"],
        )
        assert to_dict(host.read(PERMISSION, created.id, updated).properties) == updated
        host.delete(PERMISSION, created.id, updated)
        assert service.permissions() == []
        assert host.read(PERMISSION, created.id, updated).id == ""

    def test_an_import_returns_the_inputs_of_a_program(self, host: Host, inputs: dict[str, Any]) -> None:
        host.create(PERMISSION, inputs)

        read = host.read(PERMISSION, inputs["checkpoint_id"])

        assert (read.id, to_dict(read.inputs)) == (inputs["checkpoint_id"], inputs)
        found = host.diff(PERMISSION, read.id, to_dict(read.properties), to_dict(read.inputs))
        assert found.changes == DiffResponse.DIFF_NONE

    def test_another_checkpoint_replaces_the_resource(self, host: Host) -> None:
        olds = {"checkpoint_id": "ft:a", "project_ids": ["proj_b"], "permission_ids": {"proj_b": "cp_1"}}

        found = host.diff(PERMISSION, "ft:a", olds, {"checkpoint_id": "ft:b", "project_ids": ["proj_b"]})

        assert list(found.replaces) == ["checkpoint_id"]
        assert {path: each.kind for path, each in found.detailedDiff.items()} == {
            "checkpoint_id": PropertyDiff.UPDATE_REPLACE
        }

    def test_invalid_inputs_are_reported(self, host: Host) -> None:
        (reason,) = reasons(
            host, PERMISSION, {"checkpoint_id": "ft:a", "project_ids": ["a"], "allow_view": False}
        )

        assert reason.startswith("allow_view: ")

    def test_a_preview_keeps_the_ids_of_remaining_permissions(self, host: Host, service: Emulator) -> None:
        olds = {"checkpoint_id": "ft:a", "project_ids": ["proj_b"], "permission_ids": {"proj_b": "cp_1"}}
        news = {"checkpoint_id": "ft:a", "project_ids": ["proj_c", "proj_b"]}

        planned = host.update(PERMISSION, "ft:a", olds, news, preview=True)

        assert to_dict(planned.properties) == {
            "checkpoint_id": "ft:a",
            "project_ids": ["proj_b", "proj_c"],
            "permission_ids": {"proj_b": "cp_1", "proj_c": UNKNOWN},
        }
        assert service.journal() == []

    def test_a_preview_of_a_create_knows_its_checkpoint(self, host: Host, service: Emulator) -> None:
        planned = host.create(PERMISSION, {"checkpoint_id": "ft:a", "project_ids": UNKNOWN}, preview=True)

        outs = to_dict(planned.properties)
        assert (outs["checkpoint_id"], outs["project_ids"], outs["permission_ids"]) == (
            "ft:a",
            UNKNOWN,
            UNKNOWN,
        )
        assert service.journal() == []


@pytest.mark.parametrize("kind", PROVIDERS)
def test_the_state_records_the_programs_provider(host: Host, kind: str) -> None:
    """A stack can therefore return to the stock host."""
    expected = pickled(PROVIDERS[kind]())["__provider"]

    checked = host.check(kind, {"model": MODEL, **pickled(PROVIDERS[kind]())})
    planned = host.create(kind, {"model": MODEL}, preview=True)

    assert (checked.inputs["__provider"], planned.properties["__provider"]) == (expected, expected)


class TestFailures:
    """Invalid keys and unreachable services."""

    def test_a_wrong_key_is_reported_before_any_create(self, host: Host, service: Emulator) -> None:
        service.fault("*", "*", "status", times=None, status=401)

        (reason,) = reasons(host, JOB, {"model": MODEL, "training_file": "file-1"})

        assert is_a_sentence(reason)
        assert service.url in reason
        assert "project key sk-…cdef" in reason

    def test_a_wrong_key_at_create_gives_a_sentence(
        self, host: Host, service: Emulator, job_inputs: dict[str, Any]
    ) -> None:
        service.fault("*", "*", "status", times=None, status=401)

        failed = refusal(host.create, JOB, job_inputs)

        assert is_a_sentence(failed.reason)
        assert failed.left is None

    @pytest.mark.parametrize("kind", [FILE, JOB, PERMISSION])
    def test_an_unreachable_service_is_reported(
        self, unconfigured: Host, kind: str, training_data: Path
    ) -> None:
        inputs = {
            FILE: {"file": str(training_data)},
            JOB: {"model": MODEL, "training_file": "file-1"},
            PERMISSION: {"checkpoint_id": "ft:a", "project_ids": ["proj_b"]},
        }
        unconfigured.configure(configuration(unused_address(), maxRetries="0"))

        failed = refusal(unconfigured.create, kind, inputs[kind])

        assert is_a_sentence(failed.reason)
        assert unused_address() in failed.reason

    @pytest.mark.parametrize("kind", PROVIDERS)
    def test_check_reports_a_missing_key(self, unconfigured: Host, service: Emulator, kind: str) -> None:
        unconfigured.configure({"baseUrl": service.url})

        found = reasons(unconfigured, kind, {"model": MODEL, "training_file": "file-1"})

        assert any("key" in reason and "openai-ft:a" in reason for reason in found)
        assert service.journal() == []

    def test_a_new_configuration_applies_from_the_next_call(self, host: Host, slow_service: Emulator) -> None:
        host.configure(configuration(slow_service.url))

        planned = host.create(JOB, {"model": MODEL, "training_file": "file-1"}, preview=True)

        assert planned.properties["base_url"] == slow_service.url


def unused_address() -> str:
    """Return an address without a server: the port of the discard protocol."""
    return "http://127.0.0.1:9/v1"


def test_responses_and_messages_contain_no_keys(
    host: Host, process: HostProcess, service: Emulator, job_inputs: dict[str, Any], training_data: Path
) -> None:
    created = host.create(JOB, job_inputs)
    outs = to_dict(created.properties)
    model = outs["fine_tuned_model"]
    responses: list[Any] = [
        host.check(JOB, job_inputs),
        host.create(JOB, job_inputs, preview=True),
        created,
        host.diff(JOB, created.id, outs, job_inputs),
        host.read(JOB, created.id, outs),
        host.read(JOB, created.id),
        host.update(JOB, created.id, outs, job_inputs),
        host.create(PERMISSION, {"checkpoint_id": model, "project_ids": ["proj_b"]}),
        host.create(FILE, {"file": str(training_data)}),
    ]
    refused = {"error": {"message": f"no {API_KEY} and no {ADMIN_KEY} here", "type": "auth"}}
    service.fault("*", "*", "status", times=None, status=401, body=refused)
    responses += [
        refusal(host.read, JOB, created.id, outs),
        refusal(host.update, JOB, created.id, outs, {**job_inputs, "wait_for_completion": True}),
        refusal(host.create, PERMISSION, {"checkpoint_id": "ft:b", "project_ids": ["proj_b"]}),
        *reasons(host, JOB, job_inputs),
    ]

    reported = "\n".join(map(str, [*responses, *host.engine.logs, process.stderr]))
    assert "sk-…cdef" in reported
    assert API_KEY not in reported
    assert ADMIN_KEY not in reported


def requested(updated: provider_pb2.UpdateResponse) -> dict[str, Any]:
    """Return the inputs that an update records."""
    return {"__asked": to_dict(updated.properties)["__asked"]}
