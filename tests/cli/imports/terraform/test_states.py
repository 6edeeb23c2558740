"""States of each supported provider. They follow the schema that the provider's version prints; the values are made up."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pulumi_openai_ft._shared.state_names import TYPE_PREFIX
from pulumi_openai_ft.cli.imports.program_source import Reference
from pulumi_openai_ft.cli.imports.terraform.conversion import Conversion, convert
from pulumi_openai_ft.cli.imports.terraform.local_files import LocalFiles
from pulumi_openai_ft.cli.imports.terraform.state_file import read_state
from pulumi_openai_ft.cli.main import main
from pulumi_openai_ft.errors import InputError

STATES = Path(__file__).with_name("states")
MKDEV_1 = ("mkdev-1.2.0.tfstate", "mkdev-1.2.0.show.json")
MKDEV_2, SKYSCRAPR = "mkdev-2.2.7.tfstate", "skyscrapr-1.8.1.tfstate"
EVERY_STATE = [*MKDEV_1, MKDEV_2, SKYSCRAPR]
SECRETS = ("made-up-0000", "made-up-1111", "confidential-name")
CHECKPOINT = "ft:gpt-4o-mini-2024-07-18:acme:support:BMadeUp1"
JOB = "FineTuningJob"
MODEL = {"model": "gpt-4o-mini-2024-07-18", "training_file": Reference("File", "training_data")}


def supervised(**hyperparameters: Any) -> dict[str, Any]:
    return {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}}


def conversion(state: str | bytes, folder: Path = Path("no-such-folder")) -> Conversion:
    content = (STATES / state).read_bytes() if isinstance(state, str) else state
    return convert(read_state(content, "state"), LocalFiles(folder, folder))


def changed(state: str, address: str, **attributes: Any) -> bytes:
    """Return a state in which a resource has other attributes."""
    decoded = json.loads((STATES / state).read_text())
    (resource,) = (entry for entry in decoded["resources"] if f"{entry['type']}.{entry['name']}" == address)
    resource["instances"][0]["attributes"] |= attributes
    return json.dumps(decoded).encode()


def reason(found: Conversion, address: str) -> str:
    (omission,) = (omission for omission in found.omissions if omission.id == address)
    return omission.reason


def notes(found: Conversion, address: str) -> list[str]:
    return [note.reason for note in found.notes if note.id == address]


@pytest.mark.parametrize("state", MKDEV_1)
def test_version_1_of_mkdev_is_carried_over(state: str) -> None:
    found = conversion(state)

    assert {(entry.type.removeprefix(TYPE_PREFIX), entry.name): entry.id for entry in found.entries} == {
        ("File", "training_data"): "file-MadeUpTrain1",
        ("File", "imported"): "file-MadeUpImported",
        (JOB, "basic_example"): "ftjob-MadeUpBasic",
        (JOB, "supervised"): "ftjob-MadeUpSupervised",
        (JOB, "dpo"): "ftjob-MadeUpDpo",
        (JOB, "deprecated"): "ftjob-MadeUpDeprecated",
        (JOB, "wandb"): "ftjob-MadeUpWandb",
        (JOB, "timeout"): "ftjob-MadeUpTimeout",
        (JOB, "models_eu_west_jobs_1_per_team_team_a"): "ftjob-MadeUpTeamA",
        (JOB, "models_eu_west_jobs_1_per_team_team_a_2"): "ftjob-MadeUpTeamB",
        (JOB, "replaced"): "ftjob-MadeUpNew",
        (JOB, "secret_suffix"): "ftjob-MadeUpSecret",
        ("FineTuningCheckpointPermission", "share"): f"{CHECKPOINT}/cp_MadeUp1",
    }
    assert {resource.name: resource.inputs for resource in found.program if resource.kind == JOB} == {
        "basic_example": {**MODEL, "suffix": "my-custom-model-v1"},
        "supervised": {
            **MODEL,
            "validation_file": "file-Elsewhere1",
            "seed": 42,
            "method": supervised(n_epochs=3, batch_size=4, learning_rate_multiplier=0.1),
            "metadata": {"team": "support"},
        },
        "dpo": {**MODEL, "method": {"type": "dpo", "dpo": {"hyperparameters": {"beta": 0.2}}}},
        "deprecated": {**MODEL, "method": supervised(n_epochs=2)},
        "wandb": {
            **MODEL,
            "integrations": [
                {"type": "wandb", "wandb": {"project": "my-ft", "name": "ft-run", "tags": ["a", "b"]}}
            ],
        },
        "timeout": MODEL,
        "models_eu_west_jobs_1_per_team_team_a": {**MODEL, "suffix": "team-a"},
        "models_eu_west_jobs_1_per_team_team_a_2": {**MODEL, "suffix": "team-b"},
        "replaced": MODEL,
        "secret_suffix": MODEL,
    }
    assert found.others == {"registry.terraform.io/hashicorp/aws": 1}


@pytest.mark.parametrize("state", MKDEV_1)
@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("openai_file.results", "only uploaded files can be imported"),
        ("openai_fine_tuning_job.failed_import", "placeholders of a failed import"),
        ("openai_fine_tuning_job.replaced", "a former object"),
        ("openai_fine_tuning_checkpoint_permission.two_projects", "(projects: proj_MadeUpA, proj_MadeUpB)"),
        ("openai_fine_tuning_checkpoint_permission.imported", "no readable `checkpoint_id`"),
        ("openai_admin_api_key.admin", "no resource for openai_admin_api_key"),
        ("openai_assistant.helper", "no resource for openai_assistant"),
        ("data.openai_fine_tuning_events.job_events", "a data source"),
    ],
)
def test_resources_that_cannot_be_carried_over_are_listed(state: str, address: str, expected: str) -> None:
    assert expected in reason(conversion(state), address)


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("openai_file.imported", "the state has no path"),
        ("openai_file.training_data", "its local file './data/training_data.jsonl' does not exist"),
        ("openai_fine_tuning_job.deprecated", "tainted"),
        ("openai_fine_tuning_job.timeout", "cancel_after_timeout is left out"),
        ("openai_fine_tuning_job.secret_suffix", "sensitive values are left out: suffix"),
        ("openai_fine_tuning_checkpoint_permission.share", "records one project, proj_MadeUpA, and loses"),
    ],
)
def test_losses_of_the_provider_are_reported(address: str, expected: str) -> None:
    (note,) = notes(conversion(MKDEV_1[0]), address)

    assert expected in note


def test_version_2_of_mkdev_is_carried_over() -> None:
    found = conversion(MKDEV_2)

    assert {resource.name: resource.inputs for resource in found.program} == {
        "training_data": {"filename": "training_data.jsonl"},
        "supervised": {
            **MODEL,
            "method": supervised(n_epochs=3, learning_rate_multiplier=1.8),
            "integrations": [{"type": "wandb", "wandb": {"project": "my-ft"}}],
            "metadata": {"team": "support"},
        },
        "dpo": {**MODEL, "method": {"type": "dpo"}},
    }
    (note,) = notes(found, "openai_fine_tuning_job.dpo")
    assert "did not send the hyperparameters of `dpo`" in note


def test_skyscrapr_is_carried_over() -> None:
    found = conversion(SKYSCRAPR)

    assert [(resource.kind, resource.name, resource.inputs) for resource in found.program] == [
        ("File", "training_data", {"filename": "training_data.jsonl"}),
        (JOB, "support", MODEL),
    ]
    assert [omission.id for omission in found.omissions] == [
        "openai_assistant.helper",
        "data.openai_model.gpt",
    ]


@pytest.mark.parametrize("state", EVERY_STATE)
@pytest.mark.parametrize(("size", "is_used"), [(1234, True), (1233, False)])
def test_only_the_uploaded_content_is_named(tmp_path: Path, state: str, size: int, *, is_used: bool) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "training_data.jsonl").write_bytes(b"x" * size)

    found = conversion(state, tmp_path)

    inputs = {"file": "data/training_data.jsonl"} if is_used else {"filename": "training_data.jsonl"}
    assert found.program[0].inputs == inputs
    assert bool(notes(found, "openai_file.training_data")) is not is_used


def test_a_path_is_relative_to_the_program(tmp_path: Path) -> None:
    (tmp_path / "infra" / "data").mkdir(parents=True)
    (tmp_path / "infra" / "data" / "training_data.jsonl").write_bytes(b"x" * 1234)
    state = read_state((STATES / SKYSCRAPR).read_bytes(), SKYSCRAPR)

    found = convert(state, LocalFiles(tmp_path / "infra", tmp_path / "pulumi"))

    assert found.program[0].inputs == {"file": "../infra/data/training_data.jsonl"}


@pytest.mark.parametrize("state", EVERY_STATE)
def test_secrets_are_neither_printed_nor_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], state: str
) -> None:
    monkeypatch.chdir(tmp_path)

    assert main(["import", "from-terraform", str(STATES / state)]) == 0

    printed = capsys.readouterr()
    written = [(tmp_path / name).read_text() for name in ("import.json", "from_terraform.py")]
    text = "".join([printed.out, printed.err, *written])
    assert [secret for secret in SECRETS if secret in text] == []


@pytest.mark.parametrize("name", ["id", "model", "training_file", "file", "checkpoint_id", "project_ids"])
def test_any_sensitive_attribute_is_withheld(name: str) -> None:
    decoded = json.loads((STATES / MKDEV_1[0]).read_text())
    values = []
    for entry in decoded["resources"]:
        for instance in entry["instances"]:
            if instance["attributes"].get(name):
                instance["sensitive_attributes"] = [[{"type": "get_attr", "value": name}]]
                instance["attributes"][name] = ["secret-value"] if name == "project_ids" else "secret-value"
                values.append(name)

    found = conversion(json.dumps(decoded).encode())

    assert values
    assert "secret-value" not in repr(found)


@pytest.mark.parametrize("mark", [[], [[]], ["suffix"], [[{"type": "index", "value": {"value": 0}}]]])
def test_an_unreadable_mark_makes_all_attributes_sensitive(mark: list[Any]) -> None:
    decoded = json.loads((STATES / MKDEV_1[0]).read_text())
    decoded["resources"][0]["instances"][0]["sensitive_attributes"] = mark

    found = conversion(json.dumps(decoded).encode())

    is_withheld = "openai_file.training_data" in {omission.id for omission in found.omissions}
    assert is_withheld is bool(mark)


@pytest.mark.parametrize(
    ("attributes", "left_out"),
    [
        ({"suffix": "x" * 65}, "suffix"),
        ({"metadata": {"team": "x" * 600}}, "metadata"),
        (
            {"method": [{"type": "supervised", "supervised": [{"hyperparameters": [{"n_epochs": 99}]}]}]},
            "method",
        ),
        ({"seed": -1}, "seed"),
    ],
)
def test_values_that_are_not_valid_inputs_are_reported(attributes: dict[str, Any], left_out: str) -> None:
    address = "openai_fine_tuning_job.basic_example"

    found = conversion(changed(MKDEV_1[0], address, **attributes))

    assert any(note.startswith(f"{left_out} or a part") for note in notes(found, address))


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ({"id": None}, "no id"),
        ({"id": "file-1"}, "the id of a file"),
        ({"id": "ftjob-1\nx"}, "not printable"),
        ({"model": None}, "no readable `model`"),
        ({"training_file": 3}, "training_file: required"),
    ],
)
def test_a_job_without_required_attributes_is_left_out(attributes: dict[str, Any], expected: str) -> None:
    address = "openai_fine_tuning_job.basic_example"

    assert expected in reason(conversion(changed(MKDEV_1[0], address, **attributes)), address)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "state is empty"),
        (b"# openai_file.data:\nresource", "line 1, column 1: not JSON"),
        (b'{"version": 4,\n "resources": [}', "line 2, column 16: not JSON"),
        (b'{"version": 4, "resources": [NaN]}', "not JSON"),
        (b"\xff\xfe\xfd", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[]", "not a JSON object"),
        (b"{}", "not a Terraform state"),
        (b'{"version": 3, "modules": []}', "version: the format of the state is 3"),
        (b'{"version": "sk-secret"}', "the format of the state is unknown"),
        (b'{"encrypted_data": "sk-secret"}', "state is encrypted"),
        (b'{"format_version": "1.2", "planned_values": {}}', "is a plan"),
        (b'{"version": 4, "resources": "sk-secret"}', "state: resources: input should be a valid list"),
        (
            b'{"version": 4, "resources": [{"mode": "managed", "type": "t", "name": "n", "provider": "", "instances": '
            + b'[{"attributes": ["sk-secret"]}]}]}',
            "resources[0].instances[0].attributes: input should be a valid dictionary",
        ),
        (
            b'{"format_version": "1.0", "values": {"root_module": {"child_modules": [{"resources": [{}]}]}}}',
            "values.root_module.child_modules[0].resources[0].address: field required",
        ),
    ],
)
def test_a_malformed_state_is_reported_with_the_place(content: bytes, expected: str) -> None:
    with pytest.raises(InputError) as raised:
        read_state(content, "state")

    assert expected in str(raised.value)
    assert "sk-secret" not in str(raised.value)


@pytest.mark.parametrize("content", [b'{"version": 4, "resources": []}', b'{"format_version": "1.0"}'])
def test_an_empty_state_has_the_exit_code_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "terraform.tfstate").write_bytes(content)

    assert main(["import", "from-terraform", "terraform.tfstate"]) == 1

    assert "no resource that can be carried over" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["terraform.tfstate"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_state_in_each_encoding_of_a_shell_is_read(encoding: str) -> None:
    text = (STATES / SKYSCRAPR).read_text()

    assert conversion(text.encode(encoding)).entries == conversion(SKYSCRAPR).entries


@pytest.mark.parametrize("existing", ["import.json", "from_terraform.py"])
def test_existing_files_are_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], existing: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / existing).write_text("mine")

    assert main(["import", "from-terraform", str(STATES / SKYSCRAPR)]) == 1

    assert f"{existing} exists" in capsys.readouterr().err
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {existing: "mine"}


def test_a_state_is_read_from_standard_input(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    content = io.BytesIO((STATES / SKYSCRAPR).read_bytes())
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(content))

    assert main(["import", "from-terraform", "-"]) == 0

    assert "terraform state rm openai_finetuning_job.support" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("provider", "is_carried"),
    [
        ('provider["registry.opentofu.org/mkdev-me/openai"]', True),
        ('module.eu.provider["registry.terraform.io/mkdev-me/openai"].alias', True),
        ('provider["terraform.example.com/mkdev-me/openai"]', True),
        ('provider["registry.terraform.io/openai/openai"]', False),
        ("provider.openai", False),
    ],
)
def test_the_provider_decides_not_the_type(provider: str, *, is_carried: bool) -> None:
    content = (
        (STATES / MKDEV_2).read_text().replace('provider[\\"registry.terraform.io/mkdev-me/openai\\"]', "P")
    )

    found = conversion(content.replace('"P"', json.dumps(provider)).encode())

    assert any(entry.id == "file-MadeUpTrain2" for entry in found.entries) is is_carried


KEYS = st.lists(st.text() | st.integers(0, 9), min_size=1, max_size=6, unique_by=str)


@given(KEYS)
def test_names_are_unique_identifiers(keys: list[str | int]) -> None:
    decoded = json.loads((STATES / SKYSCRAPR).read_text())
    entry = decoded["resources"][1]
    (instance,) = entry["instances"]
    entry["instances"] = [
        {**instance, "index_key": key, "attributes": {**instance["attributes"], "id": f"ftjob-{number}"}}
        for number, key in enumerate(keys)
    ]

    names = [entry.name for entry in conversion(json.dumps(decoded).encode()).entries[1:]]

    assert len(set(names)) == len(names) == len(keys)
    assert all(name.isidentifier() and name.isascii() and name.startswith("support") for name in names)
